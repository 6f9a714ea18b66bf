"""`sealpost shell`: the published Exchange procedures, as they are written, on a daemon with real certificates, and what
they do on the wire."""
import datetime
import hashlib
import json
import os
import pty
import re
import select
import smtplib
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from harness import net
from harness.certs import Authority
from harness.daemon import SANITIZER, Sealpost, binary
from harness.smtp import Client

NAME = "mx.example.test"


@pytest.fixture
def mail():
    daemon = Sealpost()
    daemon.dead = net.free_port()
    daemon.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{daemon.dead}"])
    daemon.internet(**{"relay": True, "from": ["127.0.0.0/8"]})
    daemon.start()
    yield daemon
    try:
        daemon.stop()
    finally:
        daemon.clean()


@pytest.fixture
def authority(mail):
    return Authority(mail.folder)


def shell(mail, script, status=0, *options):
    done = mail.run("shell", "-c", script, *options)
    assert done.returncode == status, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout if status == 0 else done.stdout + done.stderr


def objects(mail, script):
    return json.loads(shell(mail, script, 0, "--json"))


def served(mail):
    """The thumbprint that STARTTLS presents, as Exchange writes it."""
    with Client(mail.port) as client:
        client.ehlo()
        client.starttls()
        return hashlib.sha1(client.socket.getpeercert(True)).hexdigest().upper()


def self_signed(mail):
    return next(c for c in objects(mail, "Get-ExchangeCertificate") if c["IsSelfSigned"])


def imported(mail, authority, *names):
    mail.cli("cert", "import", authority.issue(*(names or (NAME,))))
    return next(c for c in objects(mail, "Get-ExchangeCertificate") if not c["IsSelfSigned"])


# ---- the procedures ----

def test_connectors_are_compared_with_certificates(mail, authority):
    ours = imported(mail, authority, NAME, "autodiscover.example.test")
    text = shell(mail, "Get-ReceiveConnector | FL name, fqdn, objectClass")
    assert text == f"\nName        : internet\nFqdn        : {NAME}\nObjectClass : {{top, msExchSmtpReceiveConnector}}\n\n"
    text = shell(mail, "Get-SendConnector | FL name, fqdn, objectClass")
    assert "Name        : out\n" in text and "{top, msExchConnector, mailGateway, msExchRoutingSMTPConnector}" in text
    text = shell(mail, "Get-ExchangeCertificate | FL *")
    for line in (f"CertificateDomains   : {{{NAME}, autodiscover.example.test}}", "HasPrivateKey        : True",
                 "Issuer               : CN=Test Root", "Services             : SMTP", "Status               : Valid",
                 f"Thumbprint           : {ours['Thumbprint']}"):
        assert line in text.splitlines(), text
    assert ours["Thumbprint"] == served(mail)
    text = shell(mail, "Get-ExchangeCertificate | FL Thumbprint,Services")
    assert re.fullmatch(r"(\nThumbprint : [0-9A-F]{40}\nServices   : SMTP\n){2}\n", text)


def test_what_the_shell_prints_the_diagnosis_reads(mail, authority):
    imported(mail, authority)
    dump = "".join(f"[PS] C:\\>{line}\n{shell(mail, line)}" for line in
                   ("Get-ExchangeCertificate | FL *", "Get-ReceiveConnector | FL *", "Get-SendConnector | FL *"))
    file = mail.folder / "dump.txt"
    file.write_text(dump)
    done = mail.run("diagnose", file)
    assert done.returncode in (0, 1), done.stderr
    assert NAME in done.stdout


@pytest.mark.parametrize("build", [
    '$TLSCertificateName = "<i>$($cert.Issuer)<s>$($cert.Subject)"',
    '$TLSCertificateName = "<I>" + $cert.Issuer + "<S>" + $cert.Subject',
])
def test_the_certificate_of_a_connector_is_set_by_issuer_and_subject(mail, authority, build):
    other = imported(mail, authority, "other.example.test", NAME)
    time.sleep(1.1)  # the newer one is chosen, and certificates count seconds
    mail.cli("cert", "import", authority.issue(NAME))
    better = served(mail)
    assert better != other["Thumbprint"]
    shell(mail, f'$cert = Get-ExchangeCertificate -Thumbprint {other["Thumbprint"]}\n{build}\n'
                f'Set-ReceiveConnector "MX\\internet" -TlsCertificateName $TLSCertificateName')
    assert served(mail) == other["Thumbprint"]
    connector = objects(mail, "Get-ReceiveConnector internet")[0]
    assert connector["TlsCertificateName"].lower() == "<i>cn=test root<s>cn=other.example.test"
    assert connector["PresentedThumbprint"] == other["Thumbprint"]
    shell(mail, "Set-ReceiveConnector internet -TlsCertificateName $null")
    assert served(mail) == better
    assert objects(mail, "Get-ReceiveConnector internet")[0]["TlsCertificateName"] is None


def test_a_certificate_that_is_worse_is_refused(mail, authority):
    own, better = self_signed(mail), imported(mail, authority)
    text = shell(mail, f'$cert = Get-ExchangeCertificate -Thumbprint {own["Thumbprint"]}\n'
                       'Set-ReceiveConnector internet -TlsCertificateName "<I>$($cert.Issuer)<S>$($cert.Subject)"', 1)
    assert "refused:" in text and "worse" in text and "--force" in text, text
    assert served(mail) == better["Thumbprint"]


def test_send_connectors_take_a_certificate(mail, authority):
    ours = imported(mail, authority)
    shell(mail, f'$cert = Get-ExchangeCertificate -Thumbprint {ours["Thumbprint"]}\n'
                '$n = "<I>$($cert.Issuer)<S>$($cert.Subject)"\n'
                'Set-SendConnector out -TlsCertificateName $n -RequireTLS $true -TlsAuthLevel DomainValidation')
    connector = mail.json("send-connector", "show", "out")
    assert connector["tls-certificate"] == f"<I>CN=Test Root<S>CN={NAME}"
    assert (connector["tls"], connector["tls-verify"]) == ("required", "name")


def test_a_certificate_is_enabled_for_smtp(mail, authority):
    pfx = authority.issue(NAME)
    shell(mail, f"Import-ExchangeCertificate -FileData ([System.IO.File]::ReadAllBytes('{pfx}'))")
    ours = next(c for c in objects(mail, "Get-ExchangeCertificate") if not c["IsSelfSigned"])
    assert ours["Services"] == "None" and served(mail) != ours["Thumbprint"]
    shell(mail, f"Enable-ExchangeCertificate -Thumbprint {ours['Thumbprint']} -Services SMTP")
    assert served(mail) == ours["Thumbprint"]
    shell(mail, f"Enable-ExchangeCertificate {ours['Thumbprint']} -Services IIS,SMTP")
    assert objects(mail, f"Get-ExchangeCertificate {ours['Thumbprint']}")[0]["Services"] == "SMTP, IIS"


def sign(authority, pem):
    """What an authority answers to a request: the certificate, without a key."""
    request = x509.load_pem_x509_csr(pem)
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(request.subject).issuer_name(authority.certificate.subject)
               .public_key(request.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=90)))
    for extension in request.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_request_is_made_and_its_answer_imported(mail, authority):
    text = shell(mail, f'New-ExchangeCertificate -GenerateRequest -SubjectName "CN={NAME}" -DomainName {NAME},b.example.test '
                       '-PrivateKeyExportable $true')
    request = x509.load_pem_x509_csr(text.encode())
    assert request.subject.rfc4514_string() == f"CN={NAME}" and request.public_key().key_size == 2048
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [NAME, "b.example.test"]
    pending = [c for c in objects(mail, "Get-ExchangeCertificate") if c["Status"] == "PendingRequest"]
    assert len(pending) == 1
    assert shell(mail, f"Export-ExchangeCertificate {pending[0]['Thumbprint']}") == text

    answer = mail.folder / "answer.cer"
    answer.write_bytes(sign(authority, text.encode()))
    mail.cli("cert", "import", authority.issue("other.example.test"))  # so that the root is known
    shell(mail, f"Import-ExchangeCertificate -FileData ([Byte[]]$(Get-Content -Path '{answer}' -Encoding Byte -ReadCount 0)) | "
                "Enable-ExchangeCertificate -Services SMTP")
    assert served(mail) == hashlib.sha1(answer.read_bytes()).hexdigest().upper()
    assert not [c for c in objects(mail, "Get-ExchangeCertificate") if c["Status"] == "PendingRequest"]


def test_a_request_goes_into_a_file(mail):
    file = mail.folder / "mail.req"
    shell(mail, f'$txtrequest = New-ExchangeCertificate -GenerateRequest -SubjectName "CN={NAME}" -KeySize 4096\n'
                f"[System.IO.File]::WriteAllBytes('{file}', [System.Text.Encoding]::UTF8.GetBytes($txtrequest))\n"
                f"Set-Content -Path '{file}.2' -Value $txtrequest")
    assert x509.load_pem_x509_csr(file.read_bytes()).public_key().key_size == 4096
    assert (mail.folder / "mail.req.2").read_bytes() == file.read_bytes()
    shell(mail, f"New-ExchangeCertificate -GenerateRequest -BinaryEncoded -DomainName x.example.test -RequestFile '{file}.der'")
    x509.load_der_x509_csr((mail.folder / "mail.req.der").read_bytes())


def test_queues_in_retry_are_retried(mail):
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.sendmail("a@example.com", ["b@example.net"], "Subject: one\r\n\r\nx")
        client.sendmail("a@example.com", ["c@example.org"], "Subject: two\r\n\r\nx")
    mail.wait_queue(lambda queue: sum(r["attempts"] for m in queue for r in m["recipients"]) == 1)
    assert [q["Status"] for q in objects(mail, "Get-Queue")] == ["Retry"]
    shell(mail, "Get-Queue | ? {$_.Status -eq 'Retry'} | Retry-Queue")
    mail.wait_queue(lambda queue: sum(r["attempts"] for m in queue for r in m["recipients"]) >= 2)

    shell(mail, "Suspend-Queue 'MX\\out/smart-hosts' -Confirm:$false")
    assert [m["Status"] for m in objects(mail, "Get-Message")] == ["Suspended", "Suspended"]
    assert {r["state"] for m in mail.queue() for r in m["recipients"]} == {"held"}
    shell(mail, "Resume-Queue -Filter {Status -eq 'Suspended'}")
    assert {r["state"] for m in mail.queue() for r in m["recipients"]} == {"queued"}

    refused = shell(mail, "Get-Message | Remove-Message -Confirm:$false", 1)
    assert "-WithNDR $false" in refused and len(mail.queue()) == 2
    shell(mail, "Get-Queue | Get-Message | ? Subject -eq two | Remove-Message -WithNDR $false -Confirm:$false")
    assert [m["subject"] for m in mail.queue()] == ["one"]


# ---- plans, refusals, -WhatIf ----

def test_what_if_changes_nothing(mail, authority):
    ours = imported(mail, authority)
    before = mail.json("config", "show"), mail.json("cert", "list")
    text = shell(mail, "Set-ReceiveConnector internet -MaxRecipientsPerMessage 300 -WhatIf")
    assert 'What if: Set-ReceiveConnector on "internet".' in text and "300" in text
    text = shell(mail, "Set-ReceiveConnector internet -Fqdn new.example.test -WhatIf", 1)
    assert "refused:" in text and "worse" in text
    shell(mail, f"Enable-ExchangeCertificate {ours['Thumbprint']} -Services IIS -WhatIf")
    shell(mail, "New-ReceiveConnector more -Custom -Bindings 127.0.0.1:2526 -RemoteIPRanges 127.0.0.1 -WhatIf")
    shell(mail, "Remove-SendConnector out -WhatIf")
    shell(mail, "New-ExchangeCertificate -GenerateRequest -DomainName x.example.test -WhatIf")
    shell(mail, f"Remove-ExchangeCertificate {self_signed(mail)['Thumbprint']} -WhatIf")
    assert (mail.json("config", "show"), mail.json("cert", "list")) == before


def test_a_refused_plan_is_shown_and_nothing_happens(mail, authority):
    ours = imported(mail, authority)
    text = shell(mail, f"Remove-ExchangeCertificate -Thumbprint {ours['Thumbprint']} -Confirm:$false; 'not reached'", 1)
    assert text.startswith("refused:") and "internet" in text and "worse" in text
    assert f"sealpost cert remove {ours['Thumbprint'].lower()} --force" in text and "not reached" not in text
    assert served(mail) == ours["Thumbprint"]


def test_what_destroys_is_not_done_unasked(mail):
    text = shell(mail, "Remove-SendConnector out", 1)
    assert "needs a confirmation" in text and "-Confirm:$false" in text
    assert [c["Name"] for c in objects(mail, "Get-SendConnector")] == ["local", "out"]
    shell(mail, "Remove-SendConnector out -Confirm:$false")
    assert [c["Name"] for c in objects(mail, "Get-SendConnector")] == ["local"]


@pytest.mark.parametrize("script, says", [
    ("Get-ExchangeCertifcate", "did you mean Get-ExchangeCertificate?"),
    ("New-EdgeSubscription -FileName x.xml", "no EdgeSync"),
    ("Enable-ExchangeCertificate (Get-ExchangeCertificate).Thumbprint -Services UM", "Sealpost has no UM service"),
    ("Set-ReceiveConnector internet -Fqn x", "did you mean -Fqdn?"),
    ("Set-ReceiveConnector internet -AuthMechanism Tls,BasicAuth", "Sealpost has no BasicAuth authentication"),
    ("Set-ReceiveConnector nobody -Fqdn x", 'there is no connector "nobody"'),
    ("Set-ReceiveConnector internet -TlsCertificateName 'CN=R11CN=mx'", "is not a pin"),
    ("Set-ReceiveConnector internet -MaxMessageSize much", "no size such as 36MB"),
    ("Set-SendConnector out -TlsAuthLevel DomainValidation", "TlsAuthLevel needs RequireTLS"),
    ("Get-Queue -Server EX9", "EX9 is another server"),
    ("Set-ReceiveConnector EX9\\internet -Fqdn x.example.test", "EX9 is another server"),
    ("Get-ExchangeCertificate EX9\\00000000", "EX9 is another server"),
    ("Get-ExchangeCertificate -Thumbprint 00000000", "certificate with thumbprint 00000000 was not found"),
    ("Get-ExchangeCertificate -Thumbprint 000", "the first 4 digits"),
    ("Import-ExchangeCertificate -FileData ([System.IO.File]::ReadAllBytes('/nonexistent'))", "cannot be read"),
    ("'one'; \n Get-Nothing", "line 2, column 2"),
    ("Get-Queue |", "line 1, column 12"),
    ("if (1) { 2 }", "no statements besides pipelines"),
])
def test_what_is_not_supported_says_so(mail, script, says):
    text = shell(mail, script, 1)
    assert says in text, text


def test_connectors_are_made_changed_and_removed(mail):
    port = net.free_port()
    shell(mail, f"New-ReceiveConnector -Name apps -Usage Custom -Bindings 127.0.0.1:{port} -RemoteIPRanges 127.0.0.0/8,"
                "192.0.2.0/24 -MaxMessageSize 10MB")
    with Client(port) as client:
        client.ehlo()
    shell(mail, "Get-ReceiveConnector apps | Set-ReceiveConnector -RemoteIPRanges @{Remove='192.0.2.0/24'} -RequireTLS $true "
                "-ConnectionInactivityTimeout 00:02:00 -PermissionGroups AnonymousUsers,ExchangeServers")
    connector = mail.json("receive-connector", "show", "apps")
    assert connector["from"] == ["127.0.0.0/8"] and connector["tls"] == "required" and connector["relay"] is True
    assert connector["max-message-size"] == "10MB" and connector["idle-timeout"] == "2m"
    done = mail.run("shell", "-c", "Set-ReceiveConnector apps -RequireTLS $true")
    assert "no settings were modified" in done.stderr and done.returncode == 0
    shell(mail, "Remove-ReceiveConnector MX\\apps -Confirm:$false")
    assert len(objects(mail, "Get-ReceiveConnector")) == 1

    shell(mail, "New-SendConnector 'To Fjord' -AddressSpaces 'SMTP:*.fjord.test;5' -SmartHosts relay.fjord.test "
                "-DNSRoutingEnabled $false -RequireTLS $true")
    connector = mail.json("send-connector", "show", "To Fjord")
    assert connector["address-spaces"] == ["*.fjord.test;5"] and connector["deliver-by"] == "smart-host"
    shell(mail, "Set-SendConnector 'to fjord' -DNSRoutingEnabled $true -RequireTLS $false")
    connector = mail.json("send-connector", "show", "To Fjord")
    assert connector["deliver-by"] == "mx" and connector["tls"] == "opportunistic"


def test_a_key_is_exported_with_a_password(mail, authority):
    ours = imported(mail, authority)
    file = mail.folder / "mail.pfx"
    shell(mail, f"$bin = Export-ExchangeCertificate -Thumbprint {ours['Thumbprint']} -BinaryEncoded "
                "-Password (ConvertTo-SecureString -String 'P@ss word' -AsPlainText -Force)\n"
                f"[System.IO.File]::WriteAllBytes('{file}', $bin.FileData)")
    assert file.stat().st_mode & 0o777 == 0o600
    key, leaf, _ = serialization.pkcs12.load_key_and_certificates(file.read_bytes(), b"P@ss word")
    assert key is not None and leaf.fingerprint(hashes.SHA1()).hex().upper() == ours["Thumbprint"]
    text = shell(mail, f"Import-ExchangeCertificate -FileData ([System.IO.File]::ReadAllBytes('{file}')) "
                       "-Password (ConvertTo-SecureString -String 'wrong' -AsPlainText -Force)", 1)
    assert "passphrase" in text
    assert "needs a -Password" in shell(mail, f"Export-ExchangeCertificate {ours['Thumbprint']}", 1)


def test_events_are_read_as_in_windows(mail, authority):
    imported(mail, authority)
    newest = objects(mail, "Get-EventLog Application -Source MSExchangeTransport -Newest 1")
    assert len(newest) == 1 and newest[0]["EventID"] == mail.events()[-1]["id"]
    found = objects(mail, "Get-WinEvent -FilterHashtable @{LogName='Application'; Id=50020; Level=4} -MaxEvents 5")
    assert found and {e["Id"] for e in found} == {50020}
    assert objects(mail, "Get-WinEvent -FilterHashtable @{Id=1}") == []
    mail.cli("receive-connector", "set", "internet", "fqdn=uncovered.example.net", "--force")
    mail.wait_event("starttls-name-not-covered")
    text = shell(mail, "Get-EventLog Application -InstanceId 12014 -Newest 1 | FL EntryType,Source,EventID,Message")
    assert "EventID   : 12014\n" in text and "uncovered.example.net" in text and "Remedy: " in text
    assert objects(mail, "Get-TransportService")[0]["Fqdn"] == NAME
    assert objects(mail, "Get-AcceptedDomain | FL DomainName,DomainType") == [
        {"DomainName": "example.test", "DomainType": "Authoritative"}]


def test_scripts_come_from_files_and_standard_input(mail):
    file = mail.folder / "script.ps1"
    file.write_text("# a comment\n$x = Get-ReceiveConnector |\n  Select Name\n$x.Name\nGet-Nothing\n")
    done = mail.run("shell", "-f", file)
    assert done.returncode == 1 and done.stdout == "internet\n"
    assert f"{file}: line 5, column 1: Get-Nothing:" in done.stderr
    done = mail.run("shell", stdin=file.read_text() + "'still here'\nexit\n'not here'\n")
    assert done.returncode == 1 and done.stdout == "internet\nstill here\n"
    done = mail.run("shell", "-c", "'" + "x" * 70000 + "'")
    assert done.returncode == 1 and "longer than 65536 bytes" in done.stderr


def test_without_a_daemon_it_says_so(tmp_path):
    mail = Sealpost()
    try:
        done = mail.run("shell", "-c", "Get-Queue")
        assert done.returncode == 3 and "cannot be reached" in done.stderr
    finally:
        mail.clean()


# ---- at a terminal ----

class Terminal:
    """A session of the shell under a terminal of its own."""

    def __init__(self, mail):
        self.seen = ""
        environment = dict(os.environ, HOME=str(mail.folder), TERM="xterm")
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(binary(), ["sealpost", "shell", "--data", str(mail.data)], environment)

    def expect(self, text, seconds=20):
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"no {text!r} in {self.seen!r}"
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    break
        assert text in self.seen, self.seen
        before, self.seen = self.seen.split(text, 1)
        return before

    def say(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        self.say("exit\r")
        end, text = time.monotonic() + 20, self.seen
        while time.monotonic() < end:
            try:
                piece = os.read(self.fd, 65536) if select.select([self.fd], [], [], 0.2)[0] else b""
            except OSError:
                break
            text += piece.decode(errors="replace")
        os.close(self.fd)
        _, status = os.waitpid(self.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, text
        assert not SANITIZER.search(text), text


def test_a_session_completes_remembers_and_asks(mail):
    terminal = Terminal(mail)
    terminal.expect("[PS] > ")
    terminal.say("Get-ReceiveC\t| FL Name\r")
    terminal.expect("Name : internet")
    terminal.expect("[PS] > ")
    terminal.say("Get-SendConnector -Iden\tout | Select -ExpandProperty Name\r")
    terminal.expect("\nout")
    terminal.expect("[PS] > ")
    terminal.say("Remove-SendConnector out -Conf\x03")  # dropped
    terminal.expect("[PS] > ")
    terminal.say("'a',\r")
    terminal.expect(">> ")
    terminal.say("'end'\r")
    terminal.expect("end\r\n")
    terminal.say("\x1b[A\x1b[A\x1b[A\r")  # back to the second line
    terminal.expect("\nout")
    terminal.say("Remove-SendConnector out\r")
    terminal.expect('(default is "Y"): ')
    terminal.say("n\r")
    terminal.expect("[PS] > ")
    terminal.say("Remove-SendConnector out\r")
    terminal.expect('(default is "Y"): ')
    terminal.say("y\r")
    terminal.expect("[PS] > ")
    terminal.say("$p = ConvertTo-SecureString -String 'hidden' -AsPlainText -Force\r")
    terminal.expect("[PS] > ")
    terminal.end()
    assert [c["name"] for c in mail.json("send-connector", "list")["send-connectors"]] == ["local"]
    history = mail.folder / ".sealpost_history"
    assert history.stat().st_mode & 0o777 == 0o600
    assert "Get-ReceiveConnector" in history.read_text() and "hidden" not in history.read_text()
