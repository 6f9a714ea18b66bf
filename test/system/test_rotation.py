"""Certificates are replaced while sessions go on: through a watched folder, as certbot, acme.sh and Kubernetes write it, and
through `sealpost cert import`. No handshake fails, and the one after the change is reported shows the new certificate."""
import hashlib
import os
import ssl
import threading
import time

import pytest
from harness import net
from harness.daemon import binary, release_binary
from harness.mail_servers import NAME, Pair, split
from harness.smtp import Client, insecure

SECONDS = int(os.environ.get("SEALPOST_ROTATION_SECONDS", "20"))  # for writing pairs in place
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def leaf_of(pem):
    text = split(pem)[0].decode()
    return ssl.PEM_cert_to_DER_cert(text[:text.index("-----END CERTIFICATE-----") + 25])


def served(port):
    with Client(port) as client:
        client.ehlo()
        client.starttls()
        return client.socket.getpeercert(True)


def thumbprints(mail):
    return {c["thumbprint"]: c["status"] for c in mail.json("cert", "list")["certificates"]}


class Load:
    """Sessions with STARTTLS without a pause, half of them TLS 1.2, and open ones that go on talking all the time."""

    def __init__(self, port, threads=4):
        self.port, self.failures, self.sessions, self.stop = port, [], 0, threading.Event()
        self.lock, self.seen = threading.Lock(), set()
        self.threads = [threading.Thread(target=self.visit, args=(VERSIONS[at % 2],)) for at in range(threads)]

    def visit(self, version):
        context = insecure()
        context.minimum_version = context.maximum_version = version
        while not self.stop.is_set():
            try:
                with Client(self.port) as client:
                    client.ehlo()
                    client.starttls(context)
                    leaf = client.socket.getpeercert(True)
                    client.ehlo()
                    client.cmd("QUIT", 221)
                with self.lock:
                    self.sessions += 1
                    self.seen.add(leaf)
            except Exception as error:  # whatever it is, the session failed
                with self.lock:
                    self.failures.append(f"{version.name}: {error!r}")

    def __enter__(self):
        self.open = []
        for version in VERSIONS:
            context = insecure()
            context.minimum_version = context.maximum_version = version
            client = Client(self.port)
            client.ehlo()
            client.starttls(context)
            client.ehlo()
            self.open.append((client, client.socket.getpeercert(True)))
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(20)
        for client, _ in self.open:
            client.close()

    def check_open(self):
        """The open sessions are still the same ones, and work."""
        for client, _ in self.open:
            client.cmd("NOOP", 250)

    def check(self):
        assert not self.failures, f"{len(self.failures)} of {self.sessions + len(self.failures)}: {self.failures[:5]}"
        assert self.sessions > 10


@pytest.fixture
def watching(sealpost):
    """A daemon that watches a folder with a pair in it, and that folder's Pair."""
    def make(first, **keys):
        mail = sealpost()
        pair = Pair(mail.folder / "live")
        if first:
            pair.write(first, first)
        mail.internet(**{"max-connections-per-source": "unlimited", "max-connection-rate": "unlimited", **keys})
        mail.document["certificates"] = {"watch": [str(pair.folder)], "watch-interval": "1s"}
        mail.start()
        if first:
            net.wait_for(lambda: served(mail.port) == leaf_of(first), 10, lambda: f"the watched pair; {mail.tail(20)}")
        return mail, pair
    return make


def reported(mail, leaf):
    """Waits until `cert list` says that the certificate is in use."""
    wanted = hashlib.sha1(leaf).hexdigest()
    net.wait_for(lambda: any(t.lower() == wanted and s == "active" for t, s in thumbprints(mail).items()), 15,
                 lambda: f"{wanted} as active among {thumbprints(mail)}\n{mail.tail(15)}", step=0.1)


def test_pairs_written_in_place(watching, authority):
    """certbot and acme.sh without a folder of their own: two writes one after the other."""
    mail, pair = watching(authority.issue(NAME, days=(-1, 90)))
    began, at = time.monotonic(), 0
    with Load(mail.port) as load:
        while time.monotonic() - began < SECONDS:
            at += 1
            pem = authority.issue(NAME, days=(-1, 100 + at), file="rotated.pem")
            pair.write(pem, pem)
            reported(mail, leaf_of(pem))
            assert served(mail.port) == leaf_of(pem), "the handshake after the report shows the certificate before"
            load.check_open()
    load.check()
    assert at >= 2 and len(load.seen) >= 2


def test_symlink_swap(watching, authority):
    """Kubernetes: files are links through ..data, and ..data is swapped whole."""
    mail, pair = watching(None)

    def swap(at, pem):
        version = pair.folder / f"..version_{at}"
        version.mkdir()
        (version / "tls.crt").write_bytes(split(pem)[0])
        (version / "tls.key").write_bytes(split(pem)[1])
        (version / "tls.key").chmod(0o600)
        new = pair.folder / "..data_tmp"
        new.symlink_to(version.name)
        new.rename(pair.folder / "..data")

    first = authority.issue(NAME, days=(-1, 90))
    swap(0, first)
    for name in ("tls.crt", "tls.key"):
        (pair.folder / name).symlink_to(f"..data/{name}")
    reported(mail, leaf_of(first))
    with Load(mail.port) as load:
        for at in range(1, 4):
            pem = authority.issue(NAME, days=(-1, 100 + at), file="rotated.pem")
            swap(at, pem)
            reported(mail, leaf_of(pem))
            assert served(mail.port) == leaf_of(pem)
            load.check_open()
    load.check()


def test_torn_pair_heals_by_itself(watching, authority):
    first = authority.issue(NAME, days=(-1, 90))
    mail, pair = watching(first)
    pem = authority.issue(NAME, days=(-1, 100), file="rotated.pem")
    with Load(mail.port) as load:
        pair.write(certificate=pem)
        torn = mail.wait_event("watched-certificate-not-usable")
        assert torn[0]["id"] == 50022 and str(pair.certificate) in torn[0]["subject"]
        time.sleep(2)
        assert served(mail.port) == leaf_of(first)
        pair.write(key=pem)
        healed = mail.wait_event("watched-certificate-whole")
        assert healed[0]["id"] == 50023
        reported(mail, leaf_of(pem))
        assert served(mail.port) == leaf_of(pem)
        load.check_open()
    load.check()
    assert load.seen == {leaf_of(first), leaf_of(pem)}


@pytest.mark.bounded(150)
@pytest.mark.parametrize("program, rotations, seconds", [(binary, 15, 120), (release_binary, 100, 120)],
                         ids=["sanitized", "hundred"])
def test_imports_under_load(sealpost, authority, program, rotations, seconds):
    """A hundred take 20 to 30 s on two processors; the limit here is that of a busy machine, the rate is for bench/."""
    mail = sealpost(program=program())
    mail.internet(**{"max-connections-per-source": "unlimited", "max-connection-rate": "unlimited"}).start()
    mail.cli("cert", "import", authority.issue(NAME, days=(-1, 90)))
    first = served(mail.port)
    began, put_in_force = time.monotonic(), {first}
    with Load(mail.port) as load:
        for at in range(rotations):
            pem = authority.issue(NAME, days=(-1, 100 + at), file="rotated.pem")
            mail.cli("cert", "import", pem)
            put_in_force.add(leaf_of(pem))
            assert served(mail.port) == leaf_of(pem), f"rotation {at}"
            if at % 10 == 0:
                load.check_open()
        took = time.monotonic() - began
        assert all(leaf == first for _, leaf in load.open)
        load.check_open()
    load.check()
    print(f"{rotations} rotations in {took:.0f} s, {load.sessions} sessions")
    assert took <= seconds
    assert load.seen <= put_in_force and len(load.seen) > rotations / 2


def test_expired_is_served_and_said(sealpost, authority):
    """Something expired is better than clear text; and it is said."""
    mail = sealpost().start()
    expired = authority.issue(NAME, days=(-90, -1), file="expired.pem")
    own = [t for t in thumbprints(mail)]
    refused = mail.run("cert", "import", str(expired))
    if served(mail.port) != leaf_of(expired):  # a valid stand-in goes before it
        for thumbprint in own:
            mail.run("cert", "remove", thumbprint, "--force")
    net.wait_for(lambda: served(mail.port) == leaf_of(expired), 10, lambda: f"the expired one; {refused.stdout}{refused.stderr}")
    net.wait_for(lambda: any(e["id"] == 12016 for e in mail.events()), 10, lambda: f"12016 among {mail.events()}", step=0.2)


@pytest.mark.parametrize("choice", ["offer", "withhold", "refuse"])
def test_on_mismatch(sealpost, authority, choice):
    mail = sealpost().internet(fqdn="elsewhere.example.test", **{"on-mismatch": choice})
    folder = mail.folder / "loaded"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "a.pem").write_bytes(authority.issue(NAME).read_bytes())
    (folder / "a.pem").chmod(0o600)
    mail.document["certificates"] = {"directory": str(folder)}
    mail.start()
    with Client(mail.port) as client:
        if choice == "refuse":
            assert client.greeting.code == 421
            return
        assert client.ehlo().has("STARTTLS") == (choice == "offer")
        if choice == "offer":
            client.starttls()
            client.ehlo()


def test_changes_give_way_to_mail(sealpost):
    """What a change costs is work of the main thread, and where processors are short the threads with mail come first."""
    mail = sealpost()
    mail.start()

    def nice():
        found = {}
        for task in os.scandir(f"/proc/{mail.process.pid}/task"):
            with open(f"{task.path}/stat", encoding="utf-8") as file:
                name, _, rest = file.read().partition("(")[2].rpartition(")")
            is_main = int(task.name) == mail.process.pid
            found.setdefault("main" if is_main else name, set()).add(int(rest.split()[16]))
        return found

    net.wait_for(lambda: nice()["main"] == {min(19, os.nice(0) + 5)}, 10, lambda: f"the main thread to give way: {nice()}")
    carry_mail = [nice().get(name) for name in ("receive", "store", "deliver")]
    assert carry_mail == [{os.nice(0)}] * 3, nice()
