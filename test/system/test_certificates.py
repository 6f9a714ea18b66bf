"""Certificates as an administrator changes them: nothing that is done here may stop mail."""
import datetime
import hashlib
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from harness import net
from harness.certs import Authority, trusting
from harness.smtp import Client, insecure

NAME = "mx.example.test"
MESSAGE = b"From: a@example.net\r\nSubject: still here\r\n\r\nMail goes on.\r\n"


def served(port, name=NAME):
    """The thumbprint that a stranger sees who asks for the name."""
    with Client(port) as client:
        client.ehlo()
        client.cmd("STARTTLS", 220)
        client.socket = insecure().wrap_socket(client.socket, server_hostname=name)
        return hashlib.sha1(client.socket.getpeercert(True)).hexdigest()


def thumbprint(pem):
    return x509.load_pem_x509_certificate(pem.read_bytes()).fingerprint(hashes.SHA1()).hex()


def certificates(mail):
    return {c["thumbprint"]: c for c in mail.json("cert", "list")["certificates"]}


def imported(mail, pem, *options):
    return mail.json("cert", "import", pem, *options)["thumbprint"]


def verified_mail(mail, authority, user):
    """One message from a client that verifies chain and name."""
    with Client(mail.port) as client:
        client.ehlo()
        client.starttls(trusting(authority.pem))
        client.ehlo()
        assert client.message("a@example.net", f"{user}@example.test", MESSAGE).code == 250
    mail.wait_delivered(user)


def other_authority(tmp_path, name="Second Root"):
    folder = tmp_path / name.replace(" ", "-")
    folder.mkdir()
    return Authority(folder, name)


@pytest.fixture
def mail(sealpost):
    return sealpost().internet(fqdn=NAME).start()


# ---- the three founding stories ----

def test_replaced_by_another_issuer_while_pinned_to_the_old_one(mail, authority, tmp_path):
    old = imported(mail, authority.issue(NAME, days=(-80, 60), file="old.pem"))
    subject = f"<I>CN=Test Root<S>CN={NAME}"
    mail.cli("receive-connector", "set", "internet", f"pin={subject}")
    assert served(mail.port) == old
    second = other_authority(tmp_path)
    new = imported(mail, second.issue(NAME, file="new.pem"))
    assert served(mail.port) == old  # the pin holds as long as what it names is usable
    said = mail.json("explain", "internet")
    assert said["pin-state"] == "held", said
    verdict = next(v for v in said["verdicts"] if v["thumbprint"] == new)
    assert not verdict["chosen"] and "pin" in verdict["reason"], verdict
    # The administrator removes the old one, as its time is over: in Exchange, STARTTLS would vanish now.
    answer = mail.json("cert", "remove", old, "--force")
    assert answer["thumbprint"] == old
    net.wait_for(lambda: served(mail.port) == new, 10, "the new certificate")
    verified_mail(mail, second, "pinned")
    assert mail.json("explain", "internet")["pin-state"] == "fell-back"
    doctor = mail.run("doctor", "--json").stdout
    assert "pin" in doctor


def test_fqdn_on_no_certificate(sealpost, authority):
    mail = sealpost().internet(fqdn="relay.example.test").start()
    first = served(mail.port)
    mx = imported(mail, authority.issue(NAME))
    mail.cli("cert", "remove", first, "--force")
    net.wait_for(lambda: served(mail.port) == mx, 10, "the stand-in")
    said = mail.json("explain", "internet")
    assert said["presents"]["thumbprint"] == mx and not said["presents"]["name-covered"]
    finding = next(f for f in said["findings"] if f["id"] == 12014)
    assert "sealpost cert request" in finding["remedy"] and "relay.example.test" in finding["remedy"]
    text = mail.cli("explain", "internet")
    assert "no usable certificate covers relay.example.test" in text and "remedy" in text
    with Client(mail.port) as client:
        assert client.ehlo().has("STARTTLS")
        client.starttls()
        client.ehlo()
        assert client.message("a@example.net", "name@example.test", MESSAGE).code == 250
    relay = imported(mail, authority.issue("relay.example.test"))
    net.wait_for(lambda: served(mail.port, "relay.example.test") == relay, 10, "the certificate for the name")
    assert not [f for f in mail.json("explain", "internet")["findings"] if f["id"] == 12014]


def test_matching_certificate_that_is_not_enabled(mail, authority):
    before = served(mail.port)
    quiet = imported(mail, authority.issue(NAME), "--services", "http")
    assert served(mail.port) == before
    verdict = next(v for v in mail.json("explain", "internet")["verdicts"] if v["thumbprint"] == quiet)
    assert "not enabled" in verdict["reason"], verdict
    listed = certificates(mail)[quiet]
    assert listed["services"] == ["http"] and not listed["used-by"]
    mail.cli("cert", "enable", quiet[:8], "--services", "smtp")
    net.wait_for(lambda: served(mail.port) == quiet, 10, "the enabled certificate")
    verified_mail(mail, authority, "enabled")
    assert certificates(mail)[quiet]["services"] == ["smtp", "http"]


# ---- changes are planned ----

def test_removal_that_would_hurt_is_refused(mail, authority):
    first = served(mail.port)
    good = imported(mail, authority.issue(NAME))
    mail.cli("cert", "remove", first)
    done = mail.run("cert", "remove", good[:10])
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "refused" in said and "internet" in said and "->" in said, said
    assert "--force" in said
    assert served(mail.port) == good
    answer = mail.json("cert", "remove", good, status=1)
    assert answer["error"]["code"] == "refused" and answer["plan"]["refused"]
    assert answer["plan"]["connectors"][0]["effect"] in ("worse", "broken")


def test_dry_run_changes_nothing(mail, authority):
    pem = authority.issue(NAME)
    before = certificates(mail)
    answer = mail.json("cert", "import", pem, "--dry-run")
    assert answer["dry-run"] and answer["plan"]["connectors"][0]["effect"] in ("better", "different")
    assert answer["plan"]["connectors"][0]["after"]["thumbprint"] == thumbprint(pem)
    assert certificates(mail) == before
    kept = imported(mail, pem)
    assert "nothing was changed" in mail.cli("cert", "disable", kept, "--dry-run", "--force")
    assert served(mail.port) == kept


def test_force_is_recorded(mail, authority):
    only = imported(mail, authority.issue(NAME))
    for other in set(certificates(mail)) - {only}:
        mail.cli("cert", "remove", other)
    mail.cli("cert", "disable", only, status=1)
    assert mail.json("cert", "disable", only, "--force")["forced"]
    events = [e for e in mail.events() if only in e["subject"] and "--force" in e["text"]]
    assert events and events[-1]["level"] == "warning" and events[-1]["remedy"], mail.events()
    assert not certificates(mail)[only]["services"]


def test_name_and_notes(mail):
    own = served(mail.port)
    mail.cli("cert", "set", own, "--friendly-name", "the first", "--notes", "made by the daemon")
    listed = certificates(mail)[own]
    assert (listed["friendly-name"], listed["notes"]) == ("the first", "made by the daemon")
    mail.restart()
    assert certificates(mail)[own]["friendly-name"] == "the first"


# ---- forms ----

def test_import_of_pkcs12(mail, authority, tmp_path):
    pem = authority.issue(NAME)
    leaf = x509.load_pem_x509_certificate(pem.read_bytes())
    key = serialization.load_pem_private_key(pem.read_bytes(), None)
    bundle = tmp_path / "bundle.pfx"
    bundle.write_bytes(pkcs12.serialize_key_and_certificates(b"front", key, leaf, [authority.certificate],
                                                             serialization.BestAvailableEncryption(b"open sesame")))
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.write_text("nonsense\n")
    right.write_text("open sesame\n")
    mail.cli("cert", "import", bundle, "--passphrase-file", wrong, status=1)
    assert imported(mail, bundle, "--passphrase-file", right) == thumbprint(pem)
    assert served(mail.port) == thumbprint(pem)
    verified_mail(mail, authority, "pfx")
    assert "open sesame" not in mail.log.read_text()


def test_certificate_without_its_key_is_refused(mail, authority, tmp_path):
    alone = tmp_path / "alone.pem"
    alone.write_bytes(x509.load_pem_x509_certificate(authority.issue(NAME).read_bytes())
                      .public_bytes(serialization.Encoding.PEM))
    done = mail.run("cert", "import", alone)
    assert done.returncode == 1 and "key" in done.stderr
    assert len(certificates(mail)) == 1


def sign(authority, csr_pem, path):
    """As an authority in another house does it."""
    csr = x509.load_pem_x509_csr(csr_pem.encode())
    assert csr.is_signature_valid
    now = datetime.datetime.utcnow()
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    leaf = (x509.CertificateBuilder().subject_name(csr.subject).issuer_name(authority.certificate.subject)
            .public_key(csr.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=90))
            .add_extension(names, False).sign(authority.key, hashes.SHA256()))
    path.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    return names.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_request_sign_complete(mail, authority, tmp_path, kind):
    csr = mail.cli("cert", "request", "--add", "mail.example.test", "--key", kind)
    pending = mail.json("cert", "requests")["requests"]
    assert len(pending) == 1 and pending[0]["status"] == "pending"
    assert mail.cli("cert", "requests", pending[0]["id"][:6]) == csr
    signed = tmp_path / "signed.pem"
    assert sign(authority, csr, signed) == [NAME, "mail.example.test"]
    mail.restart()  # the key waits on the disk
    answer = mail.json("cert", "complete", signed)
    assert answer["thumbprint"] == thumbprint(signed) and answer["certificate"]["source"] == "request"
    net.wait_for(lambda: served(mail.port) == thumbprint(signed), 10, "the completed certificate")
    verified_mail(mail, authority, "completed")
    net.wait_for(lambda: not mail.json("cert", "requests")["requests"], 10, "the end of the request")


def in_memory(pid, secret):
    """Whether the process has it in any memory that it can write to, freed or not."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            place, mode, _, _, _, *name = line.split()
            begin, end = (int(part, 16) for part in place.split("-"))
            if not mode.startswith("rw") or end - begin > 1 << 28 or name[:1] in (["[vvar]"], ["[vsyscall]"]):
                continue  # the shadow of a sanitizer holds no text
            try:
                memory.seek(begin)
                if secret in memory.read(end - begin):
                    return True
            except OSError:
                continue
    return False


def test_passphrases_are_forgotten(mail, authority, tmp_path):
    own = imported(mail, authority.issue(NAME))
    secret, file = tmp_path / "secret", tmp_path / "out.p12"
    secret.write_text("correct-horse-battery-staple\n")
    mail.cli("cert", "export", own, "--pkcs12", "--passphrase-file", secret, "--output", file)
    mail.run("cert", "import", file, "--passphrase-file", secret)  # it is there already, and was read all the same
    mail.json("status")
    assert in_memory(mail.process.pid, NAME.encode())  # what is looked for is found
    assert not in_memory(mail.process.pid, secret.read_bytes().strip())


def test_names_in_the_common_name_only(mail, tmp_path):
    pem, key = tmp_path / "cn.pem", tmp_path / "cn.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=old.example.test", "-keyout", key,
                    "-out", pem], check=True, capture_output=True, timeout=30)
    own = imported(mail, pem, key)
    assert certificates(mail)[own]["names-from-cn"] and "old.example.test (CN only)" in mail.cli("cert", "list")
    assert "sealpost cert request old.example.test" in mail.cli("cert", "show", own)


def test_complete_wants_a_request(mail, authority):
    """What nobody asked for is not taken for the answer to a request that goes on waiting."""
    stranger = authority.issue(NAME)
    refused = mail.run("cert", "complete", stranger)
    assert refused.returncode == 1 and thumbprint(stranger) in refused.stderr, refused
    assert "none is pending" in refused.stderr and "sealpost cert import" in refused.stderr, refused
    mail.cli("cert", "request")
    pending = mail.json("cert", "requests")["requests"][0]
    refused = mail.run("cert", "complete", stranger, "--dry-run")
    assert refused.returncode == 1 and pending["id"] in refused.stderr and NAME in refused.stderr, refused
    assert thumbprint(stranger) not in certificates(mail)
    mail.cli("cert", "import", stranger)
    assert [r["id"] for r in mail.json("cert", "requests")["requests"]] == [pending["id"]]


def test_request_with_the_existing_key_and_giving_up(mail, authority):
    own = imported(mail, authority.issue(NAME))
    csr = x509.load_pem_x509_csr(mail.cli("cert", "request", "--renew", own, "--existing", own).encode())
    spki = csr.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert hashlib.sha256(spki).hexdigest() == certificates(mail)[own]["spki"]
    mail.cli("cert", "requests", mail.json("cert", "requests")["requests"][0]["id"], "--remove")
    assert not mail.json("cert", "requests")["requests"]
    assert served(mail.port) == own


def test_export(mail, authority, tmp_path):
    pem = authority.issue(NAME)
    own = imported(mail, pem)
    chain = mail.cli("cert", "export", own)
    assert "PRIVATE KEY" not in chain and chain.count("BEGIN CERTIFICATE") == 2
    secret, file = tmp_path / "secret", tmp_path / "out.p12"
    secret.write_text("sesame\n")
    mail.cli("cert", "export", own, "--pkcs12", "--passphrase-file", secret, "--output", file)
    assert file.stat().st_mode & 0o077 == 0
    key, leaf, more = pkcs12.load_key_and_certificates(file.read_bytes(), b"sesame")
    assert leaf.fingerprint(hashes.SHA1()).hex() == own and len(more) == 1
    assert key.public_key().public_numbers() == leaf.public_key().public_numbers()
    mail.cli("cert", "export", own, "--pkcs12", "--passphrase-file", secret, "--output", file, status=1)


def test_half_written_file_outlives_a_restart(sealpost, authority, tmp_path):
    """A renewal that stopped half way, and then the machine was restarted: what the file held last still serves."""
    folder = tmp_path / "folder"
    folder.mkdir()
    certificate, key = folder / "a.crt", folder / "a.key"

    def write(pem, *, certificate_only=False):
        text = pem.read_bytes()
        cut = text.index(b"-----BEGIN PRIVATE KEY")
        end = text.index(b"-----END PRIVATE KEY-----") + len(b"-----END PRIVATE KEY-----\n")
        certificate.write_bytes(text[:cut] + text[end:])
        if not certificate_only:
            key.write_bytes(text[cut:end])
            key.chmod(0o600)

    first, second = authority.issue(NAME, file="first.pem"), authority.issue(NAME, file="second.pem")
    write(first)
    mail = sealpost(certificates={"directory": str(folder)}).internet(fqdn=NAME).start()
    kept = mail.data / "certificates" / "kept"
    assert served(mail.port) == thumbprint(first)
    assert {p.stat().st_mode & 0o777 for p in kept.iterdir()} == {0o600} and kept.stat().st_mode & 0o077 == 0
    write(second, certificate_only=True)
    for torn in (certificate.read_bytes(), b"-----BEGIN CERTIFICATE-----\nMIIB"):
        certificate.write_bytes(torn)
        mail.restart()
        assert served(mail.port) == thumbprint(first)
        assert mail.wait_event("certificate-file-broken")[0]["subject"] == str(certificate)
        verified_mail(mail, authority, "torn")
        mail.restart()  # and once more: it is not forgotten by having been needed
        assert served(mail.port) == thumbprint(first)
    offline = mail.json("cert", "list", "--config", mail.file)["certificates"]
    assert thumbprint(first) in [c["thumbprint"] for c in offline]
    write(second)
    mail.restart()
    assert served(mail.port) == thumbprint(second)
    assert {p.name.split(".")[0] for p in kept.iterdir()} == {thumbprint(second)}
    certificate.unlink()
    key.unlink()
    mail.restart()
    assert not list(kept.iterdir()) and thumbprint(second) not in certificates(mail)


# ---- questions ----

def test_what_if(mail, authority):
    own = imported(mail, authority.issue(NAME, days=(-1, 30)))
    late = (datetime.datetime.utcnow() + datetime.timedelta(days=60)).strftime("%Y-%m-%d")
    said = mail.json("explain", "internet", "--at", late)
    verdict = next(v for v in said["verdicts"] if v["thumbprint"] == own)
    assert verdict["expired"]
    assert mail.json("explain", "internet", "--if-removed", own)["change"]["effect"] == "worse"
    newer = authority.issue(NAME, days=(0, 90), file="newer.pem")
    said = mail.json("explain", "internet", "--if-imported", newer)
    assert said["presents"]["thumbprint"] == thumbprint(newer)
    assert served(mail.port) == own and thumbprint(newer) not in certificates(mail)
    mail.cli("explain", "nobody", status=1)
    mail.cli("explain", "internet", "--at", "yesterday", status=2)


def test_send_connectors_are_explained(mail, authority):
    own = imported(mail, authority.issue("client.test"), "--services", "client")
    files = ("--config", mail.file)
    mail.cli("send-connector", "new", "out", "address-spaces=[partner.test]", f"tls-certificate={own}")
    said = mail.json("explain", "out")
    assert said["kind"] == "send" and said["presents"]["thumbprint"] == own and not said["findings"]
    mail.file.write_text(mail.cli("config", "export"))
    assert {**mail.json("explain", "out", *files), "at": None} == {**said, "at": None}
    text = mail.cli("explain", "out")
    assert f"send connector out presents {own[:4]} {own[4:8]}" in text, text
    mail.cli("cert", "disable", own, "--services", "client", "--force")
    text = mail.cli("explain", "out")
    assert "presents no client certificate" in text and f"sealpost cert enable {own} --services client" in text, text
    everything = mail.json("explain")["connectors"]
    assert {(c["kind"], c["connector"]) for c in everything} >= {("receive", "internet"), ("send", "out")}
    text = mail.cli("explain")
    assert "connector internet (" in text and "send connector out " in text, text
    assert mail.json("explain", "internet", "--if-removed", own)["change"]["effect"] == "same"


def test_thumbprints_are_found_by_their_head(mail):
    own = served(mail.port)
    assert mail.json("cert", "show", own[:4])["thumbprint"] == own
    assert mail.json("cert", "show", f"{own[:2]}:{own[2:4]} {own[4:8]}".upper())["thumbprint"] == own
    mail.cli("cert", "show", own[:3], status=1)
    mail.cli("cert", "show", "0" * 40, status=1)


def test_the_same_without_a_daemon(mail, authority):
    imported(mail, authority.issue(NAME))
    mail.cli("cert", "request")
    files = ("--config", mail.file)
    listed, explained = mail.json("cert", "list"), mail.json("explain", "internet")
    assert mail.json("cert", "list", *files) == listed
    mail.stop()
    offline = mail.json("explain", "internet", *files)
    assert {**offline, "at": None} == {**explained, "at": None}
    assert mail.json("cert", "list", *files) == listed
    assert mail.run("doctor", *files).returncode == 0
    mail.cli("cert", "remove", "0000", status=3)


def test_doctor_mends_what_is_safe(mail, authority):
    quiet = imported(mail, authority.issue(NAME), "--services", "http")
    for other in set(certificates(mail)) - {quiet}:
        mail.cli("cert", "remove", other, "--force")
    done = mail.run("doctor", "--json")
    assert done.returncode == 1 and quiet in done.stdout, done
    done = mail.run("doctor", "--fix")
    assert done.returncode == 0 and f"will run: sealpost cert enable {quiet}" in done.stdout, done
    assert served(mail.port) == quiet


def test_sentinel(mail, authority):
    own = imported(mail, authority.issue(NAME))
    looked = mail.json("sentinel")
    assert looked["listeners"] and {seen["thumbprint"] for seen in looked["listeners"] if seen["handshake"]} == {own}


def test_rotation_leaves_sessions_alone(mail, authority):
    with Client(mail.port) as client:
        client.ehlo()
        client.starttls()
        client.ehlo()
        new = imported(mail, authority.issue(NAME))
        assert served(mail.port) == new
        assert client.message("a@example.net", "session@example.test", MESSAGE).code == 250


def test_two_kinds_of_key_side_by_side(mail, authority, tmp_path):
    ecdsa = imported(mail, authority.issue(NAME))
    signed = tmp_path / "rsa.pem"
    sign(authority, mail.cli("cert", "request", "--key", "rsa2048"), signed)
    mail.cli("cert", "complete", signed)
    seen = set()
    for algorithms in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(authority.pem)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(algorithms)
        with Client(mail.port) as client:
            client.ehlo()
            client.starttls(context)
            seen.add(hashlib.sha1(client.socket.getpeercert(True)).hexdigest())
    assert seen == {ecdsa, thumbprint(signed)}
    assert all(certificates(mail)[t]["status"] == "active" for t in seen)
