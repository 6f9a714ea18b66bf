"""Other mail servers with a certificate and a key in two files, as an administrator has them: to see what each does when
these files change. Exim and OpenSMTPD are not installed but unpacked (tools/peers), and find the folders and users that
they insist on in a mount namespace of their own."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import net
from .daemon import ROOT, Sealpost
from .peers import Peer, Postfix, need, need_root

UNPACKED = ROOT / "build" / "peers" / "root"
NAME = "mx.example.test"
USERS = {"Debian-exim": 64990, "opensmtpd": 64991, "opensmtpq": 64992}


def unpacked(program, package):
    need_root(program)
    path = UNPACKED / "usr/sbin" / program
    if not path.exists():
        pytest.skip(f"{program} is not unpacked (tools/peers fetches Debian's {package})")
    if subprocess.run([need("unshare", "util-linux"), "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip(f"{program} needs a mount namespace, and this system gives none")
    return path


def split(pem):
    """Certificate with chain, and key, of a PEM file with all of them."""
    text = pathlib.Path(pem).read_bytes()
    at = text.index(b"-----BEGIN PRIVATE KEY")
    return text[:at], text[at:]


def issue_rsa(authority, name, days, file):
    """As Authority.issue, with an RSA key, which all of the servers can use."""
    key = rsa.generate_private_key(65537, 2048)
    leaf = authority._sign(name, authority.name, key.public_key(), [name], False, days)
    path = authority.folder / file
    path.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + authority.pem.read_bytes() +
                     key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    path.chmod(0o600)
    return path


class Pair:
    """Where a server reads its certificate and its key."""

    def __init__(self, folder, owner=0):
        self.folder, self.owner = folder, owner
        folder.mkdir()
        folder.chmod(0o755)
        self.certificate, self.key = folder / "fullchain.pem", folder / "privkey.pem"

    def write_file(self, path, content):
        path.write_bytes(content)
        path.chmod(0o600)
        os.chown(path, self.owner, self.owner)

    def write(self, certificate=None, key=None):
        """In place, the certificate first; None leaves a file as it is."""
        if certificate is not None:
            self.write_file(self.certificate, split(certificate)[0])
        if key is not None:
            self.write_file(self.key, split(key)[1])


class SealpostServer:
    """Sealpost with a watched folder; nobody reloads it."""

    reload_is = "nothing"

    def __init__(self, first):
        self.daemon = Sealpost()
        self.pair = Pair(self.daemon.folder / "live")
        self.pair.write(first, first)
        self.daemon.internet(**{"max-connections-per-source": "unlimited", "max-connection-rate": "unlimited"})
        self.daemon.document["certificates"] = {"watch": [str(self.pair.folder)], "watch-interval": "1s"}
        self.port = self.daemon.port

    def start(self):
        self.daemon.start()
        return self

    def reload(self):
        time.sleep(1.2)  # the time after which it has looked by itself

    def version(self):
        done = subprocess.run([self.daemon.program, "--version"], stdout=subprocess.PIPE, text=True, check=False)
        return done.stdout.split(",")[0].strip().capitalize()

    def close(self):
        try:
            self.daemon.stop()
        finally:
            self.daemon.clean()


class PostfixServer(Postfix):
    reload_is = "postfix reload"

    def __init__(self, first):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="pair-"))
        folder.chmod(0o755)
        self.outer = folder
        self.pair = Pair(folder / "live")
        self.pair.write(first, first)
        super().__init__("[127.0.0.1]:1", smtpd_tls_cert_file=self.pair.certificate, smtpd_tls_key_file=self.pair.key,
                         smtpd_tls_security_level="may", smtpd_client_connection_count_limit="0")

    def reload(self):
        subprocess.run([self.program, "-c", str(self.conf), "reload"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=20, check=False)
        time.sleep(0.5)

    def version(self):
        return "Postfix " + subprocess.run(["postconf", "-hd", "mail_version"], stdout=subprocess.PIPE, text=True,
                                           check=False).stdout.strip()

    def close(self):
        super().close()
        shutil.rmtree(self.outer, ignore_errors=True)


class UnpackedServer(Peer):
    """A server that believes it is installed: its users and folders are mounted over those of the system, for it alone."""

    def __init__(self, prefix, owner):
        super().__init__(prefix)
        self.port = net.free_port()
        self.pair = Pair(self.folder / "live", owner)
        for name in ("spool", "lib", "varlog", "run"):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o755)
        for file, line in (("passwd", "{0}:x:{1}:{1}::/nonexistent:/bin/false\n"), ("group", "{0}:x:{1}:\n")):
            there = pathlib.Path("/etc", file).read_text()
            missing = [line.format(n, i) for n, i in USERS.items() if not re.search(f"^{n}:", there, re.M)]
            (self.folder / file).write_text(there + "".join(missing))

    def spawn_alone(self, *command):
        over = [("passwd", "/etc/passwd"), ("group", "/etc/group"), ("spool", "/var/spool"), ("lib", "/var/lib"),
                ("varlog", "/var/log"), ("run", "/run")]
        mounts = [f"mount --bind '{self.folder}/{mine}' {theirs}" for mine, theirs in over]
        libexec = UNPACKED / "usr/libexec"
        if libexec.is_dir():
            mounts.append(f"mount --bind '{libexec}' /usr/libexec")
        libraries = UNPACKED / "usr/lib/x86_64-linux-gnu"
        return self.spawn(need("unshare", "util-linux"), "-m", "sh", "-c", " && ".join(mounts) + ' && exec "$@"', "sh", *command,
                          env={**os.environ, "LD_LIBRARY_PATH": str(libraries)}, start_new_session=True)


class EximServer(UnpackedServer):
    reload_is = "SIGHUP"

    def __init__(self, first):
        self.program = unpacked("exim4", "exim4-daemon-light")
        super().__init__("ex-", USERS["Debian-exim"])
        self.pair.write(first, first)
        (self.folder / "spool/exim4").mkdir()
        os.chown(self.folder / "spool/exim4", self.pair.owner, self.pair.owner)
        (self.folder / "varlog/exim4").mkdir()
        os.chown(self.folder / "varlog/exim4", self.pair.owner, self.pair.owner)
        self.conf = self.folder / "exim.conf"
        self.conf.write_text(f"""primary_hostname = {NAME}
exim_path = {self.program}
keep_environment = LD_LIBRARY_PATH
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
pid_file_path = {self.folder}/pid
smtp_accept_max = 100
rfc1413_query_timeout = 0s
host_lookup =
tls_advertise_hosts = *
tls_certificate = {self.pair.certificate}
tls_privatekey = {self.pair.key}
begin acl
begin routers
begin transports
""")

    def start(self):
        self.spawn_alone(self.program, "-C", self.conf, "-bdf")
        return self.wait_port(self.port)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)
        time.sleep(0.7)

    def text(self):
        logs = (self.folder / "varlog/exim4").glob("*log")
        return super().text() + "".join(log.read_text(errors="replace")[-4000:] for log in logs)

    def version(self):
        said = self.text()
        found = re.search(r"exim ([\d.]+) daemon started", said)
        return f"Exim {found[1]}" if found else "Exim"


class OpenSmtpdServer(UnpackedServer):
    reload_is = "restart (it has no reload)"

    def __init__(self, first):
        self.program = unpacked("smtpd", "opensmtpd")
        super().__init__("os-", 0)
        self.pair.write(first, first)
        (self.folder / "spool/smtpd").mkdir(mode=0o711)
        (self.folder / "lib/opensmtpd/empty").mkdir(parents=True)
        self.conf = self.folder / "smtpd.conf"
        self.conf.write_text(f"""pki {NAME} cert "{self.pair.certificate}"
pki {NAME} key "{self.pair.key}"
listen on 127.0.0.1 port {self.port} tls pki {NAME} hostname {NAME}
match from any for any reject
""")

    def start(self):
        self.spawn_alone(self.program, "-d", "-f", self.conf)
        return self.wait_port(self.port)

    def reload(self):
        net.end(self.process, 10)
        self.spawn_alone(self.program, "-d", "-f", self.conf)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline and self.process.poll() is None and not net.listens(self.port):
            time.sleep(0.03)

    def version(self):
        done = subprocess.run([self.program, "-h"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        found = re.search(r"version: (.*)", done.stdout)
        return found[1] if found else "OpenSMTPD"
