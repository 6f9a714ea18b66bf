"""Other mail servers, each with all of its files in a folder of its own and the same duties as Sealpost: a durable queue
on disk, relay of everything to one next hop, the same certificate, limits raised. Exim and OpenSMTPD are unpacked, not
installed (tools/peers), and find the folders and users that they insist on in a mount namespace of their own."""
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess

from servers import HOSTNAME, ROOT, Server, Unavailable, place_pair, write

UNPACKED = ROOT / "build/peers/root"
USERS = {"Debian-exim": 64990, "opensmtpd": 64991, "opensmtpq": 64992}
SIZE_MAX = 200 << 20
CONCURRENCY = 50


def need_root(name):
    if os.geteuid() != 0:
        raise Unavailable(f"only root can start {name}")


class Postfix(Server):
    name = "postfix"
    kinds = Server.kinds + ("rotation", "destinations")

    @classmethod
    def version(cls):
        if not shutil.which("postfix", path="/usr/sbin:/sbin"):
            raise Unavailable("not installed (Debian package postfix)")
        need_root("Postfix")
        done = subprocess.run(["postconf", "-hd", "mail_version"], stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()

    @property
    def conf(self):
        return self.folder / "conf"

    def settings(self):
        certificate, key = place_pair(self.folder / "live", self.setup.certificate, self.setup.key)
        owner = pwd.getpwnam("postfix")
        (self.folder / "data").mkdir()
        os.chown(self.folder / "data", owner.pw_uid, owner.pw_gid)
        (self.folder / "spool").mkdir()
        route = {"smtp_tcp_port": self.setup.next_port} if self.setup.mode == "domains" else {
            "relayhost": f"[127.0.0.1]:{self.setup.next_port}", "disable_dns_lookups": "yes", "smtp_host_lookup": "native"}
        return {
            "compatibility_level": "3.6", "queue_directory": self.folder / "spool", "data_directory": self.folder / "data",
            "daemon_directory": "/usr/lib/postfix/sbin", "command_directory": "/usr/sbin", "mail_owner": "postfix",
            "setgid_group": "postdrop", "myhostname": HOSTNAME, "mydestination": "", "local_transport": "error:no",
            "mynetworks": "127.0.0.0/8", "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
            "smtpd_relay_restrictions": "permit_mynetworks,reject", "alias_maps": "", "local_recipient_maps": "",
            "smtpd_client_restrictions": "check_client_access static:HOLD" if self.setup.mode == "queue" else "",
            "smtpd_peername_lookup": "no", "smtpd_tls_cert_file": certificate, "smtpd_tls_key_file": key,
            "smtpd_tls_security_level": "may", "smtp_tls_security_level": "none",
            "smtpd_client_connection_count_limit": "0", "default_process_limit": max(300, self.setup.connections + 100),
            "max_use": "10000", "in_flow_delay": "0", "default_destination_concurrency_limit": CONCURRENCY,
            "initial_destination_concurrency": CONCURRENCY, "message_size_limit": SIZE_MAX, "mailbox_size_limit": "0",
            **route,
        }

    @staticmethod
    def services(port):
        most = {"cleanup": 0, "bounce": 0, "defer": 0, "trace": 0, "flush": 0, "pickup": 1, "qmgr": 1, "tlsmgr": 1,
                "anvil": 1, "scache": 1, "verify": 1}
        programs = {"rewrite": "trivial-rewrite", "defer": "bounce", "trace": "bounce", "relay": "smtp", "retry": "error"}
        wakeup = {"pickup": "60", "qmgr": "300", "tlsmgr": "1000?", "flush": "1000?"}
        text = f"127.0.0.1:{port} inet n - n - - smtpd\n"
        for name in ("pickup cleanup qmgr rewrite bounce defer trace smtp relay error retry showq flush verify tlsmgr anvil "
                     "scache proxymap").split():
            public = "n" if name in ("pickup", "cleanup", "qmgr", "showq", "flush") else "-"
            text += f"{name} unix {public} - n {wakeup.get(name, '-')} {most.get(name, '-')} {programs.get(name, name)}\n"
        return text

    def launch(self):
        if not self.conf.exists():
            write(self.conf / "main.cf", "".join(f"{key} = {value}\n" for key, value in self.settings().items()))
            write(self.conf / "master.cf", self.services(self.port))
        self.process = self.group.spawn(alone(self.folder, self.setup.resolver) + ["/usr/sbin/postfix", "-c", self.conf, "start-fg"],
                                        self.log, self.setup.cpus)

    def halt(self):
        subprocess.run(["/usr/sbin/postfix", "-c", self.conf, "stop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=60, check=False)

    def queued(self):
        done = subprocess.run(f"postqueue -c {self.conf} -j | wc -l", shell=True, stdout=subprocess.PIPE, text=True, check=True)
        return int(done.stdout)

    def first_page(self):
        return ["sh", "-c", f"postqueue -c {self.conf} -p | head -150"]

    def change_certificate(self, certificate, key):
        place_pair(self.folder / "live", certificate, key)
        subprocess.run(["/usr/sbin/postfix", "-c", self.conf, "reload"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=30, check=False)


def alone(folder, resolver, mounts=()):
    """The words that start a program in a mount namespace of its own, where resolver is the system's name server."""
    address, _, port = resolver.partition(":")
    if port != "53":
        raise Unavailable("its name server has to listen on port 53")
    write(folder / "resolv.conf", f"nameserver {address}\noptions timeout:1 attempts:1\n")
    lines = [f"mount --bind '{mine}' '{theirs}'" for mine, theirs in [(folder / "resolv.conf", "/etc/resolv.conf"), *mounts]]
    return ["unshare", "-m", "sh", "-c", " && ".join([*lines, 'exec "$@"']), "sh"]


class UnpackedServer(Server):
    """A server that believes it is installed: its users and folders are mounted over those of the system, for it alone."""
    program = owner = package = None

    @classmethod
    def path(cls):
        need_root(cls.name)
        path = UNPACKED / "usr/sbin" / cls.program
        if not path.exists():
            raise Unavailable(f"not unpacked (tools/peers fetches Debian's {cls.package})")
        return path

    @classmethod
    def version(cls):
        cls.path()
        done = subprocess.run(["dpkg-deb", "-f", next((UNPACKED.parent / "packages").glob(cls.package + "_*.deb")), "Version"],
                              stdout=subprocess.PIPE, text=True, check=True)
        return re.split(r"[-+]", done.stdout.strip())[0]

    def prepare(self):
        """Makes the folders and the configuration; only once, as a restart finds its queue again."""
        raise NotImplementedError

    def mounts(self):
        over = [("passwd", "/etc/passwd"), ("group", "/etc/group"), ("spool", "/var/spool"), ("lib", "/var/lib"),
                ("varlog", "/var/log"), ("run", "/run")]
        libexec = [(UNPACKED / "usr/libexec", "/usr/libexec")] if (UNPACKED / "usr/libexec").is_dir() else []
        return [(self.folder / mine, theirs) for mine, theirs in over] + libexec

    def launch_alone(self, *words):
        if not (self.folder / "spool").exists():
            for name in ("spool", "lib", "varlog", "run"):
                (self.folder / name).mkdir()
                (self.folder / name).chmod(0o755)
            for file, line in (("passwd", "{0}:x:{1}:{1}::/nonexistent:/bin/false\n"), ("group", "{0}:x:{1}:\n")):
                there = pathlib.Path("/etc", file).read_text(encoding="utf-8")
                missing = [line.format(n, i) for n, i in USERS.items() if not re.search(f"^{n}:", there, re.M)]
                write(self.folder / file, there + "".join(missing))
            self.prepare()
        self.process = self.group.spawn(alone(self.folder, self.setup.resolver, self.mounts()) + list(words), self.log,
                                        self.setup.cpus, env=self.environment())

    @staticmethod
    def environment():
        return {**os.environ, "LD_LIBRARY_PATH": str(UNPACKED / "usr/lib/x86_64-linux-gnu")}

    def inside(self, *words):
        """The words that run a program in the namespace of the server that runs."""
        return ["nsenter", "-t", str(self.process.pid), "-m", *map(str, words)]

    def halt(self):
        if self.process:
            self.group.signal(signal.SIGTERM)


class Exim(UnpackedServer):
    name, program, package = "exim", "exim4", "exim4-daemon-light"

    def prepare(self):
        owner = USERS["Debian-exim"]
        place_pair(self.folder / "live", self.setup.certificate, self.setup.key, owner)
        for name in ("spool/exim4", "varlog/exim4"):
            (self.folder / name).mkdir()
            os.chown(self.folder / name, owner, owner)
        write(self.folder / "lib/exim4/config.autogenerated", f"""primary_hostname = {HOSTNAME}
exim_path = {self.path()}
keep_environment = LD_LIBRARY_PATH
spool_directory = /var/spool/exim4
log_file_path = syslog
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
pid_file_path = {self.folder}/pid
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 0
smtp_connect_backlog = 4096
smtp_accept_queue_per_connection = 0
queue_only = {"true" if self.setup.mode == "queue" else "false"}
deliver_drop_privilege = true
split_spool_directory = true
message_logs = false
remote_max_parallel = 20
message_size_limit = {SIZE_MAX}
tls_advertise_hosts = *
tls_certificate = {self.folder}/live/fullchain.pem
tls_privatekey = {self.folder}/live/privkey.pem
tls_resumption_hosts = *
acl_smtp_rcpt = everything
begin acl
everything:
  accept
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = {self.setup.next_port}
  hosts_avoid_tls = *
  hosts_try_dane =
  connection_max_messages = 500
begin retry
* * F,2h,15m
""")

    def launch(self):
        self.launch_alone(self.path(), "-bdf", "-q30m")

    def first_page(self):
        return ["sh", "-c", " ".join(self.inside(self.path(), "-bp")) + " | head -200"]


class OpenSmtpd(UnpackedServer):
    name, program, package = "opensmtpd", "smtpd", "opensmtpd"

    def prepare(self):
        certificate, key = place_pair(self.folder / "live", self.setup.certificate, self.setup.key)
        (self.folder / "spool/smtpd").mkdir(mode=0o711)
        (self.folder / "lib/opensmtpd/empty").mkdir(parents=True)
        delays = "".join(f"mta limit {what} 0\n" for what in (
            "reconn-delay-route", "conn-delay-host", "conn-delay-source", "conn-delay-connector", "conn-delay-relay",
            "conn-delay-domain"))
        write(self.folder / "smtpd.conf", f"""pki {HOSTNAME} cert "{certificate}"
pki {HOSTNAME} key "{key}"
smtp max-message-size {SIZE_MAX >> 20}M
smtp limit max-mails 10000
mta limit session-mail-max 10000
{delays}listen on 127.0.0.1 port {self.port} tls pki {HOSTNAME} hostname {HOSTNAME}
action "relay" relay host smtp://127.0.0.1:{self.setup.next_port}
match from any for any action "relay"
""", 0o600)

    def launch(self):
        self.launch_alone(self.path(), "-F", "-f", self.folder / "smtpd.conf")

    def control(self, *words):
        return subprocess.run(["setpriv", "--regid", str(USERS["opensmtpq"]), "--clear-groups",
                               *self.inside(UNPACKED / "usr/sbin/smtpctl", *words)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=self.environment(), timeout=60, check=False)

    def started(self):
        if self.setup.mode == "queue":
            done = self.control("pause", "mta")
            if done.returncode:
                raise Unavailable(f"its deliveries cannot be paused: {done.stdout.strip()}")

    def first_page(self):
        return ["sh", "-c", " ".join(self.inside(UNPACKED / "usr/sbin/smtpctl", "show", "queue")) + " | head -50"]


PEERS = {cls.name: cls for cls in (Postfix, Exim, OpenSmtpd)}
