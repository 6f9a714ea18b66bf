"""kill -9 at random moments under load: whatever was answered with 250 is delivered or still queued afterwards."""
import random
import threading
import time

import pytest
from harness import net
from harness.send import send
from harness.smtp import Client, Closed, stuffed

ROUNDS = 20
SEED = 20260101
QUEUED = 100000


class Senders:
    """Clients that send without end; accepted holds the number of each message that got its 250."""

    def __init__(self, mail, count=4):
        self.mail, self.stop, self.accepted, self.lock, self.next = mail, threading.Event(), set(), threading.Lock(), 0
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def number(self):
        with self.lock:
            self.next += 1
            return self.next

    def run(self, which):
        while not self.stop.is_set():
            try:
                with Client(self.mail.port, timeout=20) as client:
                    client.ehlo()
                    while not self.stop.is_set():
                        number = self.number()
                        size = (10, 2000, 90000, 700000)[number % 4 if which == 0 else number % 3]
                        content = b"X-Number: %d\r\n\r\n" % number + b"x" * 70 * (size // 70) + b"\r\nend %d\r\n" % number
                        recipients = [f"local{number % 3}@example.test", f"n{number}@elsewhere.example"]
                        client.envelope("", *recipients)
                        client.cmd("DATA", 354)
                        client.send(stuffed(content))
                        if client.reply().code == 250:
                            with self.lock:
                                self.accepted.add(number)
            except (Closed, OSError, AssertionError):
                time.sleep(0.02)  # it is down, or went down within a reply

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)


def numbers(contents):
    """The numbers of whole messages; a torn one is a fault."""
    found = set()
    for content in contents:
        text = content.replace(b"\r\n", b"\n")
        number = int(text.split(b"X-Number: ")[1].split(b"\n")[0])
        assert text.endswith(b"end %d\n" % number), f"message {number} is torn"
        found.add(number)
    return found


@pytest.mark.bounded(420)
def test_nothing_accepted_is_lost(sealpost, sink):
    chance = random.Random(SEED)
    out = sink()
    mail = sealpost().internet(**{"max-connections-per-source": "unlimited", "max-connection-rate": "unlimited"})
    mail.relay_to(out, retry={"glitch-count": 15, "glitch-interval": "1s"})
    mail.start()
    senders = Senders(mail)
    try:
        for round_number in range(ROUNDS):
            time.sleep(chance.uniform(0.05, 1.2))
            mail.kill()
            mail.start()
            print(f"  round {round_number + 1} of {ROUNDS}: {len(senders.accepted)} accepted", flush=True)
    finally:
        senders.end()
    mail.cli("queue", "retry", "--all")
    mail.wait_empty(120)
    mail.stop()
    accepted = senders.accepted
    assert len(accepted) > ROUNDS
    relayed = numbers(message.content for message in out.messages)
    local = numbers(content for user in range(3) for content in mail.delivered(f"local{user}"))
    assert not accepted - relayed, f"lost on the way out: {sorted(accepted - relayed)}"
    assert not accepted - local, f"lost on the way into the maildir: {sorted(accepted - local)}"
    copies = len(out.messages) - len(relayed)
    print(f"  {len(accepted)} accepted, {len(relayed)} relayed, {copies} of them more than once; none lost", flush=True)


@pytest.mark.bounded(240)
def test_nothing_queued_is_lost(sealpost):
    """With the next hop down everything stays: accepted = queued, over several kills."""
    chance = random.Random(SEED + 1)
    mail = sealpost().internet(**{"max-connections-per-source": "unlimited", "max-connection-rate": "unlimited", "relay": True,
                                  "from": ["127.0.0.0/8"]})
    mail.document["send-connectors"] = {}
    mail.send("out", address_spaces=["*", "example.test"], smart_hosts=[f"127.0.0.1:{net.free_port()}"]).start()
    senders = Senders(mail, 3)
    try:
        for _ in range(6):
            time.sleep(chance.uniform(0.1, 0.8))
            mail.kill()
            mail.start()
    finally:
        senders.end()
    queued = set()
    for message in mail.queue("--limit", "100000"):
        queued |= {int(r["address"][1:].split("@")[0]) for r in message["recipients"] if r["address"].startswith("n")}
    assert not senders.accepted - queued, f"lost: {sorted(senders.accepted - queued)}"


def fill(port, count):
    """Sends count messages over one connection, pipelined, one content ahead of the next envelope."""
    envelope = b"MAIL FROM:<a@example.net>\r\nRCPT TO:<user@elsewhere.example>\r\nDATA\r\n"
    with Client(port, timeout=60) as client:
        client.ehlo()
        client.send(envelope)
        for n in range(count):
            assert [client.reply().code for _ in range(3)] == [250, 250, 354]
            client.send(b"Subject: x\r\n\r\ny\r\n.\r\n" + (envelope if n + 1 < count else b""))
            assert client.reply().code == 250


@pytest.mark.bounded(400)
def test_a_hundred_thousand_queued_are_ready_within_seconds(sealpost):
    mail = sealpost().internet(**{"max-connections-per-source": "unlimited", "max-connection-rate": "unlimited", "relay": True,
                                  "from": ["127.0.0.0/8"]})
    mail.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{net.free_port()}"]).start()
    threads = [threading.Thread(target=fill, args=(mail.port, QUEUED // 20)) for _ in range(20)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    print(f"  {QUEUED} messages accepted in {time.monotonic() - began:.1f} s", flush=True)
    mail.kill()
    began = time.monotonic()
    mail.start()
    took = time.monotonic() - began
    print(f"  ready {took:.1f} s after a kill with all of them queued", flush=True)
    assert took < 10
    assert mail.status()["queue"]["messages"] == QUEUED
    send(mail, "user@example.test")
    mail.wait_delivered("user", 1, 10)
