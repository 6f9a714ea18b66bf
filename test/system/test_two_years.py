"""Two years with certificates of 47 days, in about a minute: the wall clock of the daemon, of uacme, of Pebble and of the
client goes on by a day per step, and stands while a renewal is under way. Mail comes and goes all the time."""
import collections
import datetime
import json
import os
import re
import subprocess
import sys
import threading
import urllib.request

import pytest
from harness import net
from harness.acme import NAMES, YEARS, Pebble, RenewalInfo
from harness.certs import server_context, trusting
from harness.clock import Clock
from harness.daemon import ROOT, release_binary

DAY = 86400
LIFETIME, TWO_YEARS = 47 * DAY, 2 * 365  # days
# Days of a certificate's age. Without renewal information it would be renewed at 30 or 31.
WINDOW, EARLY_WINDOW, OUTAGE = (33, 34), (12, 13), (32, 42)
EARLY, OUTLASTING = 5, 11  # for which certificates, the first being 0


class Windows(RenewalInfo):
    """Says for each certificate a window by its age, the same one whenever it is asked."""

    def __init__(self, authority, pebble, clock):
        self.clock, self.first_asked = clock, {}
        super().__init__(authority, pebble)

    def suggested(self, path):
        began = self.first_asked.setdefault(path, self.clock.now())  # which is as soon as it is issued
        window = EARLY_WINDOW if list(self.first_asked).index(path) == EARLY else WINDOW
        return [began + datetime.timedelta(days=days) for days in window]


class Visitor:
    """The client (harness/visitor.py), a process with the moved clock."""

    def __init__(self, port, roots, environment):
        self.sessions, self.failures = [], []
        self.process = subprocess.Popen([sys.executable, "-m", "harness.visitor", str(port), str(roots)], env=environment,
                                        cwd=ROOT / "test/system", stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            session = json.loads(line)
            (self.failures if "failed" in session else self.sessions).append(session)

    def session_since(self, moment):
        """A whole session that began then or later."""
        def come():
            assert not self.failures, f"{len(self.failures)}, the first ones: {self.failures[:3]}"
            assert self.process.poll() is None
            return self.sessions and self.sessions[-1]["began"] >= moment
        net.wait_for(come, 20, "a session at the new time", step=0.003)
        return self.sessions[-1]

    def close(self):
        assert net.end(self.process) == 0
        self.reader.join(10)


class Log:
    """How often each event is in the daemon's log, read as it grows."""

    def __init__(self, mail):
        self.file, self.rest, self.counts, self.tail = open(mail.log, encoding="utf-8"), "", collections.Counter(), mail.tail

    def count(self, name):
        *lines, self.rest = (self.rest + self.file.read()).split("\n")
        self.counts.update(match[1] for line in lines if (match := re.search(r" event=(\S+)", line)))
        return self.counts[name]

    def wait(self, name, count):
        net.wait_for(lambda: self.count(name) >= count, 20, lambda: f"{name}, {count} times; {self.tail(20)}", step=0.003)

    def wait_no_renewal(self):
        def none():
            return self.count("renewal-started") == self.count("renewal-failed") + self.count("renewed")
        net.wait_for(none, 40, lambda: f"the end of the renewal; {self.tail(20)}", step=0.003)


class World:
    def __init__(self, mail, clock, stub, visitor, hop):
        self.mail, self.clock, self.stub, self.visitor, self.hop = mail, clock, stub, visitor, hop
        self.log, self.days = Log(mail), 0
        self.lives, self.looked = [], 0  # the first session with each certificate, of so many sessions

    def step(self):
        """Ends when the daemon has heard what the authority says on the new day, a stranger has been there, and no mail waits."""
        asked = self.log.count("renewal-information")
        self.days += 1
        self.clock.move(DAY)
        self.log.wait("clock-set", self.days)
        self.log.wait("renewal-information", asked + 1)
        self.visitor.session_since(self.clock.time())
        self.log.wait_no_renewal()
        net.wait_for(lambda: len(self.hop.messages) >= len(self.visitor.sessions), 20, "the mail to arrive", step=0.003)
        self.look()

    def look(self):
        for session in self.visitor.sessions[self.looked:]:
            self.looked += 1
            if not self.lives or session["sha1"] != self.lives[-1]["sha1"]:
                self.lives.append(session)

    def pass_time(self, days):
        back = None
        while self.days < days:
            self.step()
            age = (self.clock.time() - self.lives[-1]["from"]) / DAY
            if back is None and len(self.lives) == OUTLASTING + 1 and age >= OUTAGE[0]:
                self.stub.down, back = True, self.days + OUTAGE[1] - OUTAGE[0]
            elif self.days == back:
                self.stub.down = False

    def ages(self):
        """How old each certificate became before it was replaced, in days."""
        return [(later["from"] - one["from"]) / DAY for one, later in zip(self.lives, self.lives[1:])]


def roots_of(pebble, authority, folder):
    with urllib.request.urlopen(f"https://127.0.0.1:{pebble.management}/roots/0", context=trusting(authority.pem)) as response:
        path = folder / "pebble-root.pem"
        path.write_bytes(response.read())
    return path


@pytest.fixture
def world(sealpost, peer, sink, dns, authority, closing, tmp_path):
    clock = Clock(tmp_path)
    environment = os.environ | clock.environment
    names = dns({f"{name} A": ["127.0.0.1"] for name in NAMES})
    pebble = peer(Pebble, authority, names, validity=LIFETIME, environment=clock.environment)
    stub = Windows(authority, pebble, clock)
    closing.keep(stub, stub.close)
    hop = sink(tls=server_context(authority.issue("127.0.0.1", days=YEARS, file="hop.pem")))
    mail = sealpost(certificates={"acme": pebble.conf(authority, directory=f"https://127.0.0.1:{stub.port}/dir")})
    mail.program, mail.environment = release_binary(), environment
    mail.relay_to(hop, tls="required", tls_verify="chain", tls_trust_file=str(authority.pem), retry={"delay-notice": "0s"})
    mail.internet(**{"max-connections-per-source": "unlimited", "max-connection-rate": "unlimited"}).start()
    log = Log(mail)
    log.wait("renewed", 1)
    log.wait("renewal-information", 1)
    visitor = Visitor(mail.port, roots_of(pebble, authority, tmp_path), environment)
    closing.keep(visitor, visitor.process.kill)
    return World(mail, clock, stub, visitor, hop)


def check_ages(world):
    ages = world.ages()
    assert len(ages) >= 15, ages
    for number, age in enumerate(ages):
        first, last = EARLY_WINDOW if number == EARLY else OUTAGE[1:] * 2 if number == OUTLASTING else WINDOW
        assert first - 0.1 <= age <= last + 2.1, (number, age, ages)  # after a failure it is tried once a day


def check_mail(world):
    """Every message has arrived, once, and none of them ever in clear text."""
    sent = [session["number"] for session in world.visitor.sessions]
    world.hop.wait(len(sent))
    assert sorted(int(message.header("Subject")) for message in world.hop.messages) == sent
    assert all(message.tls for message in world.hop.messages)
    accepted = world.mail.log_lines("event=accepted")
    assert len(accepted) == len(sent) and all('tls="TLSv1' in line for line in accepted)
    assert not [line for line in world.mail.log_lines("event=session-ended") if "connector=internet" in line]  # only failures


def check_log(world):
    """What failed failed because the authority was down; nothing else was worth a warning."""
    assert world.log.count("renewal-failed") >= 5 and world.log.count("renewal-started") > len(world.lives)
    bad = [line for line in world.mail.log_lines("level=") if "level=info" not in line]
    assert [line for line in bad if not re.search("event=(renewal-failed|renewal-overdue|starttls-certificate-expires-soon) ", line)] == []


@pytest.mark.bounded(240)
def test_two_years(world):
    world.pass_time(TWO_YEARS)
    world.visitor.close()
    assert not world.visitor.failures
    world.look()
    check_ages(world)
    check_mail(world)
    check_log(world)
    print(f"{len(world.ages())} renewals, {world.log.count('renewal-failed')} failed attempts, {len(world.visitor.sessions)} sessions")
