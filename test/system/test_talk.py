"""The conversations of test/talk, held with a running daemon (their form: test/talk/README.md)."""
import fnmatch
import pathlib
import re

import pytest
from harness.smtp import Client, Closed, insecure

TALKS = pathlib.Path(__file__).resolve().parents[1] / "talk"
MACHINE_OPTIONS = {"max-command-line"}
DOCUMENT_LEAST = {"max-recipients": 100, "max-message-size": 65536}  # the document allows no smaller ones
SECONDS = 10


class Talk:
    def __init__(self, path):
        self.steps, self.options, self.machine_only, self.one_write = [], {}, None, False
        for line in path.read_text(encoding="utf-8").split("\n"):
            if not line or line.startswith("#"):
                continue
            kind, text = line[0], line[3:]
            assert line[1] == ":", f"{path.name}: {line!r}"
            if kind == "O":
                key, _, value = text.partition(" ")
                self.options[key] = value
            elif kind == "H":
                self.machine_only = text if text.startswith("machine-only") else self.machine_only
                self.one_write = self.one_write or text.startswith("one-write")
            elif kind in "AX":
                self.machine_only = self.machine_only or "the caller's answers are scripted"
            else:
                self.steps.append((kind, text))
        if MACHINE_OPTIONS & set(self.options):
            self.machine_only = f"the document has no {MACHINE_OPTIONS & set(self.options)}"
        for key, least in DOCUMENT_LEAST.items():
            if int(self.options.get(key, least)) < least:
                self.machine_only = f"the document's {key} is {least} at least"


def unescaped(text):
    simple = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}

    def one(match):
        code = match[1].decode()
        return bytes([int(code[1:], 16)]) if code[0] == "x" else simple[code]
    return re.sub(rb"\\(x[0-9A-Fa-f]{2}|[rnt0\\])", one, text.encode("utf-8"))


def octets(kind, text):
    if kind == "C":
        return text.encode("utf-8") + b"\r\n"
    if kind == "R":
        count, _, rest = text.partition(" ")
        return unescaped(rest) * int(count)
    return unescaped(text)


def says(pattern, line):
    pattern = pattern.replace("[", "[[]")
    return fnmatch.fnmatchcase(line.lower(), pattern.lower())


class Conversation:
    def __init__(self, client):
        self.client, self.ahead = client, []

    def line(self):
        return self.ahead.pop(0) if self.ahead else self.client.line()

    def expect(self, pattern):
        if not pattern.endswith("-..."):
            line = self.line()
            assert says(pattern, line), f"expected {pattern!r}, got {line!r}"
            return
        while True:  # the rest of a reply
            line = self.line()
            assert line.startswith(pattern[:3]), f"expected {pattern!r}, got {line!r}"
            if line[3:4] == " ":
                return


def hold(talk, client):
    conversation, waiting = Conversation(client), b""
    for kind, text in [*talk.steps, ("end", "")]:
        if kind in "CcR":
            waiting += octets(kind, text)
            continue
        if waiting:
            client.send(waiting)
            waiting = b""
        if kind == "S":
            conversation.expect(text)
        elif kind == "T":
            client.socket = insecure().wrap_socket(client.socket)
        elif kind == "E" and text.startswith("close"):
            assert client.is_closed(SECONDS), "the server should have closed"


def for_a_daemon():
    found = sorted(path.stem for path in TALKS.glob("*.talk") if not Talk(path).machine_only)
    assert len(found) > 40, "the conversations have moved"
    return found


@pytest.mark.parametrize("name", for_a_daemon())
def test_talk(sealpost, name):
    talk = Talk(TALKS / f"{name}.talk")
    mail = sealpost(**{"hostname": "mx.example.org", "accepted-domains": ["example.org"]})
    mail.document["send-connectors"]["local"]["address-spaces"] = ["example.org"]
    values = {key: int(value) if value.isdigit() else value for key, value in talk.options.items()}
    if values.get("max-protocol-errors") == 0:
        values["max-protocol-errors"] = "unlimited"
    mail.internet(**values).start()
    tls = insecure() if talk.options.get("tls") == "implicit" else None
    with Client(mail.port, greeting=False, tls=tls, timeout=SECONDS) as client:
        try:
            hold(talk, client)
        except Closed as closed:
            raise AssertionError(f"the server closed; unread: {closed.args[0]!r}") from closed
