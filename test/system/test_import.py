"""sealpost import: what another product was told becomes a document that passes its check and does the same."""
import json
import pathlib
import subprocess

import pytest
import yaml

from harness.daemon import binary

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
