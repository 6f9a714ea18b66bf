"""sealpost import: what another product was told becomes a document that passes its check and does the same."""
import json
import pathlib
import shutil
import subprocess

import pytest
import yaml

from harness import net
from harness.certs import server_context
from harness.daemon import binary
from harness.peers import Postfix
from harness.smtp import Client, Closed, stuffed

FIXTURES = pathlib.Path(__file__).parent / "import"


def run(*arguments, stdin=None):
    return subprocess.run([binary(), *map(str, arguments)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60, check=False)


def imported(*arguments):
    """The document, and what was said of it."""
    done = run("import", *arguments)
    assert done.returncode == 0, done.stderr
    checked = run("check", "-", stdin=done.stdout)
    assert checked.returncode == 0, checked.stdout + done.stdout
    return yaml.safe_load(done.stdout), done.stderr


def fate(said, what):
    """What is said of the first line of notes that holds these words."""
    line = next((line for line in said.splitlines() if what in line), "")
    return next((word for word in ("translated", "approximated", "left out") if f" {word}: " in f" {line}"), f"nothing: {said}")


# ---- Exchange ----


def test_exchange_connectors_become_a_document():
    document, said = imported("exchange", FIXTURES / "exchange.txt", "--mailboxes", "mbx1.wingtip.example:2525")
    assert document["hostname"] == "mbx1.wingtip.example"
    assert document["accepted-domains"] == ["wingtip.example", {"domain": "partner.wingtip.example", "type": "relay"}]
    assert document["receive-connectors"] == {
        "Default Frontend MBX1": {
            "bind": ["[::]:25", "0.0.0.0:25"], "fqdn": "mbx1.wingtip.example", "tls": "offered", "idle-timeout": "2m",
            "max-connections-per-source": "unlimited", "max-header-size": "512KB", "max-hops": 60, "max-message-size": "50MB",
            "max-recipients": 100, "partners": ["mail.protection.outlook.com"], "tarpit": "7s"},
        "Relay-applications": {
            "bind": ["192.0.2.10:25"], "fqdn": "relay.wingtip.example", "tls": "required", "relay": True,
            "from": ["10.20.0.0/16", "10.30.0.1-10.30.0.9"],
            "pin": "<I>CN=Wingtip Issuing CA, O=Wingtip<S>CN=relay.wingtip.example"}}
    assert document["send-connectors"] == {
        "Internet": {"address-spaces": ["*;10"], "deliver-by": "mx", "fqdn": "mail.wingtip.example",
                     "max-messages-per-connection": 20},
        "Fabrikam": {"address-spaces": ["fabrikam.example", "*.fabrikam.example"], "enabled": False, "port": 587,
                     "smart-hosts": ["gateway.fabrikam.example", "[192.0.2.77]"], "tls": "required", "tls-verify": "name",
                     "tls-verify-domain": "gateway.fabrikam.example", "max-message-size": "unlimited"},
        "mailboxes": {"address-spaces": ["wingtip.example"], "smart-hosts": ["mbx1.wingtip.example:2525"]}}
    assert fate(said, "MaxRecipientsPerMessage 50") == "approximated"
    assert fate(said, "SmartHostAuthMechanism BasicAuth") == "left out"
    assert fate(said, '"Client Frontend MBX1"') == "left out"
    assert fate(said, '"Default MBX1"') == "left out"
    assert fate(said, '"Scanners"') == "left out" and "FormatEnumerationLimit" in said
    assert fate(said, '"Of another site"') == "left out"
    assert fate(said, "accepted domain * ") == "left out"


def test_exchange_notes_name_the_lines(tmp_path):
    done = run("import", "exchange", FIXTURES / "exchange.txt", "--json")
    value = json.loads(done.stdout)
    lines = (FIXTURES / "exchange.txt").read_text().splitlines()
    placed = [note for note in value["notes"] if note["what"].startswith("MaxHeaderSize")]
    assert len(placed) == 1 and lines[placed[0]["line"] - 1].startswith("MaxHeaderSize")
    assert placed[0]["became"] == "receive-connectors.Default Frontend MBX1.max-header-size"
    assert value["translated"] + value["approximated"] + value["left-out"] == len(value["notes"])
    assert yaml.safe_load(value["yaml"])["hostname"] == value["document"]["hostname"]


def test_exchange_needs_to_be_told_which_server(tmp_path):
    dump = tmp_path / "two.txt"
    text = (FIXTURES / "exchange.txt").read_text()
    dump.write_text(text + text.replace("MBX1", "MBX2").replace("mbx1", "mbx2"))
    done = run("import", "exchange", dump)
    assert done.returncode == 1 and "--server" in done.stderr and done.stdout == ""
    document, said = imported("exchange", dump, "--server", "MBX2")
    assert document["hostname"] == "mbx2.wingtip.example" and "Default Frontend MBX2" in document["receive-connectors"]
    assert "Default Frontend MBX1" not in document["receive-connectors"] and "another server's" in said


def test_exchange_without_connectors_says_what_to_print(tmp_path):
    done = run("import", "exchange", "-", stdin="nothing of interest\n")
    assert done.returncode == 1 and "Get-ReceiveConnector" in done.stderr


def test_what_the_document_refuses_is_taken_back(tmp_path):
    dump = tmp_path / "odd.txt"
    dump.write_text((FIXTURES / "exchange.txt").read_text().replace("<I>CN=Wingtip Issuing CA, O=Wingtip<S>", "<I>broken")
                    .replace("gateway.fabrikam.example, [192.0.2.77]", "not a host!"))
    document, said = imported("exchange", dump)
    assert "pin" not in document["receive-connectors"]["Relay-applications"]
    assert "Fabrikam" not in document["send-connectors"], "without its hosts it would send elsewhere"
    assert fate(said, "TlsCertificateName <I>broken") == "left out" and fate(said, "SmartHosts") == "left out"


def test_an_output_file_is_never_overwritten(tmp_path):
    target = tmp_path / "sealpost.yaml"
    done = run("import", "exchange", FIXTURES / "exchange.txt", "-o", target)
    assert done.returncode == 0 and done.stdout == "" and run("check", target).returncode == 0
    before = target.read_text()
    again = run("import", "exchange", FIXTURES / "exchange.txt", "-o", target)
    assert again.returncode == 1 and "exist" in again.stderr and target.read_text() == before


# ---- Postfix ----

PLACES = ("SMTP", "OUT", "HUB", "OTHER", "LMTP")


def postfix_folder(tmp_path, name, **places):
    """A copy of a fixture with its places filled in: @SMTP@ is the service, the others are ports."""
    folder = tmp_path / name
    folder.mkdir(parents=True)
    for file in (FIXTURES / "postfix" / name).iterdir():
        text = file.read_text()
        for place in PLACES:
            text = text.replace(f"@{place}@", str(places.get(place, "smtp" if place == "SMTP" else "2600")))
        (folder / file.name).write_text(text)
    return folder


def parameters_of(folder):
    """The names that main.cf sets."""
    lines = (folder / "main.cf").read_text().splitlines()
    return {line.split("=")[0].strip() for line in lines if line[:1].strip() and line[0] != "#"}


@pytest.mark.parametrize("name", ["null-client", "gateway", "mailboxes", "backup-mx", "provider", "encrypted"])
def test_each_postfix_parameter_is_accounted_for(tmp_path, name):
    folder = postfix_folder(tmp_path, name)
    imported("postfix", folder)
    value = json.loads(run("import", "postfix", folder, "--json").stdout)
    said = {note["what"].split(" =")[0] for note in value["notes"] if note["file"] == str(folder / "main.cf") and " =" in note["what"]}
    assert parameters_of(folder) <= said, parameters_of(folder) - said
    assert all(note["why"] for note in value["notes"] if note["fate"] != "translated")


def test_postfix_as_debian_installs_it(tmp_path):
    package = pathlib.Path("/usr/share/postfix")
    if not (package / "main.cf.debian").exists():
        pytest.skip("Debian's postfix package is not installed")
    folder = tmp_path / "debian"
    folder.mkdir()
    (folder / "main.cf").write_text((package / "main.cf.debian").read_text() + (package / "main.cf.tls").read_text() +
                                    "myhostname = debian.example\nmydestination = $myhostname, localhost\nrelayhost =\n"
                                    "mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\nmailbox_size_limit = 0\n"
                                    "recipient_delimiter = +\ninet_interfaces = all\ninet_protocols = all\n")
    (folder / "master.cf").write_text((package / "master.cf.dist").read_text())
    document, said = imported("postfix", folder)
    assert document["hostname"] == "debian.example"
    assert document["receive-connectors"]["smtp"]["bind"] == ["0.0.0.0:25", "[::]:25"]
    assert document["receive-connectors"]["smtp"]["tls"] == "offered"
    assert document["receive-connectors"]["smtp-mynetworks"]["relay"] is True
    assert document["send-connectors"]["internet"]["deliver-by"] == "mx"
    assert fate(said, "mail for debian.example") == "left out" and "mbox" in said
    assert "sealpost cert import /etc/ssl/certs/ssl-cert-snakeoil.pem /etc/ssl/private/ssl-cert-snakeoil.key" in said


def test_postfix_values_become_keys(tmp_path):
    document, said = imported("postfix", postfix_folder(tmp_path, "gateway", OUT=2601, HUB=2602, OTHER=2603))
    assert {"domain": "bought.example", "type": "relay"} in document["accepted-domains"]
    assert "old.example" in document["accepted-domains"]
    receive, send = document["receive-connectors"], document["send-connectors"]
    assert receive["smtp-mynetworks"]["from"] == ["127.0.0.1", "192.0.2.0/24"] and "from" not in receive["smtp"]
    assert receive["smtp"]["banner"] == "mx1.tailspin.example ESMTP Sealpost" and receive["smtp"]["max-connections"] == 150
    partner = next(c for c in send.values() if c["address-spaces"] == ["partner.example"])
    assert partner["tls"] == "required" and partner["tls-verify"] == "name" and partner["smart-hosts"] == ["partner-gw.example:25"]
    bought = next(c for c in send.values() if "bought.example" in c["address-spaces"])
    assert set(bought["address-spaces"]) == {"bought.example", "*.bought.example"} and bought["smart-hosts"] == ["[127.0.0.1]:2603"]
    assert send["relayhost"]["retry"] == {"expire": "3d", "delay-notice": "2h"}
    assert fate(said, "chief@partner.example") == "left out" and fate(said, "reject_rbl_client") == "left out"
    provider, said = imported("postfix", postfix_folder(tmp_path, "provider"))
    assert provider["send-connectors"]["relayhost"]["smart-hosts"] == ["smtp.provider.example:587"]
    assert provider["send-connectors"]["mailboxes"]["maildir"] == "/home/%l/Maildir"
    assert provider["receive-connectors"]["smtp-2525"]["fqdn"] == "in.small.example"
    assert fate(said, "service submission") == "left out" and fate(said, "service policy") == "left out"


@pytest.mark.parametrize("text, words", [
    ("myhostname = mx.example.test\na line of its own\n", "line 2"),
    ("myhostname = $mydomain\nmydomain = $myhostname\n", "myhostname"),
    ("relayhost = x\n" * 6000, "5000 parameters"),
])
def test_postfix_files_that_cannot_be_read_say_where(tmp_path, text, words):
    (tmp_path / "main.cf").write_text(text)
    done = run("import", "postfix", tmp_path)
    assert done.returncode == 1 and words in done.stderr and done.stdout == ""


def test_an_open_relay_is_not_imported(tmp_path):
    (tmp_path / "main.cf").write_text("myhostname = mx.example.test\nmydestination =\nsmtpd_relay_restrictions = permit\n")
    document, said = imported("postfix", tmp_path)
    assert "receive-connectors" not in document and "open relay" in said
    (tmp_path / "main.cf").write_text("myhostname = mx.example.test\nmydestination =\nmynetworks = 0.0.0.0/0\n")
    document, said = imported("postfix", tmp_path)
    assert all("relay" not in c for c in document["receive-connectors"].values()) and fate(said, "relay") == "left out"


# ---- side by side ----

STRANGER, FRIEND = "127.0.0.5", "127.0.0.1"
REFUSED = None
# Client, recipient, and the sink that gets the message.
JOURNEYS = {
    "null-client": [(FRIEND, "a@anywhere.example", "OUT"), (FRIEND, "b@wingtip.example", "OUT"),
                    (STRANGER, "c@anywhere.example", REFUSED), (STRANGER, "d@wingtip.example", REFUSED)],
    "gateway": [(STRANGER, "a@tailspin.example", "HUB"), (STRANGER, "b@sub.tailspin.example", "OUT"),
                (STRANGER, "c@bought.example", "OTHER"), (STRANGER, "d@deep.bought.example", "OTHER"),
                (STRANGER, "e@elsewhere.example", REFUSED), (STRANGER, "f@old.example", REFUSED),
                (FRIEND, "g@elsewhere.example", "OUT"), (FRIEND, "h@tailspin.example", "HUB"), (FRIEND, "i@old.example", REFUSED)],
    "mailboxes": [(STRANGER, "a@northwind.example", "LMTP"), (STRANGER, "b@traders.example", "LMTP"),
                  (STRANGER, "c@sub.northwind.example", REFUSED), (STRANGER, "d@elsewhere.example", REFUSED),
                  (FRIEND, "e@elsewhere.example", "OUT"), (FRIEND, "f@traders.example", "LMTP")],
    "encrypted": [(FRIEND, "a@elsewhere.example", "OUT"), (STRANGER, "b@elsewhere.example", REFUSED)],
}
# What Postfix would look up in places that are not there.
UNREACHABLE = {"header_checks = regexp:/etc/postfix/header_checks": "",
               "check_client_access cidr:/etc/postfix/never-read,": "", "reject_rbl_client bl.example.org": "permit"}


class Original(Postfix):
    """Postfix with the fixture's main.cf and master.cf behind what lets it run in a folder of its own."""

    def __init__(self, folder, port):
        super().__init__("")
        self.port = port
        private = ("compatibility_level", "queue_directory", "data_directory", "daemon_directory", "command_directory", "mail_owner",
                   "setgid_group", "maillog_file", "maillog_file_prefixes", "alias_maps", "alias_database", "smtp_host_lookup",
                   "inet_interfaces")
        kept = [line for line in (self.conf / "main.cf").read_text().splitlines() if line.split(" =")[0] in private]
        own = (folder / "main.cf").read_text()
        for line, instead in UNREACHABLE.items():
            own = own.replace(line, instead)
        daemons = "\n".join(self.services().splitlines()[1:])
        for file in folder.iterdir():
            (self.conf / file.name).write_text(file.read_text())
        (self.conf / "main.cf").write_text("\n".join(kept) + "\n" + own + "\nsmtpd_error_sleep_time = 0\n")
        (self.conf / "master.cf").write_text((folder / "master.cf").read_text() + daemons +
                                             "\nlmtp unix - - n - - lmtp\nvirtual unix - n n - - virtual\n")


def answer(port, source, sender, recipient):
    """Whether the message was taken."""
    content = f"From: {sender}\r\nTo: {recipient}\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nSubject: side\r\n\r\nby side\r\n"
    try:
        with Client(port, source=source) as client:
            if client.greeting.code != 220:
                return False
            client.ehlo()
            codes = [client.cmd(f"MAIL FROM:<{sender}>").code, client.cmd(f"RCPT TO:<{recipient}>").code]
            if codes != [250, 250]:
                return False
            client.cmd("DATA", 354)
            client.send(stuffed(content.encode()))
            return client.reply().code == 250
    except (Closed, ConnectionError):
        return False


def travel(port, journeys, sinks, sender, said):
    """Sends all; which message reached which sink, by recipient, and how."""
    taken = {recipient: answer(port, source, sender, recipient) for source, recipient, _ in journeys}
    expected = {(recipient, place) for _, recipient, place in journeys if place}

    def reached():
        return {(recipient, place): (message.tls is not None and bool(message.tls), message.helo)
                for place, sink in sinks.items() for message in list(sink.messages) if message.sender == sender
                for recipient in message.recipients}
    try:
        net.wait_for(lambda: expected <= set(reached()), 30, "the messages at their sinks")
    except AssertionError as error:
        raise AssertionError(f"{error}\ntaken {taken}\nreached {reached()}\n{said()}") from error
    return taken, reached()


@pytest.mark.parametrize("name", sorted(JOURNEYS))
@pytest.mark.bounded(120)
def test_side_by_side_with_the_postfix_it_came_from(tmp_path, name, sealpost, peer, sink, authority):
    tls = server_context(authority.issue("out.example.net")) if name == "encrypted" else None
    sinks = {"OUT": sink(tls=tls), "HUB": sink(), "OTHER": sink(), "LMTP": sink(lmtp=True)}
    ports = {place: there.port for place, there in sinks.items()}
    theirs, ours = net.free_ports(2)
    postfix = peer(Original, postfix_folder(tmp_path / "theirs", name, SMTP=f"127.0.0.1:{theirs}", **ports), theirs)
    folder = postfix_folder(tmp_path / "ours", name, SMTP=f"127.0.0.1:{ours}", **ports)
    document = json.loads(run("import", "postfix", folder, "--json").stdout)["document"]
    for connector in document["receive-connectors"].values():
        connector["tarpit"] = "0s"  # the test's time
    mail = sealpost()
    mail.document = document
    mail.start()
    before = travel(theirs, JOURNEYS[name], sinks, "postfix@sender.example", postfix.text)
    after = travel(ours, JOURNEYS[name], sinks, "sealpost@sender.example", mail.tail)
    assert after == before
    assert before[0] == {recipient: place is not REFUSED for _, recipient, place in JOURNEYS[name]}


def test_all_that_postconf_knows_is_accounted_for(tmp_path):
    """Every parameter of Postfix written out, as postconf -d does, at the level that Debian installs."""
    if not shutil.which("postconf"):
        pytest.skip("Postfix is not installed")
    defaults = subprocess.run(["postconf", "-d"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    lines = [line for line in defaults.splitlines() if not line.startswith(("compatibility_level", "myhostname", "config_directory"))]
    (tmp_path / "main.cf").write_text("\n".join(lines) + "\ncompatibility_level = 3.6\nmyhostname = mx.example.test\n")
    document, _ = imported("postfix", tmp_path)
    assert document["receive-connectors"]["smtp-mynetworks"]["relay"] is True
    assert document["send-connectors"]["internet"]["retry"] == {"glitch-interval": "5m", "interval": "1h6m40s", "expire": "5d",
                                                                "delay-notice": "0s"}
    value = json.loads(run("import", "postfix", tmp_path, "--json").stdout)
    said = {note["what"].split(" =")[0] for note in value["notes"] if note["file"] == str(tmp_path / "main.cf")}
    assert len(lines) > 900 and parameters_of(tmp_path) <= said, parameters_of(tmp_path) - said


def test_a_table_that_is_too_large_leaves_the_rest_usable(tmp_path):
    (tmp_path / "main.cf").write_text("myhostname = mx.example.test\nmydestination =\nrelayhost = [gw.example.test]\n"
                                      "transport_maps = texthash:/etc/postfix/transport\nrelay_domains = texthash:/etc/postfix/transport\n")
    (tmp_path / "transport").write_text("".join(f"d{i}.example smtp:[h{i}.example]\n" for i in range(1100)))
    document, said = imported("postfix", tmp_path)
    assert document["send-connectors"]["relayhost"]["address-spaces"] == ["*"]
    assert len(document["send-connectors"]) <= 1001 and "too many" in said
