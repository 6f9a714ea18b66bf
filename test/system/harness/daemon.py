"""Sealpost itself as a test sees it: a document, a data folder, a process, and the sealpost command."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import yaml

from . import net

ROOT = pathlib.Path(__file__).resolve().parents[3]
SANITIZER = re.compile(r"(ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|runtime error:|"
                       r"Assertion .* failed)")


def binary():
    path = pathlib.Path(os.environ.get("SEALPOST_BINARY", ROOT / "build/release/sealpost"))
    return str(path if path.is_absolute() else ROOT / path)


def release_binary():
    path = pathlib.Path(os.environ.get("SEALPOST_RELEASE", binary()))
    return str(path if path.is_absolute() else ROOT / path)


class PlainDumper(yaml.SafeDumper):
    """Writes every value out: the document has no anchors."""

    def ignore_aliases(self, data):
        return True


def as_yaml(document):
    return yaml.dump(document, Dumper=PlainDumper, sort_keys=False, allow_unicode=True)


class CommandFailed(AssertionError):
    pass


class Sealpost:
    """One data folder and the daemon on it. The document's first receive connector is on self.port; mail for
    example.test goes to a maildir per local part unless the document is given other send connectors."""

    def __init__(self, program=None, **sections):
        self.program = program or binary()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sp-"))  # short: a Unix socket's path has 107 bytes
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.mail = self.folder / "mail"
        self.file = self.folder / "sealpost.yaml"
        self.log = self.folder / "log"
        self.port = net.free_port()
        self.document = self.default_document()
        self.document.update(sections)
        self.process, self.runs = None, 0
        self.environment = None  # None: the test's own

    def default_document(self):
        return {
            "hostname": "mx.example.test",
            "accepted-domains": ["example.test"],
            "receive-connectors": {"internet": self.receive()},
            "send-connectors": {"local": self.local()},
            "dns": {"local-zones": False, "validate": False, "own-names": False},
        }

    def receive(self, **keys):
        return {"bind": [f"127.0.0.1:{self.port}"], "tls": "offered", "tarpit": "0s", **keys}

    def local(self, **keys):
        return {"address-spaces": ["example.test"], "deliver-by": "maildir", "maildir": f"{self.mail}/%l", **keys}

    def internet(self, **keys):
        """Changes the first receive connector."""
        self.document["receive-connectors"]["internet"].update(keys)
        return self

    def send(self, name, **keys):
        """Adds a send connector; keys with _ for -."""
        self.document["send-connectors"][name] = {key.replace("_", "-"): value for key, value in keys.items()}
        return self

    def relay_to(self, *sinks, name="out", spaces=("*",), **keys):
        """A send connector to sinks as smart hosts, and the right to use it."""
        hosts = [f"[{s.host}]:{s.port}" if ":" in s.host else f"{s.host}:{s.port}" for s in sinks]
        self.internet(**{"relay": True, "from": ["127.0.0.0/8"]})
        return self.send(name, address_spaces=list(spaces), smart_hosts=hosts, **keys)

    # ---- the process ----

    def start(self, seconds=30, wait=True):
        if not self.file.exists() or yaml.safe_load(self.file.read_text()) != self.document:
            self.file.write_text(as_yaml(self.document))
        self.runs += 1
        self.output = self.folder / f"stdout.{self.runs}"
        with open(self.log, "ab") as log, open(self.output, "wb") as out:
            self.process = subprocess.Popen([self.program, "serve", "--config", str(self.file), "--data", str(self.data)],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=self.environment)
        if wait:
            self.wait_ready(seconds)
        return self

    def wait_ready(self, seconds=30):
        def ready():
            assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.tail()}"
            return self.run("status", "--json").returncode in (0, 1)
        net.wait_for(ready, seconds, lambda: f"readiness of the daemon; its log:\n{self.tail()}")

    def stop(self, seconds=40):
        """A clean end: SIGTERM, status 0, nothing said by a sanitizer."""
        if self.process is None:
            return
        process, self.process = self.process, None
        status = net.end(process, seconds)
        self.check_log()
        assert status == 0, f"the daemon ended with {status}:\n{self.tail()}"

    def kill(self):
        process, self.process = self.process, None
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.check_log()

    def restart(self):
        self.stop()
        return self.start()

    def clean(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self, lines=60):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def check_log(self):
        text = self.log.read_text(errors="replace")
        found = SANITIZER.search(text)
        assert not found, text[max(0, found.start() - 200):found.start() + 6000]

    def log_lines(self, word):
        return [line for line in self.log.read_text(errors="replace").splitlines() if word in line]

    # ---- the command ----

    def run(self, *arguments, stdin=None, seconds=60):
        done = subprocess.run([self.program, *map(str, arguments), "--data", str(self.data)], input=stdin, timeout=seconds,
                              stdin=subprocess.DEVNULL if stdin is None else None, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False, env=self.environment)
        found = SANITIZER.search(done.stderr)
        assert not found, done.stderr
        return done

    def cli(self, *arguments, status=0, stdin=None):
        done = self.run(*arguments, stdin=stdin)
        if done.returncode != status:
            raise CommandFailed(f"sealpost {' '.join(map(str, arguments))}: status {done.returncode}, not {status}\n"
                                f"{done.stdout}{done.stderr}\n--- daemon\n{self.tail(20)}")
        return done.stdout

    def json(self, *arguments, status=0):
        text = self.cli(*arguments, "--json", status=status)
        try:
            return json.loads(text)
        except ValueError as error:
            raise CommandFailed(f"sealpost {' '.join(map(str, arguments))} --json is no JSON: {text[:500]!r}") from error

    # ---- what tests ask most ----

    def delivered(self, user):
        """The files in a local part's maildir, oldest first."""
        folder = self.mail / user / "new"
        if not folder.is_dir():
            return []
        files = sorted(folder.iterdir(), key=lambda p: (p.stat().st_mtime_ns, p.name))
        return [file.read_bytes() for file in files]

    def wait_delivered(self, user, count=1, seconds=20):
        net.wait_for(lambda: len(self.delivered(user)) >= count, seconds,
                     lambda: f"{count} messages for {user} (there are {len(self.delivered(user))}); log:\n{self.tail(25)}")
        return self.delivered(user)

    def status(self):
        """The state of everything, whether something is wrong (exit code 1) or not."""
        return json.loads(self.run("status", "--json").stdout)

    def queue(self, *filters):
        """The messages in the queue as `sealpost queue list --json` tells them."""
        listed = self.json("queue", "list", *filters)
        return listed["messages"] if isinstance(listed, dict) else listed

    def wait_empty(self, seconds=20):
        net.wait_for(lambda: not self.queue(), seconds, lambda: f"an empty queue; it holds {self.queue()}\n{self.tail(20)}",
                     step=0.1)

    def wait_queue(self, condition, seconds=20):
        """Waits until condition(messages) is true, and gives the messages."""
        found = []

        def look():
            found[:] = self.queue()
            return condition(found)
        net.wait_for(look, seconds, lambda: f"the queue's state; it holds {found}\n{self.tail(20)}", step=0.1)
        return found

    def track(self, *filters):
        listed = self.json("track", *filters)
        return listed["records"] if isinstance(listed, dict) else listed

    def events(self):
        listed = self.json("events")
        return listed["events"] if isinstance(listed, dict) else listed

    def wait_event(self, name, seconds=10):
        net.wait_for(lambda: any(event["name"] == name for event in self.events()), seconds,
                     lambda: f"event {name}; there are {[e['name'] for e in self.events()]}", step=0.1)
        return [event for event in self.events() if event["name"] == name]

    def apply(self, document=None, *options, status=0):
        """Applies a changed document to the running daemon."""
        document = document or self.document
        file = self.folder / "applied.yaml"
        file.write_text(as_yaml(document))
        return self.cli("config", "apply", file, *options, status=status)
