"""Certificates by ACME: uacme and Pebble on loopback, with http-01 really asked for."""
import base64
import datetime
import json
import socket
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtensionOID
from harness import net
from harness.acme import NAMES, Pebble, RenewalInfo
from harness.smtp import Client


@pytest.fixture
def names(dns):
    return dns({f"{name} A": ["127.0.0.1"] for name in NAMES})


def served(mail):
    with Client(mail.port) as client:
        client.ehlo()
        client.starttls()
        return x509.load_der_x509_certificate(client.socket.getpeercert(True))


def alternatives(certificate):
    return certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value.get_values_for_type(x509.DNSName)


def is_of_pebble(certificate):
    return "Pebble" in certificate.issuer.rfc4514_string()


def events(mail, number):
    return [event for event in mail.events() if event["id"] == number]


def wait_issued(mail, seconds=40):
    def issued():
        assert not events(mail, 50032), events(mail, 50032)
        certificate = served(mail)
        return certificate if is_of_pebble(certificate) else None
    return net.wait_for(issued, seconds, lambda: f"a certificate of Pebble; {said(mail)}", step=0.3)


def said(mail):
    return "\n".join(line for line in mail.tail(500).splitlines() if "session-ended" not in line)


def public_key(certificate):
    return certificate.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_first_certificate(sealpost, peer, authority, names):
    pebble = peer(Pebble, authority, names)
    mail = sealpost(certificates={"acme": pebble.conf(authority)}).start()
    certificate = wait_issued(mail)
    assert sorted(alternatives(certificate)) == sorted(NAMES)
    assert mail.process.poll() is None  # it was not started again
    assert len(mail.log_lines("acme-challenge-asked")) >= len(NAMES), said(mail)
    assert any(f"{NAMES[0]} A" in asked for asked in names.asked)
    assert [event["level"] for event in events(mail, 50030)] == ["info"]
    assert net.wait_for(lambda: events(mail, 50031), 10, "the event")
    assert not net.listens(pebble.http_port)  # only while a challenge is open
    for path in (mail.data / "acme").rglob("*"):
        assert path.is_dir() or path.stat().st_mode & 0o077 == 0, path
    assert not list((mail.data / "acme" / "challenges").iterdir())


def test_state_survives_a_restart(sealpost, peer, authority, names):
    pebble = peer(Pebble, authority, names)
    mail = sealpost(certificates={"acme": pebble.conf(authority)}).start()
    first = wait_issued(mail)
    net.wait_for(lambda: events(mail, 50031), 10, "the event")
    mail.restart()
    assert served(mail) == first
    assert len(events(mail, 50030)) == 1  # nothing is ordered again


@pytest.mark.bounded(150)
@pytest.mark.parametrize("reuse", [False, True])
def test_renewal_of_short_lives(sealpost, peer, authority, names, reuse):
    """Certificates of 40 seconds: the schedule renews them, and no stranger ever sees an expired one."""
    pebble = peer(Pebble, authority, names, validity=40)
    mail = sealpost(certificates={"acme": pebble.conf(authority, **{"reuse-key": reuse})}).start()
    seen = {}
    first = wait_issued(mail)

    def look():
        certificate = served(mail)
        assert certificate.not_valid_after > datetime.datetime.utcnow(), said(mail)
        seen[certificate.serial_number] = certificate
        return len(seen) >= 3
    net.wait_for(look, 110, lambda: f"two renewals; {said(mail)}", step=0.5)
    keys = {public_key(certificate) for certificate in seen.values()}
    assert len(keys) == (1 if reuse else 3)
    assert public_key(first) in keys
    assert len(events(mail, 50031)) >= 3 and not events(mail, 50032)


def rewrite_state(mail, **values):
    """The state of renewal as it would be at another time."""
    path = mail.data / "acme" / "state"
    lines = [line for line in path.read_text().splitlines() if line.partition("=")[0] not in values]
    path.write_text("\n".join([*lines, *(f"{key}={value}" for key, value in values.items())]) + "\n")


def ari_identifier(certificate):
    """RFC 9773 section 4.1."""
    key = certificate.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_KEY_IDENTIFIER).value.key_identifier
    serial = certificate.serial_number
    number = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (key, number))


def test_renewal_information_steers(sealpost, peer, authority, names, closing):
    pebble = peer(Pebble, authority, names)
    stub = RenewalInfo(authority, pebble)
    closing.keep(stub, stub.close)
    directory = f"https://127.0.0.1:{stub.port}/dir"
    mail = sealpost(certificates={"acme": pebble.conf(authority, directory=directory)}).start()
    first = wait_issued(mail)
    net.wait_for(lambda: f"/renewal/{ari_identifier(first)}" in stub.asked, 20, lambda: f"{stub.asked} {said(mail)}")
    net.wait_for(lambda: "window-start-ms" in (mail.data / "acme" / "state").read_text(), 10, "the window")
    assert served(mail) == first and len(events(mail, 50030)) == 1
    mail.stop()
    # A day later the authority wants all of them replaced.
    rewrite_state(mail, **{"last-ms": 0, "ari-next-ms": 0})
    stub.window = (-3, -2)
    time.sleep(1.1)  # of two that begin in the same second, either may be chosen
    mail.start()
    net.wait_for(lambda: served(mail) != first, 30, lambda: said(mail))
    # It goes on saying so, also for the new one; that is no reason to ask all day.
    second = served(mail)
    net.wait_for(lambda: f"/renewal/{ari_identifier(second)}" in stub.asked, 20, lambda: f"{stub.asked}")
    net.wait_for(lambda: len(events(mail, 50031)) == 2, 10, "the event")
    assert served(mail) == second and len(events(mail, 50030)) == 2


def test_renewal_on_demand(sealpost, peer, authority, names):
    pebble = peer(Pebble, authority, names)
    mail = sealpost(certificates={"acme": pebble.conf(authority)}).start()
    first = wait_issued(mail)
    net.wait_for(lambda: events(mail, 50031), 10, "the event")
    time.sleep(1)  # which one is newer is told by the second in which it begins
    mail.cli("cert", "renew")
    second = served(mail)
    assert is_of_pebble(second) and second != first
    assert len(mail.json("cert", "list")["certificates"]) >= 2  # the one before stays
    pebble.stop()
    assert mail.run("cert", "renew").returncode != 0
    assert served(mail) == second
    assert second.fingerprint(hashes.SHA1()).hex() in events(mail, 50032)[0]["consequence"]
    mail.restart()
    assert served(mail) == second and len(events(mail, 50032)) == 1  # it waits, also after a restart


def test_what_is_refused_waits(sealpost, peer, authority, names, tmp_path):
    """The plan refuses it: it is kept, tried again without another order, and taken as soon as it does no harm."""
    pebble = peer(Pebble, authority, names)
    folder = tmp_path / "folder"
    folder.mkdir()
    wildcard = folder / "wildcard.pem"
    wildcard.write_bytes(authority.issue("*.example.test", days=(-1, 80)).read_bytes())  # Pebble's last longer
    wildcard.chmod(0o600)
    # An exact name goes before a wildcard, but Pebble's chain leads nowhere here, and the wildcard's to a root.
    mail = sealpost(certificates={"acme": pebble.conf(authority), "directory": str(folder)}).internet(fqdn=NAMES[0]).start()
    assert mail.run("cert", "renew").returncode != 0  # the wildcard covers the names: nothing is due by itself
    event = events(mail, 50032)[0]
    waiting = mail.data / "acme" / "waiting.pem"
    assert "not put in force" in event["text"] and f"sealpost cert import {waiting} --force" in event["remedy"], event
    assert waiting.stat().st_mode & 0o777 == 0o600 and not is_of_pebble(served(mail))
    kept = waiting.read_bytes()
    pebble.stop()  # nothing can be ordered from now on
    assert mail.run("cert", "renew").returncode != 0
    assert "not put in force" in events(mail, 50032)[-1]["text"] and waiting.read_bytes() == kept
    waiting.write_bytes(kept[:len(kept) // 2])  # damaged: another has to be ordered, which is not possible now
    assert mail.run("cert", "renew").returncode != 0
    assert "not put in force" not in events(mail, 50032)[-1]["text"]
    waiting.write_bytes(kept)
    mail.document["certificates"].pop("directory")
    mail.restart()
    mail.run("cert", "renew")
    net.wait_for(lambda: is_of_pebble(served(mail)), 20, lambda: said(mail))
    assert served(mail) == x509.load_pem_x509_certificate(kept)
    assert not waiting.exists()


def test_external_account_binding(sealpost, peer, authority, names, tmp_path):
    secret = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    pebble = peer(Pebble, authority, names, bindings={"kid-1": secret})
    key = tmp_path / "eab"
    key.write_text(secret + "\n")
    key.chmod(0o600)
    conf = pebble.conf(authority, **{"eab-key-id": "kid-1", "eab-key-file": str(key)})
    mail = sealpost(certificates={"acme": conf}).start()
    wait_issued(mail)
    assert secret not in mail.log.read_text() and secret not in json.dumps(mail.events())


def test_external_account_binding_that_is_mended(sealpost, peer, authority, names, tmp_path):
    """A secret that others can read is not used; a wrong one is not held against the right one."""
    secret = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    pebble = peer(Pebble, authority, names, bindings={"kid-1": secret})
    key = tmp_path / "eab"
    key.write_text(secret[::-1] + "\n")
    key.chmod(0o644)
    conf = pebble.conf(authority, **{"eab-key-id": "kid-1", "eab-key-file": str(key)})
    mail = sealpost(certificates={"acme": conf}).start()
    event = net.wait_for(lambda: events(mail, 50032), 30, lambda: said(mail))[0]
    assert f"chmod 600 {key}" in event["remedy"] and "can be read by others" in event["text"], event
    key.chmod(0o600)
    assert mail.run("cert", "renew").returncode != 0  # the authority refuses it
    assert len(events(mail, 50032)) == 2 and not is_of_pebble(served(mail))
    key.write_text(secret + "\n")
    mail.cli("cert", "renew")
    assert is_of_pebble(served(mail))
    key.unlink()  # of use once
    mail.cli("cert", "renew")


def test_external_account_binding_is_missing(sealpost, peer, authority, names):
    pebble = peer(Pebble, authority, names, bindings={"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajV"})
    mail = sealpost(certificates={"acme": pebble.conf(authority)}).start()
    event = net.wait_for(lambda: events(mail, 50032), 30, lambda: said(mail))[0]
    assert "eab-key-id" in event["remedy"], event


def test_authority_is_down(sealpost, peer, authority, names):
    pebble = peer(Pebble, authority, names)
    conf = pebble.conf(authority)
    pebble.stop()
    mail = sealpost(certificates={"acme": conf}).start()
    before = served(mail)
    event = net.wait_for(lambda: events(mail, 50032), 30, lambda: said(mail))[0]
    assert "next attempt" in event["text"] and conf["directory"] in event["remedy"], event
    assert served(mail) == before  # the stand-in goes on
    with Client(mail.port) as client:
        client.ehlo()
        client.starttls()
        client.ehlo()
        assert client.message("a@example.net", "user@example.test", b"Subject: x\r\n\r\nx\r\n").code == 250


def test_name_that_is_not_ours(sealpost, peer, authority, dns):
    """http-01 is really asked: where the name leads elsewhere, nothing is issued."""
    pebble = peer(Pebble, authority, dns({f"{NAMES[0]} A": ["127.0.0.1"], f"{NAMES[1]} A": ["127.0.0.9"]}))
    mail = sealpost(certificates={"acme": pebble.conf(authority)}).start()
    event = net.wait_for(lambda: events(mail, 50032), 40, lambda: said(mail))[0]
    assert not is_of_pebble(served(mail))
    assert "port 80" in event["remedy"], event


def test_port_that_is_taken(sealpost, peer, authority, names, closing):
    pebble = peer(Pebble, authority, names)
    taken = closing.keep(socket.socket(), lambda: taken.close())
    taken.bind(("127.0.0.1", pebble.http_port))
    taken.listen()
    mail = sealpost(certificates={"acme": pebble.conf(authority)}).start()
    event = net.wait_for(lambda: events(mail, 50032), 20, lambda: said(mail))[0]
    assert "another program has it" in event["text"] and "http-bind" in event["remedy"], event


def test_authority_that_nobody_trusts(sealpost, peer, authority, names):
    pebble = peer(Pebble, authority, names)
    conf = pebble.conf(authority)
    del conf["trust-file"]
    mail = sealpost(certificates={"acme": conf}).start()
    net.wait_for(lambda: events(mail, 50032), 30, lambda: said(mail))
    assert not is_of_pebble(served(mail))


def test_dns_hook(sealpost, peer, authority, names, tmp_path):
    """dns-01: the user's program gets the challenge; here it writes a file that the test's name server reads."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "it's here"
    folder.mkdir()
    hook, said = folder / "hook", folder / "said"
    hook.write_text('#!/bin/sh\necho "$@" >>"$(dirname "$0")/said"\nsleep 1\n')
    hook.chmod(0o755)
    pebble = peer(Pebble, authority, names)

    class Records(dict):
        def get(self, key, default=None):
            for line in said.read_text().splitlines() if said.exists() else ():
                method, _, name, _, text = line.split()
                if method == "begin" and key == f"_acme-challenge.{name} TXT":
                    return [f'"{text}"']
            return super().get(key, default)
    names.records = Records(names.records)
    mail = sealpost(certificates={"acme": pebble.conf(authority, challenge="dns-01", **{"dns-hook": str(hook)})}).start()
    wait_issued(mail)
    methods = [line.split()[0] for line in said.read_text().splitlines()]
    assert methods.count("begin") == methods.count("done") == len(NAMES)
    assert {line.split()[1] for line in said.read_text().splitlines()} == {"dns-01"}
