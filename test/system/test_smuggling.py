"""SMTP smuggling: a message ends with <CRLF>.<CRLF> and with nothing else, and a bare CR or LF is never let through."""
import pytest
from harness.smtp import Client, Closed

FORMS = {
    "LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r", "CRLF.CR": b"\r\n.\r",
    "CR.CRLF": b"\r.\r\n", "CR.LF": b"\r.\n", "LF.CR": b"\n.\r", "CRLF.CRCRLF": b"\r\n.\r\r\n", "LFCR.CRLF": b"\n\r.\r\n",
    "CRLFNUL.CRLF": b"\r\n\0.\r\n", "bare CR": b"a\rb", "bare LF": b"a\nb",
}
EVIL = b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<victim@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\n"


@pytest.mark.parametrize("form", FORMS)
def test_smuggling_form_is_refused_whole(sealpost_shared, form):
    mail, user = sealpost_shared, "smuggle"
    with Client(mail.port) as client:
        client.ehlo()
        client.envelope("a@example.net", f"{user}@example.test")
        client.cmd("DATA", 354)
        client.send(b"Subject: outer\r\n\r\nbody" + FORMS[form] + EVIL)
        reply = client.reply()
        assert reply.code == 550 and reply.text.startswith("5.6.0"), reply
        try:  # nothing in the content was taken for a command
            assert client.cmd("NOOP").code == 250
            assert client.cmd("DATA").code == 503
        except Closed as closed:
            raise AssertionError("the session should go on") from closed
    assert mail.delivered("victim") == [] and mail.delivered(user) == [] and mail.queue() == []


@pytest.mark.parametrize("line", [b"NOOP\nNOOP\r\n", b"NOOP\rNOOP\r\n", b"NO\0OP\r\n", b"MAIL FROM:<a@example.net>\nRCPT TO:<b@c>\r\n",
                                  b"EHLO a\rb\r\n"])
def test_bare_line_ends_in_commands(sealpost_shared, line):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.send(line)
        reply = client.reply()
        assert reply.code in (500, 501) and reply.text.startswith("5.5."), reply
        client.send(b"NOOP\r\n")
        assert client.reply().code == 250


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_line_that_ends_otherwise_is_no_command(sealpost_shared, end):
    """QUIT<LF> is not answered at all until a CRLF comes, and then refused."""
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.send(b"RSET" + end)
        client.socket.settimeout(0.5)
        with pytest.raises(OSError):
            reply = client.reply()
            assert reply.code == 500, reply
            raise OSError("refused at once, which is as good")
        client.socket.settimeout(20)
        client.send(b"\r\nNOOP\r\n")
        codes = {client.reply().code}
        if codes == {500}:
            codes.add(client.reply().code)
        assert 250 in codes


def test_smuggling_forms_are_kept_in_bdat_but_never_sent_by_data(sealpost, sink):
    """BDAT is binary-exact; a next hop without CHUNKING must not be handed a bare line end in DATA."""
    out = sink(extensions=["PIPELINING", "8BITMIME", "SIZE 0"])
    mail = sealpost().relay_to(out).start()
    content = b"Subject: outer\r\n\r\nbody\n.\r\nMAIL FROM:<evil@example.net>\r\n"
    with Client(mail.port) as client:
        client.ehlo()
        client.envelope("a@example.net", "user@elsewhere.example")
        client.send(b"BDAT %d LAST\r\n" % len(content) + content)
        reply = client.reply()
    if reply.code == 250:
        mail.wait_empty()
    commands = [command for session in out.sessions for command in session.commands]
    assert not any("evil" in command for command in commands), commands
    assert all(b"body\n" not in message.content for message in out.messages)
