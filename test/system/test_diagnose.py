"""sealpost diagnose as an administrator of an Exchange server uses it: pasted text, files, the wire, a page, names hidden."""
import json
import os
import pty
import re
import subprocess

import pytest
from harness.certs import Authority, server_context
from harness.daemon import ROOT, binary

EXAMPLE = (ROOT / "src/cli/data/example.txt").read_text()
DAY = "2027-03-02T06:30:00Z"


def run(*arguments, text="", **options):
    return subprocess.run([binary(), "diagnose", *arguments], input=text, capture_output=True, text=True, timeout=60, **options)


def diagnose(*arguments, text=""):
    done = run("--json", "--at", DAY, *arguments, text=text)
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout), done.returncode


def test_pasted_text():
    value, code = diagnose(text=EXAMPLE)
    first = value["findings"][0]
    assert code == 1 and value["health"] == "red"
    assert (first["fault"], first["certainty"]) == ("F03", "certain")
    lines = EXAMPLE.splitlines()
    for evidence in first["evidence"]:
        assert evidence["file"] == "(standard input)"
        assert 1 <= evidence["line"] <= len(lines)
    quoted = next(e for e in first["evidence"] if e["quote"].startswith("TlsCertificateName : "))
    assert lines[quoted["line"] - 1].startswith("TlsCertificateName : ")
    assert first["steps"][0]["command"].startswith("Enable-ExchangeCertificate -Thumbprint '4F9C1E27")
    assert first["steps"][0]["answer"].startswith("N")


def test_files_in_any_order_and_encoding(tmp_path):
    event, certificates, connector = re.split(r"(?m)^(?=\[PS\] C:\\>Get-(?:Exchange|Receive))", EXAMPLE)
    whole, _ = diagnose(text=EXAMPLE)
    (tmp_path / "1").write_bytes(connector.encode("utf-16"))
    (tmp_path / "2").write_bytes(b"\xef\xbb\xbf" + event.replace("\n", "\r\n").encode())
    (tmp_path / "3").write_bytes(certificates.replace(" :", "\u00a0:").encode("utf-16-le"))
    value, code = diagnose(*(str(tmp_path / name) for name in "132"))
    assert code == 1
    assert [f["fault"] for f in value["findings"]] == [f["fault"] for f in whole["findings"]]
    assert value["findings"][0]["steps"] == whole["findings"][0]["steps"]


def test_nothing_wrong_and_nothing_known():
    value, code = diagnose(text="Dear colleagues,\nthe weather is fine.\n")
    assert (code, value["health"], value["findings"]) == (0, "green", [])
    assert value["unread"][0]["line"] == 1


def test_text_for_people():
    done = run("--at", DAY, text=EXAMPLE)
    assert done.returncode == 1
    assert "1. F03 pair-stale (certain): Receive connector MAIL01\\Default Frontend MAIL01" in done.stdout
    assert "\033" not in done.stdout
    # A command is never broken: it is there to be pasted.
    assert any(line.strip() == "Set-ReceiveConnector -Identity 'MAIL01\\Default Frontend MAIL01' -TlsCertificateName $tls"
               for line in done.stdout.splitlines())


def test_escape_sequences_of_the_input_do_not_reach_the_terminal():
    done = run("--at", DAY, text=EXAMPLE.replace("mail.fjord", "\033]0;gone\007mail.fjord"))
    assert "\033" not in done.stdout and "\007" not in done.stdout


def test_page(tmp_path):
    page = tmp_path / "report.html"
    evil = EXAMPLE.replace("O=Fjord Shipping", "O=<script>alert(1)</script>")
    done = run("--at", DAY, "--html", str(page), text=evil)
    html = page.read_text()
    assert done.returncode == 1
    assert html.startswith("<!doctype html>") and html.rstrip().endswith("</html>")
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "F03 pair-stale" in html and "Enable-ExchangeCertificate" in html
    assert not re.search(r"(?:src|href)=\"(?!#)", html), "the page needs nothing else"
    assert (page.stat().st_mode & 0o077) == 0


def test_page_that_cannot_be_written(tmp_path):
    done = run("--html", str(tmp_path / "no" / "report.html"), text=EXAMPLE)
    assert done.returncode == 1
    assert "cannot be written: No such file or directory" in done.stderr


def test_redacted():
    value, _ = diagnose("--redact", text=EXAMPLE)
    text = json.dumps(value).lower()
    for name in ("fjord", "mail01", "corp.example", "4f9c1e27", "b18d06f5"):
        assert name not in text, name
    assert "default frontend" in text, "what every server has stays readable"
    thumbprints = {step for f in value["findings"] for s in f["steps"]
                   for step in re.findall(r"-Thumbprint '(\w+)'", s["command"])}
    assert len(thumbprints) == 1, "one certificate, one stand-in"


def test_example_is_whole():
    done = run("--example")
    assert done.returncode == 1
    assert EXAMPLE in done.stdout
    assert "1. F03 pair-stale (certain)" in done.stdout


def test_collector_is_the_script_of_the_tree():
    done = run("--collector")
    assert done.returncode == 0
    assert done.stdout == (ROOT / "src/cli/data/collect-exchange.ps1").read_text()
    changing = re.findall(r"\b(?:Set|New|Remove|Enable|Disable|Import|Export|Invoke|Start|Stop|Restart|Suspend|Resume)-\w+", done.stdout)
    assert not changing, "the collector only reads"


# ---- the wire ----

@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def served(sink, authority, *names, **options):
    pem = authority.issue(*names, **options)
    return sink(tls=server_context(pem))


def test_wire_with_a_certificate_of_another(sink, authority):
    out = served(sink, authority, "mail.fjord-shipping.example", days=(-1, 400))
    value, code = diagnose("--connect", f"127.0.0.1:{out.port}")
    assert code == 1
    first = value["findings"][0]
    assert first["fault"] == "F17", "a chain that leads to no trusted root"
    assert first["evidence"][0]["file"] == f"127.0.0.1:{out.port}"


def test_wire_without_starttls(sink):
    out = sink()
    value, code = diagnose("--connect", f"127.0.0.1:{out.port}")
    first = value["findings"][0]
    assert code == 1
    assert (first["fault"], first["name"], first["certainty"]) == ("F01", "starttls-not-offered", "possible")


def test_wire_with_an_expired_certificate(sink, authority):
    out = served(sink, authority, "mail.fjord-shipping.example", days=(-90, -1))
    value, code = diagnose("--connect", f"127.0.0.1:{out.port}")
    assert code == 1
    assert (value["findings"][0]["fault"], value["findings"][0]["certainty"]) == ("F06", "certain")


def test_wire_against_the_store(sink, authority):
    """The store says one thing, the wire presents another: the certificate that was replaced."""
    out = served(sink, authority, "mail.fjord-shipping.example")
    mended = EXAMPLE.replace("TLS CA G1", "TLS CA G2").replace("Services           : IIS\n", "Services : IIS, SMTP\n")
    mended = re.sub(r"(?s)^.*?(?=\[PS\] C:\\>Get-ExchangeCertificate)", "", mended)
    value, code = diagnose("-", "--connect", f"127.0.0.1:{out.port}", text=mended)
    assert code == 1
    assert value["findings"][0]["fault"] in ("F26", "F18"), value["findings"][0]


@pytest.mark.parametrize("target, said", [
    ("127.0.0.1:1", "nobody answers"), ("host:port", "is no server"), ("", "is no server"),
    ("[::1", "nobody answers"), ("no-such-host.invalid", "has no address")])
def test_wire_that_is_not_there(target, said):
    done = run("--connect", target)
    assert done.returncode in (1, 2)
    assert said in done.stderr


def test_prompt_at_a_terminal():
    """What to do is said where somebody would wait for a prompt."""
    parent, child = pty.openpty()
    with subprocess.Popen([binary(), "diagnose", "--json"], stdin=child, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.close(child)
        os.write(parent, b"Event ID: 12014\n\x04")
        out, err = process.communicate(timeout=30)
    os.close(parent)
    assert b"Ctrl-D" in err
    json.loads(out)


@pytest.mark.parametrize("arguments, code", [(["/no/such/file"], 1), (["--at", "yesterday-ish"], 2), (["--nonsense"], 2)])
def test_wrong_usage(arguments, code):
    done = run(*arguments)
    assert done.returncode == code
    assert done.stderr
