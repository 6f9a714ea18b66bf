"""A daemon with the default document for tests that leave no trace in it."""
import pytest
from harness.daemon import Sealpost


@pytest.fixture(scope="session")
def sealpost_shared():
    daemon = Sealpost().internet(**{"max-protocol-errors": "unlimited", "max-connections-per-source": "unlimited"})
    daemon.start()
    yield daemon
    try:
        daemon.stop()
    finally:
        daemon.clean()
