"""Whatever octets a message has, in lines or in chunks: they arrive as they were sent, or are refused."""
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from harness.daemon import Sealpost
from harness.sink import Sink
from harness.smtp import Client

import pytest

SETTINGS = settings(max_examples=60, deadline=None, database=None, derandomize=True,
                    suppress_health_check=list(HealthCheck))
LINE = st.one_of(st.sampled_from([b"", b".", b"..", b".\x80", b"QUIT", b"Received: x", b" folded", b"From someone"]),
                 st.binary(max_size=40).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")),
                 st.integers(900, 20000).map(lambda n: b"y" * n))
CUTS = st.lists(st.integers(1, 4000), max_size=12)


@pytest.fixture(scope="module")
def relay():
    out = Sink()
    mail = Sealpost().relay_to(out).internet(**{"max-connection-rate": "unlimited"}).start()
    mail.out = out
    yield mail
    try:
        mail.stop()
    finally:
        out.close()
        mail.clean()


def pieces(data, cuts):
    at = 0
    for cut in cuts:
        yield data[at:at + cut]
        at += cut
    yield data[at:]


def arrived(relay, count, content):
    message = relay.out.wait(count + 1)[count]
    assert message.content.endswith(b"\r\n" + content) or message.content == content, (message.content, content)


@SETTINGS
@given(lines=st.lists(LINE, max_size=20), cuts=CUTS)
def test_lines_by_data(relay, lines, cuts):
    content = b"".join(line + b"\r\n" for line in lines)
    stuffed = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
    count = len(relay.out.messages)
    with Client(relay.port) as client:
        client.ehlo()
        client.envelope("a@example.net", "user@elsewhere.example", params=" BODY=8BITMIME")
        client.cmd("DATA", 354)
        for piece in pieces(stuffed + b".\r\n", cuts):
            client.send(piece)
        assert client.reply().code == 250
    arrived(relay, count, content)


@SETTINGS
@given(content=st.binary(max_size=5000), cuts=CUTS)
def test_octets_by_chunks(relay, content, cuts):
    count = len(relay.out.messages)
    with Client(relay.port) as client:
        client.ehlo()
        client.envelope("a@example.net", "user@elsewhere.example", params=" BODY=BINARYMIME")
        for piece in pieces(content, cuts):
            client.send(b"BDAT %d\r\n" % len(piece) + piece)
            assert client.reply().code == 250
        assert client.cmd("BDAT 0 LAST").code == 250
    arrived(relay, count, content)
