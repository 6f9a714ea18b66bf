"""Everything at once, for a short while: this is also what runs under the thread sanitizer."""
import threading

import pytest
from harness import net
from harness.certs import server_context
from harness.send import send
from harness.smtp import Client


@pytest.mark.bounded(300)
def test_load_while_everything_changes(sealpost, sink, authority):
    out = sink(tls=server_context(authority.issue("sink.example.net")), replies={"RCPT": [None] * 20 + ["451 4.2.0 later"] + [None]})
    mail = sealpost().internet(**{"max-connections-per-source": "unlimited", "max-connection-rate": "unlimited"})
    mail.relay_to(out, tls="opportunistic", retry={"glitch-count": 10, "glitch-interval": "1s"}).start()
    stop, faults, accepted = threading.Event(), [], []

    def clients(number):
        n = 0
        while not stop.is_set():
            try:
                with Client(mail.port, timeout=60) as client:
                    client.ehlo()
                    if number % 2:
                        client.starttls()
                        client.ehlo()
                    for _ in range(3):
                        reply = client.message("a@example.net", [f"l{number}@example.test", f"x{number}.{n}@elsewhere.example"],
                                               b"Subject: load\r\n\r\n" + b"x" * 70 * (n % 40) + b"\r\n")
                        assert reply.code == 250, reply
                        accepted.append(reply)
                        n += 1
            except Exception as error:  # whatever it is, the test reports it
                faults.append(error)
                return

    def admin():
        n = 0
        try:
            while not stop.is_set():
                mail.cli("cert", "import", authority.issue(f"n{n}.example.test", file="load.pem"))
                mail.document["receive-connectors"]["internet"]["fqdn"] = f"n{n}.example.test"
                mail.apply()
                mail.status()
                mail.queue()
                mail.track("--limit", "20")
                mail.run("queue", "retry", "--all")
                mail.json("events")
                n += 1
        except Exception as error:
            faults.append(error)
    threads = [threading.Thread(target=clients, args=(n,)) for n in range(4)] + [threading.Thread(target=admin)]
    for thread in threads:
        thread.start()
    stop.wait(10)
    stop.set()
    for thread in threads:
        thread.join(90)
    assert not faults, faults
    mail.wait_empty(60)
    total = len(accepted)
    assert total > 20
    net.wait_for(lambda: sum(len(m.recipients) for m in out.messages) >= total, 30, "everything relayed")
    assert sum(len(mail.delivered(f"l{n}")) for n in range(4)) == total
    assert sum(len(m.recipients) for m in out.messages) == total


def test_stop_under_load_loses_nothing(sealpost, sink):
    out = sink()
    mail = sealpost().internet(**{"max-connections-per-source": "unlimited"}).relay_to(out).start()
    accepted, ended = [], threading.Event()

    def client():
        try:
            with Client(mail.port) as connection:
                connection.ehlo()
                while not ended.is_set():
                    if connection.message("a@example.net", "user@elsewhere.example", b"Subject: x\r\n\r\ny\r\n").code == 250:
                        accepted.append(1)
        except Exception:
            return  # the server stops: that is the point
    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    net.wait_for(lambda: len(accepted) > 30, 30, "some load")
    mail.stop()
    ended.set()
    for thread in threads:
        thread.join(30)
    mail.start()
    mail.wait_empty()
    assert len(out.messages) >= len(accepted)
    send(mail)
