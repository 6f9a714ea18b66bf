"""Postfix on either side, its load tools, and a chain with STARTTLS on every hop."""
import re

import pytest
from harness import net
from harness.peers import Postfix, SmtpSink, smtp_source
from harness.send import MESSAGE
from harness.smtp import Client
from test_receive import lf, original


def hand_to(port, recipient="user@elsewhere.example", content=MESSAGE, sender="a@example.net"):
    with Client(port) as client:
        client.ehlo()
        assert client.message(sender, recipient, content).code == 250


def test_postfix_is_the_previous_hop(sealpost, peer, authority):
    mail = sealpost().start()
    postfix = peer(Postfix, f"[127.0.0.1]:{mail.port}", authority.issue("postfix.example.net"))
    content = b"From: a@example.net\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <p1@example.net>\r\nSubject: via\r\n\r\n" \
              b".\r\n..\r\n\xc3\xbc\r\n"
    hand_to(postfix.port, "user@example.test", content)
    net.wait_for(lambda: mail.delivered("user"), 30, lambda: f"{postfix.text()}\n{mail.tail()}")
    delivered = mail.delivered("user")[0]
    assert delivered.endswith(lf(content)) and b"with ESMTPS" in delivered
    assert original(delivered).startswith(b"Received: ")  # Postfix's own
    net.wait_for(lambda: not postfix.queue(), 10, "Postfix's empty queue")


def test_postfix_is_the_next_hop(sealpost, peer, authority):
    sink = peer(SmtpSink)
    postfix = peer(Postfix, f"[127.0.0.1]:{sink.port}", authority.issue("postfix.example.net"), smtp_tls_security_level="none")
    mail = sealpost().internet(**{"relay": True, "from": ["127.0.0.0/8"]})
    mail.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{postfix.port}"], tls="required").start()
    hand_to(mail.port)
    net.wait_for(lambda: sink.messages(), 30, lambda: f"{postfix.text()}\n{mail.tail()}")
    assert b"with ESMTPS" in sink.messages()[0] or b"using TLSv1.3" in sink.messages()[0]
    mail.wait_empty()


def test_postfix_refuses_and_the_sender_hears_of_it(sealpost, peer, authority):
    postfix = peer(Postfix, "[127.0.0.1]:1", authority.issue("postfix.example.net"),
                   smtpd_recipient_restrictions="check_recipient_access inline:{{bad@elsewhere.example=550 5.1.1 gone}},permit")
    mail = sealpost().internet(**{"relay": True, "from": ["127.0.0.0/8"]})
    mail.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{postfix.port}"]).start()
    hand_to(mail.port, "bad@elsewhere.example", sender="a@example.test")
    report = mail.wait_delivered("a")[0]
    assert b"Status: 5.1.1" in report and b"gone" in report


@pytest.mark.bounded(150)
def test_chain_with_starttls_on_every_hop(sealpost, peer, sink, authority):
    """Postfix -> Sealpost -> Sealpost -> a sink, each hop encrypted, content byte for byte."""
    from harness.certs import server_context
    last = sink(tls=server_context(authority.issue("sink.example.net")))
    second = sealpost().relay_to(last, tls="required").internet(tls="required", fqdn="second.example.test").start()
    first = sealpost().internet(**{"relay": True, "from": ["127.0.0.0/8"], "tls": "required"})
    first.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{second.port}"], tls="required").start()
    postfix = peer(Postfix, f"[127.0.0.1]:{first.port}", authority.issue("postfix.example.net"))
    for n in range(10):
        hand_to(postfix.port, content=MESSAGE + b"number %d\r\n" % n)
    messages = last.wait(10, 60)
    assert all(message.tls == "TLSv1.3" for message in messages)
    received = re.findall(rb"^Received: [^\r]*(?:\r\n[ \t][^\r]*)*", messages[0].content, re.M)
    assert len(received) == 3 and sum(b"ESMTPS" in line for line in received) >= 2, received
    assert sorted(message.content[message.content.index(b"It works."):] for message in messages) == \
        sorted(b"It works.\r\nnumber %d\r\n" % n for n in range(10))
    first.wait_empty()
    second.wait_empty()


@pytest.mark.bounded(150)
@pytest.mark.parametrize("options", [["-s", "10", "-m", "300"], ["-s", "5", "-m", "100", "-l", "60000"], ["-s", "5", "-m", "100", "-r", "5"],
                                     ["-d", "-s", "4", "-m", "200"]], ids=["many", "large", "recipients", "one session"])
def test_smtp_source_through_to_smtp_sink(sealpost, peer, options):
    sink = peer(SmtpSink)
    mail = sealpost().internet(**{"relay": True, "from": ["127.0.0.0/8"], "max-connections-per-source": "unlimited"})
    mail.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{sink.port}"]).start()
    smtp_source(mail.port, *options, "-f", "a@example.net", "-t", "user@elsewhere.example", seconds=120)
    count = int(options[options.index("-m") + 1])
    mail.wait_empty(60)
    assert len(sink.messages()) == count
