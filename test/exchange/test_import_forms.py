"""The same server in each form of print: the complete forms become the same document, the others say what they lack."""
import dataclasses
import json
import subprocess

import cases
import printers
import pytest
from binary import release

COMPLETE, PARTIAL = ("list-all", "json", "clixml"), ("list", "table")


def imported(folder, case):
    folder.mkdir()
    for name, content in case.files():
        (folder / name).write_bytes(content)
    done = subprocess.run([release(), "import", "exchange", "--json", "--server", case.world.servers[0].name,
                           *(name for name, _ in case.files())], cwd=folder, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    checked = subprocess.run([release(), "check", "-"], input=json.loads(done.stdout)["yaml"].encode(), capture_output=True,
                             timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout.decode(errors="replace")
    return json.loads(done.stdout)


@pytest.mark.parametrize("seed", range(12))
def test_every_form_becomes_a_document(tmp_path, seed):
    documents = {}
    for kind in COMPLETE + PARTIAL:
        case = cases.build(seed, (), dataclasses.replace(printers.style_of(seed), kind=kind))
        value = documents[kind] = imported(tmp_path / kind, case)
        front = [n for n in value["document"].get("receive-connectors", {}) if n.startswith(("Default Frontend", "Default internal"))]
        assert front or kind in PARTIAL
        assert front or any("| FL *" in (note["why"] or "") for note in value["notes"])
    assert len({json.dumps(documents[kind]["document"], sort_keys=True) for kind in COMPLETE}) == 1
