"""Runs the tools against each other: tools_test.py FOLDER, where FOLDER has bench-load, bench-sink and bench-limit."""
import contextlib
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

FOLDER = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build/release/bench")
SECONDS = 20  # the most that one tool may take
RESULT_KEYS = {"transactions", "sessions", "errors", "first_error", "seconds", "per_second", "latency_us", "session_us",
               "ehlo_after_tls_us", "bytes", "cpu_us", "cpu_us_per", "resumed"}


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def run(tool, *words, status=0, **options):
    done = subprocess.run([FOLDER / tool, *map(str, words)], stdout=subprocess.PIPE, text=True, timeout=SECONDS,
                          check=False, **options)
    assert done.returncode == status, f"{tool} ended with {done.returncode}: {done.stdout}"
    return json.loads(done.stdout)


def load(address, *words, status=0):
    return run("bench-load", "--connect", address, *words, status=status)


class Server:
    """A bench-sink or bench-limit that says ready, and its result when it is over."""

    def __init__(self, *words):
        self.process = subprocess.Popen([FOLDER / words[0], *map(str, words[1:]), "--deadline", str(SECONDS)],
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def result(self, status=0, stop=False):
        if stop:
            self.process.terminate()
        output, _ = self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == status, f"ended with {self.process.returncode}: {output}"
        return json.loads(output) if output else None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Recorder(threading.Thread):
    """An SMTP server of few words for one connection; keeps the content as it came over the wire."""

    def __init__(self, last_reply=b"250 ok\r\n", goodbye=b"221 bye\r\n"):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.content, self.commands, self.replies = b"", [], {b"DATA": b"354 go\r\n", b"QUIT": goodbye}
        self.last_reply = last_reply
        self.start()

    def run(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rwb") as stream:
            self.say(stream, b"220 recorder\r\n")
            for line in stream:
                self.commands.append(line)
                verb = line[:4].upper()
                self.say(stream, self.replies.get(verb, b"250 ok\r\n"))
                if verb == b"QUIT":
                    return
                if verb == b"DATA":
                    self.content = b"".join(iter(stream.readline, b".\r\n"))
                    self.say(stream, self.last_reply)

    @staticmethod
    def say(stream, reply):
        stream.write(reply)
        stream.flush()

    def close(self):
        self.join(SECONDS)
        self.listener.close()


def send(address, *contents):
    """Sends each content, which is dot-stuffed already; returns the replies that followed them."""
    host, port = address.rsplit(":", 1)
    replies = []
    with socket.create_connection((host, int(port)), SECONDS) as connection, connection.makefile("rwb") as stream:
        stream.readline()
        for content in contents:
            for words in (b"MAIL FROM:<>\r\n", b"RCPT TO:<a@b>\r\n", b"DATA\r\n", content + b".\r\n"):
                stream.write(words)
                stream.flush()
                reply = stream.readline()
            replies.append(reply)
    return replies


def record():
    with contextlib.closing(Recorder()) as recorder:
        load(recorder.address, "--total", 1, "--size", 2000)
    return recorder.content


class ToolsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="bench-tools-")
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.certificate, cls.key = cls.folder / "crt", cls.folder / "key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc",
                        "-keyout", cls.key, "-out", cls.certificate, "-days", "2", "-subj", "/CN=bench.test"],
                       stderr=subprocess.DEVNULL, check=True)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def server(self, *words):
        server = Server(*words)
        self.addCleanup(server.close)
        return server

    def smtp_limit(self):
        address = free_address()
        return address, self.server("bench-limit", "smtp", "--listen", address, "--spool", self.folder, "--cert",
                                    self.certificate, "--key", self.key)

    def sink(self, *words):
        address = free_address()
        return address, self.server("bench-sink", "--listen", address, *words)

    def test_load_to_limit(self):
        address, limit = self.smtp_limit()
        result = load(address, "--connections", 5, "--messages", 4, "--total", 200, "--account", limit.process.pid)
        self.assertLessEqual(RESULT_KEYS, set(result))
        self.assertEqual((result["transactions"], result["errors"], result["first_error"]), (200, 0, ""))
        self.assertEqual(result["bytes"], 200 * 4096)
        self.assertGreaterEqual(result["sessions"], 50)
        self.assertGreater(result["cpu_us"], 0)
        self.assertLessEqual(0, result["latency_us"]["p50"])
        self.assertLessEqual(result["latency_us"]["p50"], result["latency_us"]["p99"])
        self.assertLessEqual(result["latency_us"]["p99"], result["latency_us"]["max"])
        self.assertIsNone(result["ehlo_after_tls_us"]["p50"])
        kept = limit.result(stop=True)
        self.assertEqual((kept["messages"], kept["bytes"]), (200, 200 * 4096))
        self.assertTrue(1 <= kept["flushes"] <= 200)
        self.assertEqual((self.folder / "segment").stat().st_size, 200 * (4096 + 16))

    def test_account_counts_descendants_that_ended(self):
        address, _ = self.sink()
        burn = "read go; sleep 0.2; (sha256sum </dev/zero & sleep 0.4; kill $!; wait $!) 2>/dev/null; read end"
        with subprocess.Popen(["sh", "-c", burn], stdin=subprocess.PIPE, text=True) as shell:
            shell.stdin.write("go\n")
            shell.stdin.flush()
            result = load(address, "--seconds", 0.8, "--account", shell.pid, "--account", shell.pid)
            shell.stdin.close()
        self.assertTrue(5_000 < result["cpu_us"] < 700_000, result["cpu_us"])

    def test_with_tls_and_threads(self):
        address, _ = self.smtp_limit()
        options = ("--starttls", "--no-pipelining", "--connections", 4, "--messages", 3, "--total", 60)
        result = load(address, *options, "--threads", 2, "--size", 50000)
        self.assertEqual((result["transactions"], result["errors"], result["resumed"]), (60, 0, 0))
        result = load(address, *options, "--resume", "--threads")
        self.assertEqual((result["transactions"], result["errors"]), (60, 0))
        self.assertGreater(result["resumed"], 0)
        self.assertGreater(result["ehlo_after_tls_us"]["p50"], 0)

    def test_rate_of_a_window(self):
        address, _ = self.sink()
        result = load(address, "--seconds", 0.5, "--connections", 2, "--messages", 10)
        self.assertEqual(result["errors"], 0)
        self.assertTrue(0.8 < result["per_second"] * 0.5 / result["transactions"] <= 1)
        with contextlib.closing(Recorder()) as recorder:  # answers one client only
            result = load(recorder.address, "--seconds", 0.5, "--stall", 0.3, status=1)
        self.assertEqual((result["transactions"], result["per_second"]), (1, 2.0))

    def test_handshakes(self):
        address = free_address()
        self.server("bench-limit", "tls", "--listen", address, "--cert", self.certificate, "--key", self.key, "--tickets")
        for words, least in (((), 0), (("--resume",), 20), (("--resume", "--tls1.2"), 20)):
            result = load(address, "--handshakes", "--connections", 5, "--total", 30, *words)
            self.assertEqual((result["transactions"], result["sessions"], result["errors"]), (30, 30, 0))
            self.assertTrue(least <= result["resumed"] <= (30 if least else 0))

    def test_idle(self):
        address, _ = self.smtp_limit()
        process = subprocess.Popen([FOLDER / "bench-load", "--connect", address, "--idle", "--connections", "20", "--starttls"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        output, _ = process.communicate(timeout=SECONDS)  # closes standard input
        self.assertEqual(process.returncode, 0)
        self.assertEqual((json.loads(output)["sessions"], json.loads(output)["errors"]), (20, 0))

    def test_sink_counts(self):
        address, sink = self.sink("--expect", 150, "--starttls", self.certificate, self.key)
        load(address, "--connections", 3, "--messages", 5, "--total", 50, "--size", 100000)
        load(address, "--connections", 3, "--total", 50, "--starttls", "--size", 1)
        load(address, "--total", 50, "--messages", 50, "--domains", 7)
        result = sink.result()
        self.assertEqual((result["messages"], result["damaged"], result["duplicates"]), (150, 0, 0))
        self.assertGreater(result["bytes"], 50 * 104096)
        self.assertGreater(result["done_at_unix"], 1e9)
        self.assertGreater(result["first_to_last_seconds"], 0)

    def test_sink_sees_damage(self):
        content = record()
        self.assertIn(b"\r\n..", content)
        head, body = content.split(b"\r\n\r\n", 1)
        flipped = bytearray(body)
        flipped[700] ^= 1
        lines = body.splitlines(keepends=True)
        damaged = {
            "garbage": b"Subject: nothing of ours\r\n\r\nhello\r\n",
            "no body": head + b"\r\n",
            "flipped bit": head + b"\r\n\r\n" + bytes(flipped),
            "lost line": head + b"\r\n\r\n" + b"".join(lines[:3] + lines[4:]),
            "exchanged lines": head + b"\r\n\r\n" + b"".join([lines[1], lines[0], *lines[2:]]),
            "lost dot": head + b"\r\n\r\n" + body.replace(b"\r\n..", b"\r\n", 1),
            "double dot": head + b"\r\n\r\n" + body.replace(b"\r\n..", b"\r\n...", 1),
            "other sum": re.sub(rb"(X-Bench-Sum: )\w", rb"\1x", head) + b"\r\n\r\n" + body,
            "longer": content + b"more\r\n",
        }
        for name, wrong in damaged.items():
            with self.subTest(name):
                self.assertNotEqual(wrong, content)
                address, sink = self.sink()
                self.assertEqual(send(address, wrong), [b"250 2.0.0 verified\r\n"])
                result = sink.result(status=1, stop=True)
                self.assertEqual((result["messages"], result["damaged"], result["duplicates"]), (1, 1, 0))

    def test_sink_takes_whatever_header_is_added(self):
        content = record()
        address, sink = self.sink("--expect", 1)
        send(address, b"Received: from a\r\n\tby b" + b"x" * 500 + b"\r\nDKIM-Signature: v=1\r\n" + content)
        self.assertEqual(sink.result()["damaged"], 0)

    def test_sink_sees_duplicates(self):
        content, other = record(), record()
        address, sink = self.sink("--expect", 3)
        send(address, content, content, other)
        send(address, content)
        result = sink.result(status=1, stop=True)
        self.assertEqual((result["messages"], result["damaged"], result["duplicates"]), (4, 0, 2))
        self.assertFalse(result["complete"])

    def test_size_check(self):
        content = record()
        wrong = re.sub(rb"(X-Bench-Sum: )\w{4}", rb"\g<1>0123", content)
        address, sink = self.sink("--size-check")
        send(address, wrong, content + b"more\r\n")
        self.assertEqual(sink.result(status=1, stop=True)["damaged"], 1)

    def test_quit_without_waiting(self):
        with contextlib.closing(Recorder(goodbye=b"")) as recorder:
            result = load(recorder.address, "--total", 1, status=1)
        self.assertEqual((result["errors"], result["first_error"]), (1, "at QUIT: closed by the server"))
        with contextlib.closing(Recorder(goodbye=b"")) as recorder:
            result = load(recorder.address, "--total", 1, "--quit-nowait")
        self.assertEqual((result["sessions"], result["errors"]), (1, 0))
        self.assertEqual(recorder.commands[-1], b"QUIT\r\n")

    def test_slow(self):
        address, sink = self.sink("--slow", 40, "--expect", 2)
        result = load(address, "--total", 2, "--connections", 2)
        self.assertEqual(result["errors"], 0)
        self.assertGreaterEqual(result["latency_us"]["p50"], 40000)
        self.assertGreaterEqual(result["session_us"]["p50"], 7 * 40000)
        self.assertEqual(sink.result()["messages"], 2)

    def test_deadline(self):
        address, _ = self.sink("--silent")
        result = load(address, "--connections", 3, "--total", 5, "--deadline", 0.5, status=1)
        self.assertEqual((result["transactions"], result["errors"]), (0, 3))
        self.assertEqual(result["first_error"], "at greeting: the deadline has passed")

    def test_stall(self):
        address, _ = self.sink("--silent")
        result = load(address, "--connections", 2, "--total", 2, "--stall", 0.3, status=1)
        self.assertEqual((result["errors"], result["first_error"]), (2, "at greeting: no answer"))

    def test_refusals(self):
        with contextlib.closing(Recorder(b"452 4.3.1 later\r\n")) as recorder:
            result = load(recorder.address, "--total", 1, "--recipient", "a@b.test", "--sender", "c@d.test", status=1)
        self.assertEqual((result["transactions"], result["errors"]), (0, 1))
        self.assertEqual(result["first_error"], "at content: 452 4.3.1 later")
        self.assertEqual(recorder.commands[1:], [b"MAIL FROM:<c@d.test>\r\n", b"RCPT TO:<a@b.test>\r\n", b"DATA\r\n"])
        result = load(free_address(), "--total", 3, status=1)
        self.assertEqual((result["errors"], result["first_error"]), (3, "at connecting: Connection refused"))

    def test_domains(self):
        with contextlib.closing(Recorder()) as recorder:
            load(recorder.address, "--total", 4, "--messages", 4, "--domains", 3)
        recipients = [line for line in recorder.commands if line.startswith(b"RCPT")]
        self.assertEqual(recipients, [b"RCPT TO:<rcpt@d%d.dest.test>\r\n" % n for n in (0, 1, 2, 0)])

    def test_sizes(self):
        for size in (400, 401, 477, 478, 479, 4096, 100001):
            with contextlib.closing(Recorder()) as recorder:
                load(recorder.address, "--total", 1, "--size", size)
            content = re.sub(rb"(?m)^\.", b"", recorder.content)
            self.assertEqual(len(content), size)

    def test_limits_of_the_machine(self):
        result = run("bench-limit", "fdatasync", "--spool", self.folder, "--total", 20)
        self.assertTrue(0 < result["p50"] <= result["p99"] <= result["max"])
        result = run("bench-limit", "handshake", "--cert", self.certificate, "--key", self.key, "--total", 5)
        self.assertTrue(0 < result["p50"] <= result["p99"])
        self.assertGreater(result["cpu_us_per"], 0)

    def test_usage(self):
        for words in (["bench-load"], ["bench-sink"], ["bench-limit", "smtp"], ["bench-limit", "tls"],
                      ["bench-limit", "fdatasync"], ["bench-limit", "handshake"], ["bench-limit"]):
            asked = subprocess.run([FOLDER / words[0], *words[1:], "--help"], stdout=subprocess.PIPE, text=True, check=True)
            self.assertTrue(asked.stdout.startswith("usage: bench-"))
            wrong = subprocess.run([FOLDER / words[0], *words[1:], "--nonsense"], stderr=subprocess.DEVNULL, check=False)
            self.assertEqual(wrong.returncode, 2)


if __name__ == "__main__":
    unittest.main()
