"""The program under test, one process for each case, as many at once as there are processors."""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "test/system"))

from harness.daemon import binary as sanitized, release_binary as release  # noqa: E402

AT = "2027-03-02T06:30:00Z"  # model.NOW


class Crash(Exception):
    pass


def diagnose(files, binary=None, at=AT):
    """files: [(name, bytes)]. The diagnosis as a value."""
    with tempfile.TemporaryDirectory(prefix="exch-") as folder:
        names = []
        for name, content in files:
            path = pathlib.Path(folder, name)
            path.write_bytes(content)
            names.append(name)
        done = subprocess.run([binary or release(), "diagnose", "--json", "--at", at, *names], cwd=folder,
                              capture_output=True, timeout=60)
        if done.returncode not in (0, 1) or not done.stdout:
            raise Crash(f"exit {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
        return json.loads(done.stdout)


def diagnose_all(cases, binary=None):
    """cases: a list of what diagnose() takes. Results in their order."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return list(pool.map(lambda files: diagnose(files, binary), cases))


def faults(diagnosis, above_green=True):
    """The codes of the findings in their order, each once; those without a code by their name."""
    out = []
    for finding in diagnosis["findings"]:
        code = finding.get("fault") or finding.get("name")
        if code not in out and (not above_green or finding["severity"] != "green"):
            out.append(code)
    return out
