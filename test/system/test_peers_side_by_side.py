"""What mail servers do when the files of their certificate change for the worse, side by side. Only Sealpost must pass; of
the others it is written down what was seen, in build/peers-observed.md (doc/peers.md tells it)."""
import socket
import ssl
import threading
import time

import pytest
from harness import net
from harness.daemon import ROOT
from harness.mail_servers import NAME, EximServer, OpenSmtpdServer, PostfixServer, SealpostServer, issue_rsa, split
from harness.smtp import Client, Closed, insecure

SERVERS = [SealpostServer, PostfixServer, EximServer, OpenSmtpdServer]
CASES = ["good pair", "torn pair", "key of another", "expired", "missing key", "other name"]
observed = {}  # (server, case) -> Probe, or text


class Probe:
    """One stranger's visit."""

    def __init__(self, port, leaves):
        self.reached, self.offered, self.code, self.shaken, self.leaf = False, False, None, False, None
        try:
            with Client(port, timeout=5) as client:
                self.reached = client.greeting.code == 220
                self.offered = client.ehlo().has("STARTTLS")
                self.code = client.cmd("STARTTLS").code
                if self.code != 220:
                    return
                client.socket = insecure().wrap_socket(client.socket, server_hostname=NAME)
                client.ehlo()
                self.shaken = True
                self.leaf = leaves.get(client.socket.getpeercert(True), "?")
        except (OSError, ssl.SSLError, Closed, socket.timeout, AssertionError):
            pass

    def __str__(self):
        if not self.reached:
            return "does not answer"
        if not self.offered and self.code != 220:
            return f"no STARTTLS ({self.code})"
        if self.code != 220:
            return f"offered, then {self.code or 'closed'}"
        return f"serves {self.leaf}" if self.shaken else "offered, 220, handshake fails"


class Leaves:
    """The certificates of the cases, and what they are called by what a client sees."""

    def __init__(self, authority):
        made = {"the first pair": (NAME, (-1, 90)), "the new pair": (NAME, (-1, 91)), "the expired pair": (NAME, (-90, -1)),
                "another name's pair": ("other.example.test", (-1, 92))}
        self.files = {label: issue_rsa(authority, name, days, f"side-{at}.pem")
                      for at, (label, (name, days)) in enumerate(made.items())}
        self.labels = {}
        for label, file in self.files.items():
            pem = split(file)[0].decode()
            self.labels[ssl.PEM_cert_to_DER_cert(pem[:pem.index("-----END") + len("-----END CERTIFICATE-----")])] = label
        self.first, self.new, self.expired, self.other = self.files.values()


@pytest.fixture(scope="module")
def leaves(authority):
    return Leaves(authority)


def change(pair, case, leaves):
    if case == "torn pair":
        pair.write(certificate=leaves.new)
    elif case == "key of another":
        pair.write(key=leaves.other)
    elif case == "expired":
        pair.write(leaves.expired, leaves.expired)
    elif case == "missing key":
        pair.key.unlink()
    elif case == "other name":
        pair.write(leaves.other, leaves.other)


def observe(server, leaves):
    """Each case on a running server that had the first pair, after what its administrator does to make it take effect."""
    for case in CASES:
        change(server.pair, case, leaves)
        if case != "good pair":
            server.reload()
        seen = Probe(server.port, leaves.labels)
        observed[type(server), case] = seen
        if isinstance(server, SealpostServer):
            assert seen.shaken and seen.leaf == "the first pair", f"{case}: {seen}\n{server.daemon.tail()}"
        if case != "good pair":
            server.pair.write(leaves.first, leaves.first)
            server.reload()


def renew_under_load(server, authority, renewals=4):
    """Handshakes without a pause from two threads while the pair is renewed in place, reload included."""
    stop, done, failed, lock = threading.Event(), [], [], threading.Lock()

    def visit():
        while not stop.is_set():
            seen = Probe(server.port, {})
            with lock:
                (done if seen.shaken else failed).append(str(seen))
            time.sleep(0.01)

    threads = [threading.Thread(target=visit) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for at in range(renewals):
            pem = issue_rsa(authority, NAME, (-1, 100 + at), "side-renewal.pem")
            server.pair.write(certificate=pem)
            time.sleep(0.2)
            server.pair.write(key=pem)
            server.reload()
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    kinds = ", ".join(f"{failed.count(kind)} × {kind}" for kind in sorted(set(failed)))
    observed[type(server), "renewals under load"] = \
        f"{len(failed)} of {len(done) + len(failed)} visits failed" + (f" ({kinds})" if kinds else "")
    return done, failed


@pytest.mark.parametrize("kind", SERVERS, ids=lambda kind: kind.__name__.replace("Server", ""))
def test_server(kind, leaves, authority, closing):
    server = kind(leaves.first)
    closing.keep(server, server.close)
    try:
        server.start()
    except AssertionError as error:
        if kind is SealpostServer:
            raise
        pytest.skip(f"it does not start here: {error}")
    if kind is SealpostServer:
        net.wait_for(lambda: Probe(server.port, leaves.labels).leaf == "the first pair", 10, "the watched pair")
    first = Probe(server.port, leaves.labels)
    if kind is not SealpostServer and not first.shaken:
        pytest.skip(f"its TLS does not work here even with a good pair ({first}): {server.text()[-600:]}")
    observe(server, leaves)
    done, failed = renew_under_load(server, authority)
    observed[kind, "version"] = server.version()
    if kind is SealpostServer:
        assert done and not failed, failed


def test_table():
    """What was seen, as a table."""
    seen = [kind for kind in SERVERS if (kind, "version") in observed]
    rows = ["| | " + " | ".join(str(observed[kind, "version"]) for kind in seen) + " |", "|---" * (len(seen) + 1) + "|"]
    rows.append("| makes it take effect | " + " | ".join(kind.reload_is for kind in seen) + " |")
    for case in CASES + ["renewals under load"]:
        rows.append(f"| {case} | " + " | ".join(str(observed[kind, case]) for kind in seen) + " |")
    text = "\n".join(rows) + "\n"
    print("\n" + text)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "peers-observed.md").write_text(text)
    assert SealpostServer in seen
