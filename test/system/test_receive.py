"""Taking mail in: what a client may say, and what it is told."""
import re
import smtplib
import socket

import pytest
from harness.smtp import Client, Closed

MESSAGE = b"From: a@example.net\r\nSubject: hello\r\n\r\nIt works.\r\n"
BODY = b"It works.\r\n"


def original(delivered):
    """What the client sent: the delivered file without the three fields that are put in front."""
    added = re.match(rb"Return-Path: <.*>\nDelivered-To: .*\nReceived: .*\n(?:\t.*\n)+", delivered)
    assert added, delivered[:500]
    return delivered[added.end():]


def lf(content):
    """As a maildir keeps it: with the line ends of Unix."""
    return content.replace(b"\r\n", b"\n")


def test_smtplib_sends_a_message(sealpost):
    mail = sealpost().start()
    with smtplib.SMTP("127.0.0.1", mail.port, "client.example.net") as client:
        assert client.sendmail("a@example.net", ["user@example.test"], MESSAGE) == {}
    (delivered,) = mail.wait_delivered("user")
    assert delivered.startswith(b"Return-Path: <a@example.net>\n")
    assert original(delivered) == lf(MESSAGE)
    assert re.search(rb"Received: from client\.example\.net \(\[127\.0\.0\.1\]\)\s+by mx\.example\.test \(Sealpost\)\s+"
                     rb"with ESMTP\s+id [0-9a-f-]{36}\s+for <user@example\.test>;", delivered), delivered
    mail.wait_empty()


def test_greeting_and_extensions(sealpost):
    mail = sealpost().start()
    with Client(mail.port) as client:
        assert client.greeting.code == 220 and client.greeting.text.startswith("mx.example.test ")
        reply = client.ehlo()
        assert reply.lines[0].startswith("mx.example.test")
        for keyword in ("SIZE", "PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES",
                        "STARTTLS", "LIMITS"):
            assert reply.has(keyword), keyword
        assert "SIZE 37748736" in reply.lines
        assert client.cmd("NOOP").code == 250
        assert client.cmd("HELP").code in (211, 214)
        assert client.cmd("VRFY user").code == 252
        assert client.cmd("QUIT").code == 221
        assert client.is_closed()


def test_helo_gets_no_extensions(sealpost):
    mail = sealpost().start()
    with Client(mail.port) as client:
        reply = client.cmd("HELO client.example.net", 250)
        assert len(reply.lines) == 1
        assert client.message("a@example.net", "user@example.test", MESSAGE).code == 250
    assert b"with SMTP\n" in mail.wait_delivered("user")[0].replace(b"with SMTP ", b"with SMTP\n")


@pytest.mark.parametrize("line,code", [
    ("MAIL FROM:<a@example.net>", 503), ("RCPT TO:<user@example.test>", 503), ("DATA", 503), ("BDAT 3 LAST", 503),
    ("NONSENSE", 500), ("", 500), ("EHLO", 501), ("HELO ", 501), ("MAIL", 503),
])
def test_out_of_order_or_malformed(sealpost_shared, line, code):
    with Client(sealpost_shared.port) as client:
        if line.startswith("BDAT"):
            client.send(b"BDAT 3 LAST\r\nabc")
            assert client.reply().code in (503, 554)
        else:
            assert client.cmd(line).code == code
        assert client.cmd("NOOP").code == 250


@pytest.mark.parametrize("line,code", [
    ("MAIL FROM:a@example.net", 501), ("MAIL FROM:<a@>", 501), ("MAIL FROM:<@b>", 501), ("MAIL FROM:<a b@example.net>", 501),
    ("MAIL FROM:<a@example.net> NOTKNOWN=1", 555), ("MAIL FROM:<a@example.net> SIZE=abc", 501),
    ("MAIL FROM:<a@example.net> SIZE=99999999999", 552), ("MAIL FROM:<a@example.net> BODY=9BIT", 501),
    (f"MAIL FROM:<{'a' * 65}@example.net>", 501), (f"MAIL FROM:<a@{'x' * 260}.net>", 501),
    ("MAIL FROM:<ü@example.net>", 553), ("MAIL FROM:<a@example.net> RET=ALL", 501),
], ids=lambda value: str(value)[:40])
def test_bad_mail_commands(sealpost_shared, line, code):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        reply = client.cmd(line)
        assert reply.code // 100 == 5 and (reply.code == code or {reply.code, code} <= {501, 550, 552, 553, 555}), reply
        assert re.match(r"5\.\d\.\d+ ", reply.lines[0]), reply
        client.cmd("MAIL FROM:<a@example.net>", 250)


@pytest.mark.parametrize("line", ["RCPT TO:<user@elsewhere.example>", "RCPT TO:<user@[192.0.2.1]>",
                                  "RCPT TO:<user%elsewhere.example@elsewhere.example>", "RCPT TO:<@example.test:user@elsewhere.example>"])
def test_nobody_relays_by_default(sealpost_shared, line):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<user@example.test>", 250)
        reply = client.cmd(line)
        assert reply.code == 550 and reply.text.startswith("5.7.1"), reply


def test_postmaster_is_always_taken(sealpost):
    mail = sealpost()
    mail.document["accepted-domains"].append("mx.example.test")
    mail.document["send-connectors"]["local"]["address-spaces"].append("mx.example.test")
    mail.start()
    with Client(mail.port) as client:
        client.ehlo()
        assert client.message("", ["postmaster@example.test", "Postmaster"], MESSAGE).code == 250
    mail.wait_delivered("postmaster", 2)


def test_null_sender_and_source_route(sealpost):
    mail = sealpost().start()
    with Client(mail.port) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<>", 250)
        client.cmd("RCPT TO:<@a.example,@b.example:user@example.test>", 250)
        client.cmd("DATA", 354)
        client.send(MESSAGE + b".\r\n")
        assert client.reply().code == 250
    assert mail.wait_delivered("user")[0].startswith(b"Return-Path: <>\n")


def test_pipelined_session_in_one_write(sealpost):
    mail = sealpost().start()
    with Client(mail.port, greeting=False) as client:
        client.send(b"EHLO c.example\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<one@example.test>\r\nRCPT TO:<x@other.example>\r\n"
                    b"RCPT TO:<two@example.test>\r\nDATA\r\n")
        codes = [client.reply().code for _ in range(7)]
        assert codes == [220, 250, 250, 250, 550, 250, 354]
        client.send(MESSAGE + b".\r\nRSET\r\nNOOP\r\nQUIT\r\n")
        assert [client.reply().code for _ in range(4)] == [250, 250, 250, 221]
    mail.wait_delivered("one")
    mail.wait_delivered("two")


def test_every_byte_alone(sealpost):
    mail = sealpost().start()
    with Client(mail.port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in (b"EHLO c.example\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<user@example.test>\r\nDATA\r\n"
                     b"Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n"):
            client.send(bytes([byte]))
        assert [client.reply().code for _ in range(6)] == [250, 250, 250, 354, 250, 221]
    assert original(mail.wait_delivered("user")[0]) == b"Subject: x\n\n.dot\n"


def test_dots_are_unstuffed(sealpost):
    mail = sealpost().start()
    content = b"Subject: dots\r\n\r\n.\r\n..\r\n...x\r\n. y\r\nx.\r\n"
    with Client(mail.port) as client:
        client.ehlo()
        assert client.message("a@example.net", "user@example.test", content).code == 250
    assert original(mail.wait_delivered("user")[0]) == lf(content)


def test_bdat_in_pieces(sealpost):
    mail = sealpost().start()
    content = b"Subject: bdat\r\n\r\n.\r\n.leading dot\r\nlast line\r\n"
    with Client(mail.port) as client:
        client.ehlo()
        client.envelope("a@example.net", "user@example.test")
        for at in range(0, len(content), 7):
            piece = content[at:at + 7]
            client.send(b"BDAT %d\r\n" % len(piece) + piece)
            assert client.reply().code == 250
        client.send(b"BDAT 0 LAST\r\n")
        assert client.reply().code == 250
    assert original(mail.wait_delivered("user")[0]) == lf(content)


def test_bdat_is_binary_exact(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out).start()
    content = b"Subject: binary\r\n\r\n" + bytes(range(256)) * 40 + b"\n\r\r\n no end"
    with Client(mail.port) as client:
        client.ehlo()
        client.envelope("a@example.net", "user@elsewhere.example", params=" BODY=BINARYMIME")
        client.send(b"BDAT %d LAST\r\n" % len(content) + content)
        assert client.reply().code == 250
    (message,) = out.wait()
    assert message.chunked and "BODY=BINARYMIME" in message.params
    assert message.content.endswith(content)


def test_binarymime_needs_bdat(sealpost_shared):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.envelope("a@example.net", "user@example.test", params=" BODY=BINARYMIME")
        assert client.cmd("DATA").code == 503
        client.cmd("RSET", 250)


def test_bdat_after_refused_recipient_is_swallowed(sealpost_shared):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.send(b"MAIL FROM:<a@example.net>\r\nRCPT TO:<x@other.example>\r\nBDAT 6\r\nabc\r\n.BDAT 3 LAST\r\nxyzNOOP\r\n")
        codes = [client.reply().code for _ in range(5)]
        assert codes[:2] == [250, 550] and all(code // 100 == 5 for code in codes[2:4]) and codes[4] == 250


def test_smtputf8(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out).start()
    content = "Subject: grüße\r\n\r\nπ\r\n".encode()
    with Client(mail.port) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<jürgen@bücher.example> SMTPUTF8 BODY=8BITMIME", 250)
        client.cmd("RCPT TO:<δοκιμή@παράδειγμα.example>", 250)
        client.cmd("DATA", 354)
        client.send(content + b".\r\n")
        assert client.reply().code == 250
    (message,) = out.wait()
    assert message.sender == "jürgen@bücher.example" and message.recipients == ["δοκιμή@παράδειγμα.example"]
    assert "SMTPUTF8" in message.params and message.content.endswith(content)
    assert "UTF8SMTP" in message.header("Received")


def test_utf8_address_without_smtputf8(sealpost_shared):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<a@example.net>", 250)
        assert client.cmd("RCPT TO:<ü@example.test>").code in (501, 553)


def test_8bit_content_arrives(sealpost):
    mail = sealpost().start()
    content = b"Subject: 8bit\r\n\r\n" + bytes(range(128, 256)) + b"\r\n"
    with Client(mail.port) as client:
        client.ehlo()
        assert client.message("a@example.net", "user@example.test", content, params=" BODY=8BITMIME").code == 250
    assert original(mail.wait_delivered("user")[0]) == lf(content)


def test_very_long_lines_arrive(sealpost):
    mail = sealpost().start()
    content = b"Subject: long\r\nX-Long: " + b"y" * 5000 + b"\r\n\r\n" + b"z" * 300000 + b"\r\nend\r\n"
    with Client(mail.port) as client:
        client.ehlo()
        assert client.message("a@example.net", "user@example.test", content).code == 250
    assert original(mail.wait_delivered("user")[0]) == lf(content)


def test_large_message_arrives(sealpost):
    mail = sealpost().start()
    content = b"Subject: large\r\n\r\n" + b"".join(b"%070d\r\n" % n for n in range(200000))
    with Client(mail.port) as client:
        client.ehlo()
        assert client.message("a@example.net", "user@example.test", content, params=f" SIZE={len(content)}").code == 250
    assert original(mail.wait_delivered("user")[0]) == lf(content)


def test_two_messages_and_rset_in_one_session(sealpost):
    mail = sealpost().start()
    with Client(mail.port) as client:
        client.ehlo()
        assert client.message("a@example.net", "one@example.test", MESSAGE).code == 250
        client.envelope("a@example.net", "never@example.test")
        client.cmd("RSET", 250)
        assert client.cmd("DATA").code == 503
        assert client.message("a@example.net", "two@example.test", MESSAGE).code == 250
    mail.wait_delivered("two")
    assert mail.delivered("never") == []


def test_client_that_leaves_in_data_leaves_nothing(sealpost):
    mail = sealpost().start()
    with Client(mail.port) as client:
        client.ehlo()
        client.envelope("a@example.net", "user@example.test")
        client.cmd("DATA", 354)
        client.send(b"Subject: half\r\n\r\nhalf of it\r\n")
    with Client(mail.port) as client:
        client.ehlo()
        assert client.message("a@example.net", "other@example.test", MESSAGE).code == 250
    mail.wait_delivered("other")
    mail.wait_empty()
    assert mail.delivered("user") == []


def test_maildir_cannot_be_left_by_a_local_part(sealpost):
    mail = sealpost().start()
    with Client(mail.port) as client:
        client.ehlo()
        for address in ('"../../escape"@example.test', '".."@example.test', '"a/b"@example.test'):
            client.cmd("MAIL FROM:<a@example.net>", 250)
            if client.cmd(f"RCPT TO:<{address}>").code == 250:
                client.cmd("DATA", 354)
                client.send(MESSAGE + b".\r\n")
                client.reply()
            else:
                client.cmd("RSET", 250)
    mail.wait_queue(lambda queue: all(r["attempts"] for m in queue for r in m["recipients"]))
    assert not (mail.folder / "escape").exists() and not (mail.mail / "a").exists() and not (mail.mail / "new").exists()


def test_too_long_command_line(sealpost_shared):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        assert client.cmd("NOOP " + "x" * 20000).code == 500
        assert client.cmd("NOOP").code == 250


def test_endless_command_line(sealpost_shared):
    with Client(sealpost_shared.port) as client:
        with pytest.raises((Closed, OSError)):
            for _ in range(2000):
                client.send(b"x" * 65536)
            client.reply()
            client.reply()
