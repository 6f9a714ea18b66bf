"""Delivery status notifications (RFC 3461 to 3464)."""
import email
import email.policy

import pytest
from harness import net
from harness.send import MESSAGE, send
from harness.smtp import Client

SOON = {"glitch-count": 0, "transient-count": 0, "interval": "1s", "delay-notice": "2s", "expire": "60s"}


def report(raw):
    """The parts of a notification: (header, words, per-message fields, list of per-recipient fields, original)."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report" and message.get_param("report-type") == "delivery-status", raw
    words, status, original = message.iter_parts()
    fields = list(status.iter_parts()) if status.is_multipart() else []
    if not fields:
        fields = [email.message_from_string(block) for block in status.get_content().strip().split("\n\n")]
    return message, words.get_content(), fields[0], fields[1:], original


def test_failure(sealpost, sink):
    out = sink(replies={"RCPT bad@elsewhere.example": "550 5.1.1 no such user here"})
    mail = sealpost().relay_to(out).start()
    number = send(mail, ["bad@elsewhere.example", "good@elsewhere.example"], sender="a@example.test")
    out.wait()
    raw = mail.wait_delivered("a")[0]
    assert raw.startswith(b"Return-Path: <>\n")
    message, words, about, recipients, original = report(raw)
    assert message["to"] == "a@example.test" and "postmaster@mx.example.test" in message["from"].lower()
    assert message["auto-submitted"].startswith("auto-replied") or message["auto-submitted"].startswith("auto-generated")
    assert "bad@elsewhere.example" in words and "no such user here" in words and "good@elsewhere.example" not in words
    assert about["Reporting-MTA"] == "dns; mx.example.test"
    assert len(recipients) == 1
    assert recipients[0]["Final-Recipient"] == "rfc822; bad@elsewhere.example"
    assert recipients[0]["Action"] == "failed" and recipients[0]["Status"] == "5.1.1"
    assert "550 5.1.1 no such user here" in recipients[0]["Diagnostic-Code"]
    assert "It works." in original.as_string() or "Subject: hello" in original.as_string()
    mail.wait_empty()
    assert [r["event"] for r in mail.track("--id", number)].count("FAIL") == 1


@pytest.mark.parametrize("verb,reply,status", [("MAIL", "550 5.7.1 not from you", "5.7.1"), ("DATA", "554 no", "5.0.0"),
                                               ("CONTENT", "554 5.6.0 bad content", "5.6.0"), ("RCPT", "551 5.1.6 moved", "5.1.6")])
def test_permanent_refusal_at_each_step(sealpost, sink, verb, reply, status):
    out = sink(replies={verb: reply})
    mail = sealpost().relay_to(out).start()
    send(mail, sender="a@example.test")
    _, _, _, recipients, _ = report(mail.wait_delivered("a")[0])
    assert recipients[0]["Status"] == status
    mail.wait_empty()


def test_full_original_is_returned(sealpost, sink):
    out = sink(replies={"RCPT": "550 5.1.1 no"})
    mail = sealpost().relay_to(out).start()
    send(mail, sender="a@example.test", params=" RET=FULL ENVID=env+2Bid")
    _, _, about, _, original = report(mail.wait_delivered("a")[0])
    assert about["Original-Envelope-Id"] == "env+id" and "It works." in original.as_string()


def test_headers_only(sealpost, sink):
    out = sink(replies={"RCPT": "550 5.1.1 no"})
    mail = sealpost().relay_to(out).start()
    send(mail, sender="a@example.test", params=" RET=HDRS")
    _, _, _, _, original = report(mail.wait_delivered("a")[0])
    assert original.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers")
    assert "Subject: hello" in original.as_string() and "It works." not in original.as_string()


def test_notify_never_is_silent(sealpost, sink):
    out = sink(replies={"RCPT": "550 5.1.1 no"})
    mail = sealpost().relay_to(out).start()
    send(mail, sender="a@example.test", rcpt_params=" NOTIFY=NEVER")
    net.wait_for(lambda: out.sessions, 10, "an attempt")
    mail.wait_empty()
    assert mail.delivered("a") == []


def test_success_at_final_delivery(sealpost):
    mail = sealpost().start()
    send(mail, "user@example.test", sender="a@example.test", rcpt_params=" NOTIFY=SUCCESS ORCPT=rfc822;orig+2B1@example.test")
    mail.wait_delivered("user")
    _, _, _, recipients, original = report(mail.wait_delivered("a")[0])
    assert recipients[0]["Action"] == "delivered" and recipients[0]["Status"].startswith("2.")
    assert recipients[0]["Original-Recipient"] == "rfc822; orig+1@example.test" or \
        recipients[0]["Original-Recipient"] == "rfc822;orig+1@example.test"
    assert "It works." not in original.as_string()


def test_relayed_where_the_next_hop_has_no_dsn(sealpost, sink):
    out = sink(extensions=["8BITMIME"])
    mail = sealpost().relay_to(out).start()
    send(mail, sender="a@example.test", rcpt_params=" NOTIFY=SUCCESS")
    _, _, _, recipients, _ = report(mail.wait_delivered("a")[0])
    assert recipients[0]["Action"] == "relayed"


def test_dsn_is_passed_on(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out).start()
    send(mail, sender="a@example.test", params=" RET=HDRS ENVID=e1", rcpt_params=" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@y.example")
    (message,) = out.wait()
    mail.wait_empty()
    assert "RET=HDRS" in message.params and "ENVID=e1" in message.params
    assert "NOTIFY=SUCCESS,FAILURE" in message.rcpt_params[0] and "ORCPT=rfc822;x@y.example" in message.rcpt_params[0]
    assert mail.delivered("a") == []


def test_delay_once_then_success(sealpost, sink):
    out = sink(replies={"RCPT": ["451 4.2.1 come back"] * 5 + [None]})
    mail = sealpost().relay_to(out, retry=SOON).start()
    send(mail, sender="a@example.test")
    _, words, _, recipients, _ = report(mail.wait_delivered("a")[0])
    assert recipients[0]["Action"] == "delayed" and recipients[0]["Status"] == "4.2.1"
    assert recipients[0]["Will-Retry-Until"]
    assert "come back" in words
    out.wait(1, 30)
    mail.wait_empty()
    assert len(mail.delivered("a")) == 1


def test_expiry(sealpost):
    mail = sealpost().internet(**{"relay": True, "from": ["127.0.0.0/8"]})
    mail.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{net.free_port()}"],
              retry={**SOON, "delay-notice": "0s", "expire": "5s"}).start()
    send(mail, sender="a@example.test")
    _, _, _, recipients, _ = report(mail.wait_delivered("a", 1, 20)[0])
    assert recipients[0]["Action"] == "failed" and recipients[0]["Status"] == "5.4.7"
    assert "the last answer was: 4" in recipients[0]["Diagnostic-Code"], recipients[0]["Diagnostic-Code"]
    mail.wait_empty()


def test_bounce_of_a_bounce_is_dropped_with_an_event(sealpost, sink):
    out = sink(replies={"RCPT": "550 5.1.1 no"})
    mail = sealpost().relay_to(out).start()
    number = send(mail, sender="nobody@elsewhere.example")  # the notification will be refused as well
    mail.wait_queue(lambda queue: not queue)
    net.wait_for(lambda: len(out.sessions) > 0 and not mail.queue(), 15, "nothing left")
    (event,) = mail.wait_event("bounce-dropped")
    assert "nobody@elsewhere.example" in event["subject"] + event["text"] or number in event["subject"] + event["text"]


def test_null_sender_gets_no_bounce(sealpost, sink):
    out = sink(replies={"RCPT": "550 5.1.1 no"})
    mail = sealpost().relay_to(out).start()
    send(mail, sender="")
    net.wait_for(lambda: out.sessions, 10, "an attempt")
    mail.wait_empty()
    assert len(out.sessions) <= 2 and not out.messages


def test_bounce_leaves_through_a_next_hop(sealpost, sink):
    out = sink(replies={"RCPT bad@elsewhere.example": "550 5.1.1 no"})
    mail = sealpost().relay_to(out).start()
    send(mail, "bad@elsewhere.example", sender="far@away.example")
    (message,) = out.wait()
    assert message.sender == "" and message.recipients == ["far@away.example"]
    report(message.content)


def test_utf8_failure_report(sealpost, sink):
    out = sink(replies={"RCPT": "550 5.1.1 nö"})
    mail = sealpost().relay_to(out)
    mail.document["send-connectors"]["local"]["address-spaces"] = ["example.test"]
    mail.start()
    with Client(mail.port) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<a@example.test> SMTPUTF8", 250)
        client.cmd("RCPT TO:<jürgen@elsewhere.example>", 250)
        client.cmd("DATA", 354)
        client.send(MESSAGE + b".\r\n")
        assert client.reply().code == 250
    raw = mail.wait_delivered("a")[0]
    assert b"utf-8;" in raw.lower() and "jürgen@elsewhere.example".encode() in raw or b"message/global" in raw
