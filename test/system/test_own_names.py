"""What DNS and web publish about the own names: TLSA, MX, MTA-STS, and what cannot be told."""
import hashlib
import http.server
import json
import signal
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness import net
from harness.certs import server_context
from harness.dns import SERVFAIL

NAME, DOMAIN = "mx.example.test", "example.test"
TLSA, MX, TXT = f"_25._tcp.{NAME} TLSA", f"{DOMAIN} MX", f"_mta-sts.{DOMAIN} TXT"
POLICY_HOST, POLICY_ADDRESS = f"mta-sts.{DOMAIN}", "127.77.0.1"


def tlsa_of(pem):
    key = x509.load_pem_x509_certificate(pem.read_bytes()).public_key()
    data = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"3 1 1 {hashlib.sha256(data).hexdigest()}"


class PolicyHost:
    """https://mta-sts.example.test/: says self.answer, a status and a text. Its port is 443, which not everybody may use."""

    def __init__(self, pem):
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, text = host.answer
                host.asked.append((self.headers["Host"], self.path))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"https://{POLICY_HOST}/elsewhere")
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.answer, self.asked = (200, ""), []
        try:
            self.server = http.server.ThreadingHTTPServer((POLICY_ADDRESS, 443), Handler)
        except OSError as error:
            pytest.skip(f"the port of policy hosts, 443: {error}")
        self.server.daemon_threads = True
        self.server.socket = server_context(pem).wrap_socket(self.server.socket, server_side=True,
                                                             do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def says(self, mode, *mx):
        lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {name}" for name in mx), "max_age: 86400"]
        self.answer = (200, "\r\n".join(lines) + "\r\n")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def mail(sealpost, dns, authority, monkeypatch):
    """A daemon that trusts the test's authority, and looks up what records say."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))

    def make(records, **sections):
        server = dns({MX: [f"10 {NAME}"], f"{NAME} A": ["127.0.0.1"], **records})
        daemon = sealpost(dns={**server.conf, "own-names": True}, **sections).internet(fqdn=NAME)
        daemon.server = server
        return daemon.start()
    return make


@pytest.fixture
def policy_host(closing, authority):
    def make(*names):
        made = PolicyHost(authority.issue(*(names or [POLICY_HOST]), file="policy-host.pem"))
        return closing.keep(made, made.close)
    return make


def published(mail, condition=lambda known: True):
    """What the daemon knows, once it does."""
    def look():
        known = doctor(mail)["published"]
        return known if known and condition(known) else None
    return net.wait_for(look, 20, lambda: f"what is published; it knows {doctor(mail)['published']}", step=0.1)


def looked_again(mail):
    """After reloads, the daemon has asked anew: answers hold for five seconds."""
    before = len(mail.server.asked)

    def asked():
        mail.process.send_signal(signal.SIGHUP)
        return len(mail.server.asked) > before
    net.wait_for(asked, 20, "another look", step=0.7)


def doctor(mail):
    return json.loads(mail.run("doctor", "--json").stdout)


def findings(mail):
    return {f["name"]: f for f in doctor(mail)["findings"]}


def wait_finding(mail, name):
    return net.wait_for(lambda: findings(mail).get(name), 20, lambda: f"finding {name}; there are {list(findings(mail))}",
                        step=0.1)


# ---- TLSA ----

def test_change_that_tlsa_contradicts_is_refused(mail, authority):
    old, new = authority.issue(NAME, days=(-80, 60), file="old.pem"), authority.issue(NAME, file="new.pem")
    daemon = mail({TLSA: [tlsa_of(old)]})
    thumbprint = daemon.json("cert", "import", old, "--force")["thumbprint"]  # the first one cannot be what the records name
    known = published(daemon, lambda known: known["fqdns"][0]["known"] == "yes")
    assert known["fqdns"] == [{"fqdn": NAME, "known": "yes", "dnssec": "not-tried", "tlsa": [tlsa_of(old)]}], known
    assert "tlsa-mismatch" not in findings(daemon)

    done = daemon.run("cert", "import", new)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "senders with DANE would stop" in said and "internet" in said, said
    assert f"# publish first: _25._tcp.{NAME}. IN TLSA {tlsa_of(new)}" in said, said
    dry = daemon.json("cert", "import", new, "--dry-run", status=1)
    assert dry["plan"]["refused"], dry
    explained = daemon.json("explain", "internet", "--if-imported", new)
    assert "DANE" in explained["change"]["consequence"], explained

    # A request says it as soon as there is a key.
    done = daemon.run("cert", "request", NAME)
    assert done.returncode == 0 and f"_25._tcp.{NAME}. IN TLSA 3 1 1 " in done.stderr, done.stderr
    assert "TLSA" not in daemon.run("cert", "request", NAME, "--existing", thumbprint).stderr

    # Published before the key changes, the same change is fine.
    daemon.server.records[TLSA] = [tlsa_of(old), tlsa_of(new)]
    daemon.restart()
    published(daemon, lambda known: len(known["fqdns"][0].get("tlsa", [])) == 2)
    daemon.cli("cert", "import", new)


def test_what_was_known_outlives_a_name_server(mail, authority):
    """A lookup that fails is not an answer: neither are records gone, nor is anything mended."""
    old = authority.issue(NAME, days=(-80, 60), file="outlived.pem")
    daemon = mail({TLSA: [tlsa_of(authority.issue(NAME, file="published.pem"))]})
    daemon.cli("cert", "import", old)
    published(daemon)
    wait_finding(daemon, "tlsa-mismatch")
    daemon.wait_event("tlsa-mismatch")
    daemon.server.records.update({TLSA: SERVFAIL, MX: SERVFAIL, TXT: SERVFAIL})
    looked_again(daemon)
    assert "tlsa-mismatch" in findings(daemon)
    assert not [e for e in daemon.events() if e["name"] == "mended" and "tlsa" in e["text"]]


def test_renewal_with_a_key_that_is_not_published(mail, authority):
    """Refused before the key is made; nobody is asked for a certificate."""
    pem = authority.issue(NAME, file="renewed.pem")
    acme = {"directory": "https://127.0.0.1:9/nobody", "names": [NAME], "http-bind": "127.0.0.1:0"}
    daemon = mail({TLSA: [tlsa_of(pem)]}, certificates={"acme": acme})
    daemon.cli("cert", "import", pem, "--force")
    finding = wait_finding(daemon, "tlsa-renewal")
    assert finding["severity"] == "yellow" and "reuse-key: true" in finding["remedy"], finding
    done = daemon.run("cert", "renew")
    assert done.returncode == 1 and "makes a new key" in done.stdout + done.stderr, done.stdout + done.stderr


def test_renewal_that_waits_for_its_record(mail, authority):
    """One that was refused is kept; it makes no key, so it is put in force once its record is published."""
    old, new = authority.issue(NAME, days=(-80, 60), file="old.pem"), authority.issue(NAME, file="new.pem")
    acme = {"directory": "https://127.0.0.1:9/nobody", "names": [NAME], "http-bind": "127.0.0.1:0"}
    daemon = mail({TLSA: [tlsa_of(old)]}, certificates={"acme": acme})
    daemon.cli("cert", "import", old, "--force")
    wait_finding(daemon, "tlsa-renewal")
    assert "makes a new key" in daemon.run("cert", "renew").stderr
    (daemon.data / "acme").mkdir(mode=0o700, exist_ok=True)
    waiting = daemon.data / "acme" / "waiting.pem"
    daemon.wait_event("renewal-failed", 60)  # what was begun at the start has ended
    waiting.write_bytes(new.read_bytes())
    waiting.chmod(0o600)
    done = daemon.run("cert", "renew")
    assert done.returncode == 1 and "not put in force" in done.stderr, done.stderr
    daemon.server.records[TLSA] = [tlsa_of(old), tlsa_of(new)]
    daemon.restart()
    published(daemon, lambda known: len(known["fqdns"][0].get("tlsa", [])) == 2)
    assert "in force" in daemon.cli("cert", "renew") and not waiting.exists()


# ---- MTA-STS ----

def test_policy_that_does_not_list_an_mx(mail, authority, policy_host):
    host = policy_host()
    host.says("enforce", NAME)
    daemon = mail({MX: [f"20 mx2.{DOMAIN}", f"10 {NAME}"], TXT: ['"v=STSv1; id=1;"'],
                   f"{POLICY_HOST} A": [POLICY_ADDRESS]})
    daemon.cli("cert", "import", authority.issue(NAME))
    finding = wait_finding(daemon, "mta-sts-mx-not-listed")
    assert finding["severity"] == "red" and f"mx2.{DOMAIN}" in finding["text"], finding
    assert f"https://{POLICY_HOST}/.well-known/mta-sts.txt" in finding["remedy"], finding
    assert "mta-sts-certificate" not in findings(daemon)
    assert daemon.run("doctor").returncode == 1
    assert daemon.wait_event("mta-sts-mx-not-listed")
    assert (POLICY_HOST, "/.well-known/mta-sts.txt") in host.asked
    known = published(daemon)["domains"][0]
    assert known["mx"]["hosts"] == [NAME, f"mx2.{DOMAIN}"], known
    assert known["mta-sts"] == {"known": "yes", "announced": True, "policy": "fetched", "mode": "enforce", "mx": [NAME]}

    host.says("enforce", f"*.{DOMAIN}")  # mended
    looked_again(daemon)
    net.wait_for(lambda: "mta-sts-mx-not-listed" not in findings(daemon), 20, "the mended policy", step=0.1)
    daemon.wait_event("mended")


def test_change_that_a_policy_in_force_contradicts_is_refused(mail, authority, policy_host):
    host = policy_host()
    host.says("enforce", f"*.{DOMAIN}")
    daemon = mail({TXT: ['"v=STSv1; id=1;"'], f"{POLICY_HOST} A": [POLICY_ADDRESS]})
    assert wait_finding(daemon, "mta-sts-certificate")["severity"] == "red"  # self-signed as yet
    trusted = daemon.json("cert", "import", authority.issue(NAME))["thumbprint"]
    assert "mta-sts-certificate" not in findings(daemon)
    for change in ("remove", trusted), ("disable", trusted, "--services", "smtp"):
        done = daemon.run("cert", *change)
        said = done.stdout + done.stderr
        assert done.returncode == 1 and "senders with MTA-STS would stop" in said and DOMAIN in said, said
        assert "mode: testing" in said, said
    daemon.cli("cert", "remove", trusted, "--force")
    finding = wait_finding(daemon, "mta-sts-certificate")
    assert "self-signed" in finding["text"], finding
    host.says("testing", f"*.{DOMAIN}")
    looked_again(daemon)
    net.wait_for(lambda: findings(daemon)["mta-sts-certificate"]["severity"] == "yellow", 20, "a softer policy", step=0.1)


@pytest.mark.parametrize("names, answer, name", [
    ((), (404, "no"), "mta-sts-policy-missing"),
    ((), (302, ""), "mta-sts-policy-unreachable"),
    ((), (200, "<html>"), "mta-sts-policy-malformed"),
    (("www.example.test",), (200, ""), "mta-sts-policy-untrusted"),
])
def test_policy_that_cannot_be_had(mail, policy_host, names, answer, name):
    host = policy_host(*names)
    host.answer = answer
    daemon = mail({TXT: ['"v=STSv1; id=1;"'], f"{POLICY_HOST} A": [POLICY_ADDRESS]})
    assert wait_finding(daemon, name)["severity"] == "yellow"
    assert all(path == "/.well-known/mta-sts.txt" for _, path in host.asked)  # redirections are not followed


def test_policy_host_without_an_address(mail):
    daemon = mail({TXT: ['"v=STSv1; id=1;"']})
    assert POLICY_HOST in wait_finding(daemon, "mta-sts-policy-missing")["evidence"]


# ---- what cannot be told ----

def test_failing_name_server_is_no_answer(mail, authority):
    daemon = mail({TLSA: SERVFAIL, MX: SERVFAIL, TXT: SERVFAIL})
    known = published(daemon)
    assert known["fqdns"][0]["known"] == "cannot-tell" and known["domains"][0]["mx"]["known"] == "cannot-tell", known
    all_findings = [f for f in doctor(daemon)["findings"] if f["name"] == "dns-failed"]
    assert {f["remedy"] for f in all_findings} == {f"dig TLSA _25._tcp.{NAME}", f"dig MX {DOMAIN}", f"dig TXT _mta-sts.{DOMAIN}"}
    assert all(f["severity"] == "yellow" for f in all_findings)
    daemon.cli("cert", "import", authority.issue(NAME))  # what is not known refuses nothing


def test_mx_elsewhere_is_only_said(mail):
    daemon = mail({MX: ["10 filter.example.net"]})
    assert wait_finding(daemon, "mx-elsewhere")["severity"] == "green"


def test_nothing_is_asked_where_nobody_wants_it(sealpost, dns):
    server = dns({MX: [f"10 {NAME}"]})
    daemon = sealpost(dns=server.conf).start()
    assert doctor(daemon)["published"] is None
    daemon.stop()
    assert server.asked == []
