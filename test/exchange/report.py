"""What the tests tell at the end of the run."""
from binary import ROOT

told = []


def tell(title, text, file):
    told.append((title, text))
    path = ROOT / "build" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n")
