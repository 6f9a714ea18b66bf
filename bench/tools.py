"""The load generator, the sink, the name server and the certificates."""
import json
import os
import select
import socket
import subprocess
import sys
import time

from noise import busy_seconds
from servers import HOSTNAME, RELEASE, ROOT, free_port

LOAD, SINK, LIMIT = (RELEASE / "bench" / name for name in ("bench-load", "bench-sink", "bench-limit"))
STALL_SECONDS = 8  # after the time of a run; what then has not been answered is an error
SENDER, RECIPIENT = "bench@sender.test", "rcpt@dest.test"


class ToolFailed(Exception):
    pass


def _parse(name, output):
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise ToolFailed(f"{name} gave no result: {output[-500:]}")


def _words(options):
    """{"connections": 1, "tls1.2": True, "resume": False} as a command line."""
    words = []
    for key, value in options.items():
        if value is True:
            words.append(f"--{key}")
        elif value is not False and value is not None:
            words += [f"--{key}", str(value)]
    return words


class Load:
    """One run of bench-load, which may take its time while the caller does other things."""

    def __init__(self, address, cpus=None, **options):
        pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
        if "seconds" in options:
            options.setdefault("stall", STALL_SECONDS)
            options.setdefault("deadline", options["seconds"] + STALL_SECONDS)
        options.setdefault("deadline", 300)
        options = {key.replace("_", "-"): value for key, value in options.items()}
        self.options, self.began = options, time.time()
        self.process = subprocess.Popen(
            [LOAD, "--connect", address, "--sender", SENDER, "--recipient", RECIPIENT, *_words(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=pin)

    def wait_ready(self, seconds):
        """With --idle: until all connections are open."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            self.process.kill()
            self.process.communicate()
            raise ToolFailed(f"bench-load has not opened its connections within {seconds} s")
        line = self.process.stdout.readline()
        if line.strip() != "ready":
            raise ToolFailed(f"bench-load: {line}{self.process.communicate()[1]}")

    def wait(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def finish(self):
        try:
            output, errors = self.process.communicate(timeout=self.options["deadline"] + 30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, errors = self.process.communicate()
        done = _parse("bench-load", output + "\n" + errors if not output.strip() else output)
        if done["errors"] and not done["transactions"]:
            raise ToolFailed(f"nothing went through: {done['first_error']}")
        return done


def load(address, **options):
    return Load(address, **options).finish()


class Sink:
    """A next hop that checks what it is given; begins to listen when it is made."""

    def __init__(self, address, **options):
        self.deadline = options.get("deadline", 300)
        self.process = subprocess.Popen([SINK, "--listen", address, *_words(options)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if line.strip() != "ready":
            raise ToolFailed(f"bench-sink does not listen on {address}: {line}")

    def result(self):
        """Waits until it has what it expects, or until its deadline."""
        try:
            output, _ = self.process.communicate(timeout=self.deadline + 10)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            output, _ = self.process.communicate()
        return _parse("bench-sink", output)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate()


class Resolver:
    """The name server, on an address of its own; on port 53 where that is allowed."""

    def __init__(self):
        address = f"127.84.{os.getpid() % 250}.53"
        self.address = f"{address}:{53 if os.geteuid() == 0 else free_port()}"
        self.hosts = [f"127.84.{os.getpid() % 250}.{last}" for last in (60, 61, 62)]  # healthy, dead, slow
        self.process = None

    def start(self):
        self.close()
        self.process = subprocess.Popen([sys.executable, ROOT / "bench/resolver.py", *self.address.split(":"), *self.hosts],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise ToolFailed(f"the name server cannot listen on {self.address}")

    def close(self):
        if self.process:
            self.process.terminate()
            self.process.communicate()
            self.process = None


def make_certificate(folder, kind, number=0):
    """A self-signed certificate: ecdsa (P-256) or rsa (2048 bits); returns the files of certificate and key."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / f"{kind}-{number}.crt", folder / f"{kind}-{number}.key"
    if not key.exists():
        new = ["-newkey", "rsa:2048"] if kind == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        subprocess.run(["openssl", "req", "-x509", *new, "-noenc", "-keyout", key, "-out", certificate, "-days", "30",
                        "-subj", f"/CN={HOSTNAME}", "-addext", f"subjectAltName=DNS:{HOSTNAME}"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return certificate, key


def gauge(words):
    """One figure of the machine itself, from bench-limit."""
    done = subprocess.run([LIMIT, *map(str, words)], stdout=subprocess.PIPE, text=True, timeout=120, check=True)
    return _parse("bench-limit", done.stdout)


def command_ms(words, seconds=60):
    """Milliseconds until a command has ended."""
    begin = time.perf_counter()
    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds,
                   check=False)
    return (time.perf_counter() - begin) * 1000


class Watch:
    """What the machine did besides the server and the load, while something ran."""

    def __init__(self, group):
        self.group, self.began = group, time.monotonic()
        self.busy, self.server = busy_seconds(), group.cpu_seconds()
        self.children = os.times()

    def result(self):
        """Seconds of the server's processor time; processors used by others (the kernel's threads among them)."""
        now, elapsed = os.times(), max(0.01, time.monotonic() - self.began)
        server = self.group.cpu_seconds() - self.server
        ours = now.children_user + now.children_system - self.children.children_user - self.children.children_system
        ours += now.user + now.system - self.children.user - self.children.system
        return server, max(0.0, (busy_seconds() - self.busy - server - ours) / elapsed)
