"""TLS on the way in."""
import signal
import smtplib
import socket
import ssl
import subprocess

import pytest
from harness import net
from harness.certs import trusting
from harness.peers import need
from harness.smtp import Client, insecure

MESSAGE = b"From: a@example.net\r\nSubject: tls\r\n\r\nIt works.\r\n"


def served(port):
    """The certificate that a stranger sees, as DER."""
    with Client(port) as client:
        client.ehlo()
        client.starttls()
        return client.socket.getpeercert(True)


def test_smtplib_starttls(sealpost):
    mail = sealpost().start()
    with smtplib.SMTP("127.0.0.1", mail.port, "client.example.net") as client:
        client.starttls(context=insecure())
        client.sendmail("a@example.net", ["user@example.test"], MESSAGE)
    received = mail.wait_delivered("user")[0]
    assert b"with ESMTPS" in received and b"TLSv1.3" in received


def test_session_starts_anew_after_starttls(sealpost_shared):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<a@example.net>", 250)
        client.cmd("RSET", 250)
        client.starttls()
        assert client.cmd("MAIL FROM:<a@example.net>").code == 503  # RFC 3207 section 4.2: EHLO again
        reply = client.ehlo()
        assert not reply.has("STARTTLS")
        assert client.cmd("STARTTLS").code == 503
        client.cmd("MAIL FROM:<a@example.net>", 250)


def test_plaintext_behind_starttls_is_an_attack(sealpost_shared):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.send(b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n")
        assert client.reply().code == 554
        assert client.is_closed()


def test_starttls_with_a_parameter(sealpost_shared):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        assert client.cmd("STARTTLS now").code == 501


def test_broken_handshake_ends_the_session_only(sealpost_shared):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.cmd("STARTTLS", 220)
        client.send(b"this is no handshake\r\n" * 10)
        assert client.is_closed()
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.starttls()
        client.ehlo()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version,works", [(ssl.TLSVersion.TLSv1_3, True), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)])
def test_versions(sealpost_shared, version, works):
    context = insecure()
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.maximum_version = version
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        if works:
            client.starttls(context)
            client.ehlo()
        else:
            with pytest.raises((ssl.SSLError, OSError)):
                client.starttls(context)


def test_sessions_are_resumed(sealpost_shared):
    context = insecure()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for expected in (False, True):
        with Client(sealpost_shared.port) as client:
            client.ehlo()
            client.cmd("STARTTLS", 220)
            client.socket = context.wrap_socket(client.socket, server_hostname="mx.example.test", session=session)
            client.ehlo()
            assert client.socket.session_reused == expected
            session = client.socket.session


def test_required(sealpost):
    mail = sealpost().internet(tls="required").start()
    with Client(mail.port) as client:
        client.ehlo()
        reply = client.cmd("MAIL FROM:<a@example.net>")
        assert reply.code == 530 and reply.text.startswith("5.7.0"), reply
        client.starttls()
        client.ehlo()
        assert client.message("a@example.net", "user@example.test", MESSAGE).code == 250


def test_off(sealpost):
    mail = sealpost().internet(tls="off").start()
    with Client(mail.port) as client:
        assert not client.ehlo().has("STARTTLS")
        reply = client.cmd("STARTTLS")
        assert reply.code == 502 and reply.text.startswith("5.5.1"), reply


def test_implicit(sealpost):
    mail = sealpost().internet(tls="implicit").start()
    with Client(mail.port, tls=insecure()) as client:
        assert not client.ehlo().has("STARTTLS")
        assert client.message("a@example.net", "user@example.test", MESSAGE).code == 250
    assert b"with ESMTPS" in mail.wait_delivered("user")[0]


def test_imported_certificate_is_chosen_by_name(sealpost, authority):
    mail = sealpost().start()
    before = served(mail.port)
    mail.json("cert", "import", authority.issue("mx.example.test"))
    net.wait_for(lambda: served(mail.port) != before, 10, "the imported certificate")
    with Client(mail.port) as client:
        client.ehlo()
        client.starttls(trusting(authority.pem))  # chain and name are good
        client.ehlo()
    listed = mail.json("cert", "list")
    certificates = listed["certificates"] if isinstance(listed, dict) else listed
    assert len(certificates) == 2
    mail.restart()
    assert served(mail.port) != before


def test_certificate_that_covers_another_name_is_not_preferred(sealpost, authority):
    mail = sealpost().start()
    before = served(mail.port)
    mail.run("cert", "import", str(authority.issue("other.example.test")))
    assert served(mail.port) == before


def test_sclient(sealpost_shared):
    done = subprocess.run([need("openssl", "openssl"), "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{sealpost_shared.port}",
                           "-brief", "-ign_eof"], input="EHLO c.example\r\nNOOP\r\nQUIT\r\n", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    assert "TLSv1.3" in done.stdout and "221" in done.stdout, done.stdout


def test_renegotiation_is_refused(sealpost_shared):
    done = subprocess.run([need("openssl", "openssl"), "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{sealpost_shared.port}",
                           "-tls1_2"], input="R\nR\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    assert "Secure Renegotiation IS supported" in done.stdout
    assert "no renegotiation" in done.stdout or "handshake failure" in done.stdout or "unexpected" in done.stdout.lower() \
        or done.returncode != 0, done.stdout[-600:]


def test_swaks(sealpost):
    mail = sealpost().start()
    done = subprocess.run([need("swaks", "swaks"), "--server", f"127.0.0.1:{mail.port}", "--tls", "--from", "a@example.net",
                           "--to", "user@example.test", "--ehlo", "client.example.net", "--body", "from swaks"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert b"from swaks" in mail.wait_delivered("user")[0]


def test_curl_as_the_demonstration_says(sealpost):
    mail = sealpost().start()
    done = subprocess.run([need("curl", "curl"), "-sS", f"smtp://127.0.0.1:{mail.port}", "--ssl-reqd", "--insecure", "--mail-from",
                           "you@example.test", "--mail-rcpt", "hello@example.test", "-T", "-"],
                          input="Subject: hello\r\n\r\nIt works.\r\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert b"It works." in mail.wait_delivered("hello")[0]


def test_handshake_that_never_comes_is_bounded(sealpost):
    mail = sealpost().internet(**{"idle-timeout": "1s"}).start()
    with Client(mail.port) as client:
        client.ehlo()
        client.cmd("STARTTLS", 220)
        client.socket.settimeout(10)
        assert client.socket.recv(10) == b""


def test_client_that_is_gone_in_the_handshake(sealpost_shared):
    for _ in range(5):
        with Client(sealpost_shared.port) as client:
            client.ehlo()
            client.cmd("STARTTLS", 220)
            client.send(b"\x16\x03\x01\x02\x00\x01\x00")
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with Client(sealpost_shared.port) as client:
        client.ehlo()


def test_half_written_renewal_changes_nothing(sealpost, authority):
    """A file with the new certificate and the old key, or half of one, and a reload: what served serves on, and it is said."""
    mail = sealpost()
    folder = mail.folder / "certificates"
    folder.mkdir()
    mail.document["certificates"] = {"directory": str(folder)}
    good = authority.issue("mx.example.test").read_bytes()
    newer = authority.issue("mx.example.test", days=(0, 90)).read_bytes()
    key = good.index(b"-----BEGIN PRIVATE KEY")
    (folder / "mail.pem").write_bytes(good)
    mail.start()
    before = served(mail.port)
    for wrong in (newer[:newer.index(b"-----BEGIN PRIVATE KEY")] + good[key:], newer[:300], b""):
        reloads = len(mail.log_lines("event=reloaded"))
        (folder / "mail.pem").write_bytes(wrong)
        mail.process.send_signal(signal.SIGHUP)
        net.wait_for(lambda: len(mail.log_lines("event=reloaded")) > reloads, 10, "the reload")
        assert served(mail.port) == before, wrong[:60]
    (folder / "mail.pem").write_bytes(newer)
    mail.process.send_signal(signal.SIGHUP)
    net.wait_for(lambda: served(mail.port) not in (before,), 10, "the whole renewal")
