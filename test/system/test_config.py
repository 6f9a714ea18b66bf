"""The document: checked, applied while the daemon runs, kept in revisions."""
import copy
import signal

import pytest
from harness import net
from harness.daemon import as_yaml
from harness.send import send
from harness.smtp import Client


def check(mail, text, status):
    mail.folder.mkdir(exist_ok=True)
    file = mail.folder / "check.yaml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = mail.run("check", str(file))
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_check_takes_the_default_document(sealpost):
    mail = sealpost()
    check(mail, as_yaml(mail.document), 0)


def test_check_reports_several_errors_at_once(sealpost):
    text = """hostname: mx.example.test
receive-connectors:
  internet:
    bind: ["127.0.0.1:99999"]
    tls: maybe
    max-conections: 5
send-connectors:
  out:
    address-spaces: ["*;500"]
    smart-hosts: []
    deliver-by: smart-host
"""
    said = check(sealpost(), text, 1)
    for expected in ("check.yaml:4:", "check.yaml:5:", "check.yaml:6:", "max-connections", "check.yaml:9:"):
        assert expected in said, said


@pytest.mark.parametrize("text", ["", "[", "hostname: [", "a: &x [*x]", "hostname: x\nhostname: y\n", "- 1\n", "\t", "hostname: \udcff"])
def test_check_of_what_is_no_document(sealpost, text):
    assert "check.yaml" in check(sealpost(), text, 1)


def test_open_relay_is_never_an_accident(sealpost):
    mail = sealpost()
    mail.internet(relay=True)
    assert "relay" in check(mail, as_yaml(mail.document), 1)
    mail.internet(relay="open")
    assert "open relay" in check(mail, as_yaml(mail.document), 0).lower()


def test_partly_overlapping_ranges_are_refused(sealpost):
    mail = sealpost()
    mail.internet(**{"from": ["10.0.0.0-10.0.0.20"]})
    mail.document["receive-connectors"]["other"] = mail.receive(**{"from": ["10.0.0.10-10.0.0.30"]})
    assert "overlap" in check(mail, as_yaml(mail.document), 1)
    mail.internet(**{"from": ["10.0.0.0/8"]})
    check(mail, as_yaml(mail.document), 0)


def test_check_of_a_missing_file(sealpost):
    assert sealpost().run("check", "/nonexistent/sealpost.yaml").returncode in (1, 2)


def test_apply_adds_a_listener_and_keeps_connections(sealpost):
    mail = sealpost().start()
    second = net.free_port()
    with Client(mail.port) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<a@example.net>", 250)
        mail.document["receive-connectors"]["second"] = {**mail.receive(), "bind": [f"127.0.0.1:{second}"], "fqdn": "second.example.test"}
        mail.internet(fqdn="renamed.example.test")
        mail.apply(None, "--force")
        client.cmd("RCPT TO:<user@example.test>", 250)
        client.cmd("DATA", 354)
        client.send(b"Subject: kept\r\n\r\nkept\r\n.\r\n")
        assert client.reply().code == 250
    mail.wait_delivered("user")
    net.wait_for(lambda: net.listens(second), 5, "the second listener")
    with Client(second) as client:
        assert client.greeting.text.startswith("second.example.test")
    with Client(mail.port) as client:
        assert client.greeting.text.startswith("renamed.example.test")
    del mail.document["receive-connectors"]["second"]
    mail.apply()
    net.wait_for(lambda: not net.listens(second), 5, "the end of the second listener")


def test_wrong_document_changes_nothing(sealpost):
    mail = sealpost().start()
    before = mail.json("config", "history")
    wrong = copy.deepcopy(mail.document)
    wrong["receive-connectors"]["internet"]["tls"] = "maybe"
    assert mail.run("config", "apply", str(write(mail, wrong))).returncode == 1
    assert mail.json("config", "history") == before
    send(mail, "user@example.test")


def test_listener_that_cannot_bind_changes_nothing(sealpost, sink):
    taken = sink()
    mail = sealpost().start()
    before = mail.json("config", "history")
    wrong = copy.deepcopy(mail.document)
    wrong["receive-connectors"]["second"] = {**mail.receive(), "bind": [f"127.0.0.1:{taken.port}"]}
    done = mail.run("config", "apply", str(write(mail, wrong)))
    assert done.returncode == 1 and str(taken.port) in done.stdout + done.stderr, done
    assert mail.json("config", "history") == before


def write(mail, document):
    file = mail.folder / "new.yaml"
    file.write_text(as_yaml(document))
    return file


def revisions(mail):
    listed = mail.json("config", "history")
    return listed["revisions"] if isinstance(listed, dict) else listed


def test_history_diff_and_restore(sealpost):
    mail = sealpost().start()
    first = revisions(mail)[0]["revision"]
    mail.internet(fqdn="changed.example.test")
    assert "fqdn" in mail.cli("config", "diff", write(mail, mail.document), status=1)
    mail.apply(None, "--force")
    newest = revisions(mail)[0]
    assert newest["revision"] > first and "fqdn" in newest["diff"] and newest["author"] and newest["time"]
    assert "changed.example.test" in mail.cli("config", "export")
    mail.cli("config", "restore", first)
    with Client(mail.port) as client:
        assert client.greeting.text.startswith("mx.example.test")
    assert len(revisions(mail)) == 3
    mail.cli("config", "restore", 99999, status=1)


def test_routes_change_for_what_is_queued(sealpost, sink):
    mail = sealpost().internet(**{"relay": True, "from": ["127.0.0.0/8"]})
    mail.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{net.free_port()}"]).start()
    send(mail)
    mail.wait_queue(lambda queue: queue and queue[0]["recipients"][0]["attempts"])
    out = sink()
    mail.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{out.port}"])
    mail.apply()
    mail.cli("queue", "retry", "--all")
    out.wait()


def test_connector_verbs(sealpost):
    mail = sealpost().start()
    listed = mail.json("receive-connector", "list")
    names = [c["name"] for c in (listed["receive-connectors"] if isinstance(listed, dict) else listed)]
    assert names == ["internet"]
    mail.cli("receive-connector", "set", "internet", "fqdn=set.example.test", "--force")
    with Client(mail.port) as client:
        assert client.greeting.text.startswith("set.example.test")
    assert mail.json("receive-connector", "show", "internet")["fqdn"] == "set.example.test"
    assert mail.json("send-connector", "show", "local")["deliver-by"] == "maildir"
    mail.cli("receive-connector", "set", "internet", "tls=maybe", status=1)
    mail.cli("receive-connector", "show", "nosuch", status=1)


def test_restart_goes_on_with_the_applied_revision(sealpost):
    mail = sealpost().start()
    mail.cli("receive-connector", "set", "internet", "fqdn=set.example.test", "--force")
    mail.stop()
    mail.process = None
    mail.start()
    with Client(mail.port) as client:
        assert client.greeting.code == 220


# ---- changes are planned ----

def second_connector(mail, **keys):
    mail.document["receive-connectors"]["second"] = {**mail.receive(), "bind": [f"127.0.0.1:{net.free_port()}"], **keys}
    return mail


def fqdn_of(mail):
    return mail.json("receive-connector", "show", "internet")["fqdn"]


def test_name_that_no_certificate_covers_is_refused(sealpost):
    mail = sealpost().start()
    change = ("receive-connector", "set", "internet", "fqdn=nobody.example.test")
    before = revisions(mail)
    for options in ((), ("--dry-run",)):
        done = mail.run(*change, *options)
        said = done.stdout + done.stderr
        assert done.returncode == 1 and "refused" in said and "name not covered" in said, said
        assert "1 connector would get worse: internet" in said, said
        assert "sealpost cert request nobody.example.test" in said and "--force" in said, said
    assert revisions(mail) == before and fqdn_of(mail) == "mx.example.test"
    answer = mail.json(*change, status=1)
    assert answer["error"]["code"] == "refused" and answer["plan"]["connectors"][0]["effect"] == "worse", answer
    shown = mail.cli(*change, "--dry-run", "--force")
    assert "would be refused without --force" in shown and fqdn_of(mail) == "mx.example.test", shown
    assert "(forced, and recorded)" in mail.cli(*change, "--force")
    assert fqdn_of(mail) == "nobody.example.test"
    event = mail.wait_event("document-forced")[-1]
    assert event["level"] == "warning" and "internet" in event["text"] and "sealpost cert request" in event["remedy"], event
    with Client(mail.port) as client:  # mail goes on
        assert client.ehlo().has("STARTTLS")
    mail.cli("receive-connector", "set", "internet", "max-recipients=150")  # as bad as before is not worse


def test_every_connector_that_would_break_is_named(sealpost):
    mail = second_connector(sealpost(), partners=["partner.example"]).start()
    mail.internet(fqdn="a.example.test")
    mail.document["receive-connectors"]["second"]["tls"] = "off"
    file = write(mail, mail.document)
    for options in (("--dry-run",), ()):
        done = mail.run("config", "apply", file, *options)
        said = done.stdout + done.stderr
        assert done.returncode == 1 and "2 connectors would get worse: internet, second" in said, said
        assert "partners that send by TLS only: partner.example" in said, said
        assert "sealpost receive-connector set second tls=offered" in said, said
    assert len(revisions(mail)) == 1
    shown = mail.cli("config", "apply", file, "--force")
    assert "is in force (forced, and recorded)" in shown and "fqdn" in shown, shown


def test_restore_is_planned(sealpost, authority):
    mail = sealpost().start()
    mail.cli("receive-connector", "set", "internet", "fqdn=old.example.test", "--force")
    old = revisions(mail)[0]["revision"]
    mail.cli("receive-connector", "set", "internet", "fqdn=mx.example.test")
    done = mail.run("config", "restore", old)
    assert done.returncode == 1 and "internet" in done.stdout + done.stderr, done
    assert fqdn_of(mail) == "mx.example.test"
    mail.cli("cert", "import", authority.issue("old.example.test"))
    mail.cli("config", "restore", old)  # now a certificate covers it
    assert fqdn_of(mail) == "old.example.test"


def test_last_connector_of_a_partner_stays(sealpost):
    mail = second_connector(sealpost(), partners=["partner.example"]).start()
    said = mail.run("receive-connector", "remove", "second")
    assert said.returncode == 1 and "first name partner.example" in said.stdout + said.stderr, said
    mail.cli("receive-connector", "set", "internet", "partners=partner.example")
    assert "no mail any more" in mail.cli("receive-connector", "remove", "second")


def test_weaker_tls_is_told(sealpost):
    mail = sealpost().send("out", address_spaces=["*"], smart_hosts=["127.0.0.1:9"], tls="required", tls_verify="name").start()
    shown = mail.cli("send-connector", "set", "out", "tls=opportunistic")
    assert "clear text where TLS cannot be had" in shown and "is in force" in shown, shown
    shown = mail.cli("receive-connector", "set", "internet", "pin=0123456789abcdef0123456789abcdef01234567")
    assert "its pin names no usable certificate" in shown, shown
    said = mail.run("receive-connector", "set", "internet", "pin-strict=true")
    assert said.returncode == 1 and "strict pin" in said.stdout + said.stderr, said


def test_reload_of_a_worse_document_is_refused(sealpost):
    """What runs goes on; the event says why, and how to have it all the same."""
    mail = sealpost().start()
    mail.internet(fqdn="reloaded.example.test")
    mail.file.write_text(as_yaml(mail.document))
    mail.process.send_signal(signal.SIGHUP)
    event = mail.wait_event("document-refused")[-1]
    assert "internet" in event["text"] and "reload" in event["text"], event
    assert f"sealpost config apply --force {mail.file}" in event["remedy"], event
    assert fqdn_of(mail) == "mx.example.test" and len(revisions(mail)) == 1
    mail.cli("config", "apply", "--force", mail.file)
    assert fqdn_of(mail) == "reloaded.example.test"
    mail.internet(banner="ready")
    mail.file.write_text(as_yaml(mail.document))
    mail.process.send_signal(signal.SIGHUP)  # not worse than what is in force now
    net.wait_for(lambda: len(revisions(mail)) == 3, 10, "the reload")
    mail.restart()  # and the start takes the file as it is
    assert fqdn_of(mail) == "reloaded.example.test"
