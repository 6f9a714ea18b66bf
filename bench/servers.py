"""The servers that are measured: what they have in common, Sealpost, and the bare limit."""
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import yaml

from processes import Group

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / "build/release"
HOSTNAME = "mail.bench.test"


class Unavailable(Exception):
    """This server cannot be measured here; the text says why."""


@dataclasses.dataclass
class Setup:
    """How a server is set up for one cell.

    mode: queue - accept and keep; relay - deliver all to next_hop; defer - the same, and nobody listens there;
    domains - deliver by the domains' MX records, at next_hop's port."""
    folder: pathlib.Path
    mode: str
    next_hop: str
    certificate: pathlib.Path
    key: pathlib.Path
    resolver: str
    connections: int = 100
    cpus: set = None
    threads: int = None
    limit: str = "smtp"

    @property
    def next_port(self):
        return int(self.next_hop.rpartition(":")[2])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def place_pair(folder, certificate, key, owner=0):
    """Certificate and key as an administrator has them: fullchain.pem and privkey.pem, replaced by renaming."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for source, name in ((certificate, "fullchain.pem"), (key, "privkey.pem")):
        new = folder / (name + ".new")
        shutil.copyfile(source, new)
        new.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(new, owner, owner)
        new.rename(folder / name)
    return folder / "fullchain.pem", folder / "privkey.pem"


class Server:
    name = "?"
    kinds = ("accept", "relay", "handshakes", "idle", "large", "queue")

    def __init__(self, setup):
        self.setup = setup
        self.folder = setup.folder
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        self.port = free_port()
        self.group = Group(self.folder.name)
        self.log = self.folder / "log"
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @classmethod
    def version(cls):
        """Raises Unavailable where there is no such program."""
        raise NotImplementedError

    def launch(self):
        raise NotImplementedError

    def start(self, seconds=60):
        """Starts it and returns how long it took until it greeted."""
        begin = time.monotonic()
        self.launch()
        while not self.greets():
            if time.monotonic() - begin > seconds:
                raise Unavailable(f"{self.name} does not greet within {seconds} s: {self.tail()}")
            if self.process and self.process.poll() not in (None, 0):
                raise Unavailable(f"{self.name} ended with {self.process.returncode}: {self.tail()}")
            time.sleep(0.01)
        took = time.monotonic() - begin
        self.started()
        return took

    def started(self):
        """What is left to do once it greets."""

    def greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                s.settimeout(10)
                if not s.recv(200).startswith(b"220"):
                    return False
                s.sendall(b"QUIT\r\n")
                while s.recv(200):
                    pass
                return True
        except OSError:
            return False

    def halt(self):
        if self.process:
            self.group.signal(signal.SIGTERM, [self.process.pid])

    def stop(self):
        self.halt()
        self.group.end()
        self.process = None

    def close(self):
        self.stop()
        self.group.remove()

    def tail(self):
        return self.log.read_text(errors="replace")[-800:] if self.log.exists() else ""

    def queued(self):
        """Messages in the queue; None where that is not asked."""
        return None

    def first_page(self):
        """The command that shows the beginning of the queue, or None."""
        return None

    def change_certificate(self, certificate, key):
        raise NotImplementedError


class Sealpost(Server):
    name = "sealpost"
    kinds = Server.kinds + ("rotation", "destinations")

    @classmethod
    def version(cls):
        if not (RELEASE / "sealpost").exists():
            raise Unavailable("not built (./dev build)")
        done = subprocess.run([RELEASE / "sealpost", "--version"], stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.split(",")[0].strip().removeprefix("sealpost ")

    def document(self):
        free = {key: "unlimited" for key in ("max-connections", "max-connections-per-source", "max-connection-rate")}
        out = {"address-spaces": ["*"], "tls": "off", "max-message-size": "unlimited", "max-connections-per-next-hop": 50,
               "hold": self.setup.mode == "queue"}
        if self.setup.mode == "domains":
            out.update({"deliver-by": "mx", "port": self.setup.next_port})
        else:
            out["smart-hosts"] = [self.setup.next_hop]
        return {
            "hostname": HOSTNAME,
            "receive-connectors": {"bench": {"bind": [self.address], "from": ["127.0.0.0/8"], "relay": True,
                                             "max-message-size": "200MB", "timeout": "1h", "tarpit": "0s", **free}},
            "send-connectors": {"out": out},
            "queue": {"max-length": 5000000},
            "dns": {"resolvers": [self.setup.resolver], "local-zones": False},
            "certificates": {"watch": [str(self.folder / "live")], "watch-interval": "1s"},
        }

    def launch(self):
        document = self.folder / "sealpost.yaml"
        if not document.exists():
            write(document, yaml.safe_dump(self.document(), sort_keys=False))
            place_pair(self.folder / "live", self.setup.certificate, self.setup.key)
        threads = ["--threads", self.setup.threads] if self.setup.threads else []
        self.process = self.group.spawn([RELEASE / "sealpost", "serve", "--config", document, "--data", self.folder / "data",
                                         *threads], self.log, self.setup.cpus)

    def started(self):
        """Greeting comes before the folder with the certificate was read for the first time."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not self.has_certificate():
            time.sleep(0.05)

    def has_certificate(self):
        shown = self.command("cert", "list", "--json")
        return shown.returncode == 0 and HOSTNAME in shown.stdout

    def command(self, *words):
        return subprocess.run([RELEASE / "sealpost", *words, "--data", self.folder / "data"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)

    def queued(self):
        return json.loads(self.command("status", "--json").stdout)["queue"]["messages"]

    def first_page(self):
        return [RELEASE / "sealpost", "queue", "list", "--data", self.folder / "data"]

    def change_certificate(self, certificate, key):
        place_pair(self.folder / "live", certificate, key)


class Limit(Server):
    """The smallest server that could do the same: an SMTP sink with group commit, or one that does nothing but STARTTLS."""
    name = "limit"
    kinds = ("accept", "handshakes", "idle", "large")

    @classmethod
    def version(cls):
        if not (RELEASE / "bench/bench-limit").exists():
            raise Unavailable("bench-limit is not built")
        return ""

    def launch(self):
        spool = self.folder / "spool"
        spool.mkdir(exist_ok=True)
        pair = ["--cert", self.setup.certificate, "--key", self.setup.key]
        if self.setup.limit == "smtp":
            words = ["smtp", "--listen", self.address, "--spool", spool, *pair]
        else:
            words = ["tls", "--listen", self.address, *pair] + (["--tickets"] if self.setup.limit == "tls-tickets" else [])
        self.process = self.group.spawn([RELEASE / "bench/bench-limit", *words], self.log, self.setup.cpus)
