"""Foreign mail programs, each with all its files in a folder of its own, started and ended by their process id."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

from . import net


def need(program, package):
    """The program's path; the test is skipped where it is not installed."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/lib/dovecot")
    if not found:
        pytest.skip(f"{program} is not installed (Debian package {package})")
    return found


def need_root(program):
    if os.geteuid() != 0:
        pytest.skip(f"{program} can be started by root only")


class Peer:
    def __init__(self, prefix):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
        self.folder.chmod(0o755)
        self.log = self.folder / "log"
        self.process = None

    def spawn(self, *command, **options):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, **options)
        return self

    def wait_port(self, port, seconds=20):
        def up():
            assert self.process.poll() is None, f"it ended: {self.text()}"
            return net.listens(port)
        net.wait_for(up, seconds, lambda: f"port {port}: {self.text()}")
        return self

    def text(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def close(self):
        if self.process is not None:
            net.end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


class Postfix(Peer):
    """An instance with smtpd on self.port; everything goes to relayhost, or to the folder's sink where there is none."""

    def __init__(self, relayhost, certificate=None, **main):
        self.program = need("postfix", "postfix")
        need_root("postfix")
        super().__init__("pf-")
        self.port = net.free_port()
        daemons = "/usr/lib/postfix/sbin"
        settings = {
            "compatibility_level": "3.6", "queue_directory": self.folder / "spool", "data_directory": self.folder / "data",
            "daemon_directory": daemons, "command_directory": "/usr/sbin", "mail_owner": "postfix",
            "setgid_group": "postdrop", "myhostname": "postfix.example.net", "mydestination": "", "local_transport": "error:no",
            "mynetworks": "127.0.0.0/8 [::1]/128", "relayhost": relayhost, "inet_interfaces": "127.0.0.1",
            "smtpd_recipient_restrictions": "permit_mynetworks,reject", "smtpd_relay_restrictions": "permit_mynetworks,reject",
            "alias_maps": "", "alias_database": "", "maillog_file": self.folder / "maillog", "maillog_file_prefixes": self.folder,
            "smtp_tls_security_level": "encrypt", "smtp_tls_loglevel": "1", "smtputf8_enable": "yes",
            "smtp_line_length_limit": "0", "message_size_limit": "0", "default_destination_concurrency_limit": "5",
            "minimal_backoff_time": "2s", "queue_run_delay": "2s", "smtp_host_lookup": "native", "smtp_bind_address": "127.0.0.1",
        }
        if certificate:
            settings.update({"smtpd_tls_chain_files": self.folder / "server.pem", "smtpd_tls_security_level": "may"})
            chain = pathlib.Path(certificate).read_bytes()
            key = chain[chain.index(b"-----BEGIN PRIVATE KEY"):]
            (self.folder / "server.pem").write_bytes(key + chain[:len(chain) - len(key)])
            (self.folder / "server.pem").chmod(0o600)
        settings.update(main)
        conf = self.folder / "conf"
        for name in ("conf", "spool", "data"):
            (self.folder / name).mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(self.folder / "data", owner.pw_uid, owner.pw_gid)
        (conf / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        (conf / "master.cf").write_text(self.services())
        self.conf = conf

    def services(self):
        rows = [("pickup", "unix", "60", "1", "pickup"), ("cleanup", "unix", ".", "0", "cleanup"),
                ("qmgr", "unix", "300", "1", "qmgr"), ("rewrite", "unix", ".", ".", "trivial-rewrite"),
                ("bounce", "unix", ".", "0", "bounce"), ("defer", "unix", ".", "0", "bounce"),
                ("trace", "unix", ".", "0", "bounce"), ("smtp", "unix", ".", ".", "smtp"), ("relay", "unix", ".", ".", "smtp"),
                ("error", "unix", ".", ".", "error"), ("retry", "unix", ".", ".", "error"), ("showq", "unix", ".", ".", "showq"),
                ("flush", "unix", "1000?", "0", "flush"), ("verify", "unix", ".", "1", "verify"), ("tlsmgr", "unix", "1000?", "1", "tlsmgr"),
                ("anvil", "unix", ".", "1", "anvil"), ("scache", "unix", ".", "1", "scache"),
                ("proxymap", "unix", ".", ".", "proxymap")]
        text = f"127.0.0.1:{self.port} inet n - n - - smtpd\n"
        for name, kind, wakeup, most, program in rows:
            public = "n" if name in ("pickup", "cleanup", "qmgr", "showq", "flush") else "-"
            text += f"{name} {kind} {public} - n {wakeup if wakeup != '.' else '-'} {most if most != '.' else '-'} {program}\n"
        return text + "postlog unix-dgram n - n - 1 postlogd\n"

    def start(self):
        self.spawn(self.program, "-c", self.conf, "start-fg", start_new_session=True)
        return self.wait_port(self.port)

    def text(self):
        file = self.folder / "maillog"
        return super().text() + (file.read_text(errors="replace")[-6000:] if file.exists() else "")

    def queue(self):
        done = subprocess.run(["postqueue", "-c", str(self.conf), "-j"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        return done.stdout.strip()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            subprocess.run([self.program, "-c", str(self.conf), "stop"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=30, check=False)
        super().close()


class Dovecot(Peer):
    """LMTP on self.port (and on self.socket), every user in a maildir under self.mail."""

    def __init__(self, certificate=None):
        self.program = need("dovecot", "dovecot-core")
        need("lmtp", "dovecot-lmtpd")
        need_root("dovecot")
        super().__init__("dc-")
        self.port, self.mail, self.socket = net.free_port(), self.folder / "mail", self.folder / "run" / "lmtp"
        self.mail.mkdir()
        user = pwd.getpwnam("nobody")
        os.chown(self.mail, user.pw_uid, user.pw_gid)
        tls = f"ssl = yes\nssl_cert = <{certificate}\nssl_key = <{certificate}\n" if certificate else "ssl = no\n"
        self.conf = self.folder / "dovecot.conf"
        self.conf.write_text(f"""
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/maillog
protocols = lmtp
listen = 127.0.0.1
mail_location = maildir:{self.mail}/%u
first_valid_uid = 1
first_valid_gid = 1
postmaster_address = postmaster@example.test
hostname = dovecot.example.test
default_vsz_limit = 0
{tls}
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={user.pw_uid} gid={user.pw_gid} home={self.mail}/%u allow_all_users=yes
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.port}
  }}
  unix_listener lmtp {{
    mode = 0666
  }}
  chroot =
}}
service stats {{
  chroot =
}}
""")

    def start(self):
        (self.folder / "state").mkdir(exist_ok=True)
        self.spawn(self.program, "-F", "-c", self.conf, start_new_session=True)
        return self.wait_port(self.port)

    def text(self):
        file = self.folder / "maillog"
        return super().text() + (file.read_text(errors="replace")[-4000:] if file.exists() else "")

    def messages(self, address):
        folder = self.mail / address / "new"
        return [file.read_bytes() for file in sorted(folder.iterdir())] if folder.is_dir() else []


class SmtpSink(Peer):
    """Postfix's smtp-sink; writes what it receives into one file per message in self.dump."""

    def __init__(self, *options):
        self.program = need("smtp-sink", "postfix")
        super().__init__("ss-")
        self.port, self.dump = net.free_port(), self.folder / "dump"
        self.dump.mkdir()
        self.dump.chmod(0o777)
        self.options = options

    def start(self):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.spawn(self.program, *user, *self.options, "-d", f"{self.dump}/m.", f"127.0.0.1:{self.port}", "100")
        return self.wait_port(self.port)

    def messages(self):
        return [file.read_bytes() for file in sorted(self.dump.iterdir())]


def smtp_source(port, *options, seconds=60):
    """Runs Postfix's smtp-source to its end."""
    program = need("smtp-source", "postfix")
    done = subprocess.run([program, *map(str, options), f"127.0.0.1:{port}"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout
