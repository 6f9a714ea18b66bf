"""LMTP as next hop: a scripted one, and Dovecot's."""
from harness import net
from harness.peers import Dovecot
from harness.send import MESSAGE, send
from harness.sink import CLOSE
from test_dsn import report
from test_relay import RETRY


def lmtp(sealpost, host, **keys):
    mail = sealpost()
    mail.document["send-connectors"] = {"local": {"address-spaces": ["example.test"], "deliver-by": "lmtp", "smart-hosts": [host],
                                                  "retry": RETRY, **keys}}
    return mail


def test_one_answer_for_each_recipient(sealpost, sink):
    out = sink(lmtp=True, replies={"CONTENT two@example.test": ["452 4.2.2 full", None],
                                   "CONTENT three@example.test": "550 5.2.1 disabled"})
    mail = lmtp(sealpost, f"127.0.0.1:{out.port}")
    mail.document["accepted-domains"].append("sender.test")
    mail.send("back", address_spaces=["sender.test"], deliver_by="maildir", maildir=f"{mail.mail}/%l").start()
    send(mail, ["one@example.test", "two@example.test", "three@example.test"], sender="a@sender.test")
    messages = out.wait(2, 15)
    assert messages[0].protocol == "LHLO" and messages[0].accepted == ["one@example.test"]
    assert messages[1].recipients == ["two@example.test"]
    _, _, _, recipients, _ = report(mail.wait_delivered("a")[0])
    assert [r["Final-Recipient"] for r in recipients] == ["rfc822; three@example.test"]
    mail.wait_empty()


def test_connection_lost_before_the_last_answer(sealpost, sink):
    out = sink(lmtp=True, replies={"CONTENT two@example.test": [CLOSE, None]})
    mail = lmtp(sealpost, f"127.0.0.1:{out.port}").start()
    send(mail, ["one@example.test", "two@example.test"])
    net.wait_for(lambda: any(m.recipients == ["two@example.test"] for m in out.messages), 20, "the second attempt")
    mail.wait_empty()


def test_dovecot(sealpost, peer, authority):
    dovecot = peer(Dovecot, authority.issue("dovecot.example.test"))
    mail = lmtp(sealpost, f"127.0.0.1:{dovecot.port}").start()
    content = "Subject: grüße\r\n\r\n.\r\n..\r\nlast\r\n".encode()
    send(mail, ["one@example.test", "two@example.test"], params=" BODY=8BITMIME", content=content)
    for user in ("one", "two"):
        net.wait_for(lambda: dovecot.messages(f"{user}@example.test"), 20, lambda: f"{user}: {dovecot.text()}\n{mail.tail()}")
        (message,) = dovecot.messages(f"{user}@example.test")
        assert message.replace(b"\r\n", b"\n").endswith(content.replace(b"\r\n", b"\n")), message
    mail.wait_empty()


def test_dovecot_by_its_socket(sealpost, peer):
    dovecot = peer(Dovecot)
    mail = lmtp(sealpost, str(dovecot.socket)).start()
    for _ in range(10):
        send(mail, "user@example.test")
    net.wait_for(lambda: len(dovecot.messages("user@example.test")) == 10, 20, lambda: f"{dovecot.text()}\n{mail.tail()}")
    assert all(m.replace(b"\r\n", b"\n").endswith(MESSAGE.replace(b"\r\n", b"\n")) for m in dovecot.messages("user@example.test"))
