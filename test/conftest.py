"""Fixtures of the system and crash tests. Each test is bounded in time, and whatever it started is ended by its id."""
import pathlib
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "system"))

from harness.certs import Authority  # noqa: E402
from harness.daemon import Sealpost, binary  # noqa: E402
from harness.dns import Dns  # noqa: E402
from harness.sink import Sink  # noqa: E402

SECONDS = 90  # for one test, unless it is marked with bounded(seconds)


def pytest_configure(config):
    config.addinivalue_line("markers", "bounded(seconds): the most that this test may take")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    mark = item.get_closest_marker("bounded")
    seconds = mark.args[0] if mark else SECONDS

    def too_long(*_):
        raise TimeoutError(f"the test took longer than {seconds} s")
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "report_" + call.when, outcome.get_result())


def pytest_sessionstart(session):
    if not pathlib.Path(binary()).exists():
        pytest.exit(f"{binary()} does not exist: ./dev build, or set SEALPOST_BINARY", 1)


class Closing:
    """Makes things for one test and closes them, last first, when it ends."""

    def __init__(self):
        self.things = []

    def keep(self, thing, close):
        self.things.append((thing, close))
        return thing

    def close(self):
        for _, close in reversed(self.things):
            close()


@pytest.fixture
def closing():
    keeper = Closing()
    yield keeper
    keeper.close()


@pytest.fixture
def sealpost(request):
    """Makes Sealposts. Those still running at the end are stopped and must have ended cleanly."""
    made = []

    def make(**sections):
        made.append(Sealpost(**sections))
        return made[-1]
    yield make
    failed = getattr(request.node, "report_call", None) is None or request.node.report_call.failed
    try:
        for daemon in reversed(made):
            if failed:
                print(f"\n--- log of {daemon.folder}\n{daemon.tail(80)}")
            else:
                daemon.stop()
    finally:
        for daemon in made:
            daemon.clean()


@pytest.fixture
def sink(closing):
    def make(**options):
        made = Sink(**options)
        return closing.keep(made, made.close)
    return make


@pytest.fixture
def dns(closing):
    def make(records=None):
        made = Dns(records)
        return closing.keep(made, made.close)
    return make


@pytest.fixture
def peer(closing):
    """peer(Dovecot, ...): makes and starts a foreign program."""
    def make(kind, *arguments, **options):
        made = closing.keep(kind(*arguments, **options), lambda: made.close())
        return made.start()
    return make


@pytest.fixture(scope="session")
def authority():
    with tempfile.TemporaryDirectory(prefix="ca-") as folder:
        pathlib.Path(folder).chmod(0o755)
        yield Authority(pathlib.Path(folder))
