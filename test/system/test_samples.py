"""Real messages arrive byte for byte: the e-mail samples of Python's own test suite, some of them malformed on purpose."""
import pathlib

import pytest
from harness.smtp import Client
from test_receive import lf, original

FOLDERS = [pathlib.Path("/usr/lib/python3.11/test/test_email/data")]
FILES = [file for folder in FOLDERS if folder.is_dir() for file in sorted(folder.glob("msg_*.txt"))]


def as_sent(file):
    """With CRLF, as a client sends it; bare CRs that a sample may hold become part of a line end."""
    content = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return content if content.endswith(b"\r\n") else content + b"\r\n"


@pytest.mark.bounded(240)
@pytest.mark.skipif(not FILES, reason="the samples are not installed (Debian package libpython3.11-testsuite)")
def test_samples_by_data_and_bdat_into_a_maildir_and_to_a_next_hop(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out).start()
    with Client(mail.port) as client:
        client.ehlo()
        for n, file in enumerate(FILES):
            content = as_sent(file)
            recipients = [f"m{n}@example.test", f"m{n}@elsewhere.example"]
            if n % 2:
                client.envelope("a@example.net", *recipients, params=" BODY=8BITMIME")
                client.send(b"BDAT %d LAST\r\n" % len(content) + content)
                reply = client.reply()
            else:
                reply = client.message("a@example.net", recipients, content, " BODY=8BITMIME")
            assert reply.code == 250, f"{file.name}: {reply}"
    out.wait(len(FILES), 60)
    relayed = {message.recipients[0]: message.content for message in out.messages}
    for n, file in enumerate(FILES):
        content = as_sent(file)
        assert original(mail.wait_delivered(f"m{n}")[0]) == lf(content), file.name
        assert relayed[f"m{n}@elsewhere.example"].endswith(content), file.name
    mail.wait_empty()
