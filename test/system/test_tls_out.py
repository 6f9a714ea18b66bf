"""TLS on the way out: used where it is offered, given up only where the connector says so."""
import ssl
import warnings

import pytest
from harness.certs import server_context
from harness.send import send
from test_relay import RETRY


@pytest.fixture
def chain(authority):
    return authority.issue("sink.example.net", "127.0.0.1")


def attempts(mail):
    (message,) = mail.wait_queue(lambda queue: queue and queue[0]["recipients"][0]["attempts"] > 0)
    return message["recipients"][0]["last-reply"]


@pytest.mark.parametrize("tls", ["opportunistic", "required"])
def test_starttls_is_used(sealpost, sink, chain, tls):
    out = sink(tls=server_context(chain))
    mail = sealpost().relay_to(out, tls=tls).start()
    number = send(mail)
    (message,) = out.wait()
    assert message.tls == "TLSv1.3"
    mail.wait_empty()
    assert "TLSv1.3" in [r for r in mail.track("--id", number) if r["event"] == "SEND"][0]["tls"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed(sealpost, sink, chain, version):
    context = server_context(chain)
    context.maximum_version = version
    out = sink(tls=context)
    mail = sealpost().relay_to(out, tls="required", max_messages_per_connection=1).start()
    for count in (1, 2, 3):
        send(mail)
        out.wait(count)
        mail.wait_empty()
    assert [session.tls_resumed for session in out.sessions] == [False, True, True]


def test_off(sealpost, sink, chain):
    out = sink(tls=server_context(chain))
    mail = sealpost().relay_to(out, tls="off").start()
    send(mail)
    assert out.wait()[0].tls is None


def test_implicit(sealpost, sink, chain):
    out = sink(tls=server_context(chain), implicit_tls=True)
    mail = sealpost().relay_to(out, tls="implicit").start()
    send(mail)
    assert out.wait()[0].tls == "TLSv1.3"


def test_opportunistic_without_an_offer(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out, tls="opportunistic").start()
    number = send(mail)
    assert out.wait()[0].tls is None
    mail.wait_empty()
    assert [r for r in mail.track("--id", number) if r["event"] == "SEND"][0]["tls"].startswith("none")


def broken_context(chain):
    """A server that speaks nothing newer than TLS 1.1."""
    context = server_context(chain)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def test_opportunistic_falls_back_and_says_why(sealpost, sink, chain):
    out = sink(tls=broken_context(chain))
    mail = sealpost().relay_to(out, tls="opportunistic", retry=RETRY).start()
    number = send(mail)
    (message,) = out.wait(1, 15)
    assert message.tls is None
    assert any(session.tls_error for session in out.sessions), "TLS was not tried"
    mail.wait_empty()
    tls = [r for r in mail.track("--id", number) if r["event"] == "SEND"][0]["tls"]
    assert tls.startswith("none: ") and len(tls) > 10, tls


def test_opportunistic_after_a_refused_starttls(sealpost, sink, chain):
    out = sink(tls=server_context(chain), replies={"STARTTLS": "454 4.7.0 TLS not available"})
    mail = sealpost().relay_to(out, tls="opportunistic", retry=RETRY).start()
    send(mail)
    assert out.wait(1, 15)[0].tls is None


@pytest.mark.parametrize("fault", ["no offer", "refused", "handshake"])
def test_required_never_falls_back(sealpost, sink, chain, fault):
    contexts = {"no offer": None, "refused": server_context(chain), "handshake": broken_context(chain)}
    out = sink(tls=contexts[fault], replies={"STARTTLS": "454 4.7.0 no"} if fault == "refused" else {})
    mail = sealpost().relay_to(out, tls="required", retry=RETRY).start()
    send(mail)
    assert "4.7." in attempts(mail)
    mail.wait_queue(lambda queue: queue[0]["recipients"][0]["attempts"] > 2)
    assert not out.messages
    assert not any(command.startswith(("MAIL", "RCPT")) for session in out.sessions for command in session.commands)


@pytest.mark.parametrize("verify,names,works", [("encrypt", ["wrong.example"], True), ("chain", ["wrong.example"], True),
                                                ("name", ["wrong.example"], False), ("name", ["127.0.0.1"], True)])
def test_verification(sealpost, sink, authority, verify, names, works):
    out = sink(tls=server_context(authority.issue(*names, file=f"verify-{names[0]}.pem")))
    mail = sealpost().relay_to(out, tls="required", tls_verify=verify, tls_trust_file=str(authority.pem), retry=RETRY).start()
    send(mail)
    if works:
        assert out.wait()[0].tls
    else:
        assert "4.7.5" in attempts(mail)
        assert not out.messages


def test_verification_of_a_stated_name(sealpost, sink, authority):
    out = sink(tls=server_context(authority.issue("mail.partner.example")))
    mail = sealpost().relay_to(out, tls="required", tls_verify="name", tls_verify_domain="mail.partner.example",
                               tls_trust_file=str(authority.pem)).start()
    send(mail)
    assert out.wait()[0].tls


def test_unknown_authority_is_not_trusted(sealpost, sink, chain):
    out = sink(tls=server_context(chain))
    mail = sealpost().relay_to(out, tls="required", tls_verify="chain", retry=RETRY).start()
    send(mail)
    assert "4.7.5" in attempts(mail)
    assert not out.messages


def test_ehlo_again_after_starttls(sealpost, sink, chain):
    out = sink(tls=server_context(chain))
    mail = sealpost().relay_to(out, tls="required").start()
    send(mail)
    out.wait()
    verbs = [command.split()[0] for command in out.sessions[0].commands]
    assert verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]
