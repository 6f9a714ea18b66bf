"""Limits on the way in, and back pressure."""
import time

import pytest
from harness import net
from harness.send import MESSAGE, send
from harness.smtp import Client, Closed


def greeting(port, **options):
    client = Client(port, greeting=False, **options)
    try:
        return client, client.reply().code
    except (Closed, OSError):
        return client, None


def test_connections_per_source(sealpost):
    mail = sealpost().internet(**{"max-connections-per-source": 3}).start()
    open_ones = [greeting(mail.port) for _ in range(3)]
    assert [code for _, code in open_ones] == [220] * 3
    refused, code = greeting(mail.port)
    assert code == 421
    other, code = greeting(mail.port, source="127.0.0.5")
    assert code == 220
    open_ones[0][0].close()
    time.sleep(0.3)
    again, code = greeting(mail.port)
    assert code == 220
    for client in (refused, other, again, *(c for c, _ in open_ones)):
        client.close()


def test_connections_in_total(sealpost):
    mail = sealpost().internet(**{"max-connections": 2}).start()
    clients = [greeting(mail.port, source=f"127.0.0.{n}") for n in (11, 12, 13)]
    assert sorted(code for _, code in clients) == [220, 220, 421]
    for client, _ in clients:
        client.close()


def test_connection_rate(sealpost):
    mail = sealpost().internet(**{"max-connection-rate": 5}).start()
    codes = []
    for _ in range(8):
        client, code = greeting(mail.port)
        client.close()
        codes.append(code)
    assert codes.count(421) >= 2 and codes[0] == 220 and codes[-1] == 421


def test_recipients(sealpost):
    mail = sealpost().internet(**{"max-recipients": 100}).start()
    with Client(mail.port) as client:
        assert any("RCPTMAX=100" in line for line in client.ehlo().lines)
        client.cmd("MAIL FROM:<a@example.net>", 250)
        for n in range(100):
            client.cmd(f"RCPT TO:<u{n}@example.test>", 250)
        reply = client.cmd("RCPT TO:<one-too-many@example.test>", 452)
        assert reply.text.startswith("4.5.3")
        client.cmd("DATA", 354)
        client.send(MESSAGE + b".\r\n")
        assert client.reply().code == 250
    net.wait_for(lambda: all(mail.delivered(f"u{n}") for n in range(100)), 30, "a hundred deliveries")
    assert not mail.delivered("one-too-many")


def test_size(sealpost):
    mail = sealpost().internet(**{"max-message-size": "64KB", "max-header-size": "32KB"}).start()
    with Client(mail.port) as client:
        assert "SIZE 65536" in client.ehlo().lines
        assert client.cmd("MAIL FROM:<a@example.net> SIZE=65537").code == 552
        assert mail.status()["counters"]["messages-refused-size"] == 1
        client.envelope("a@example.net", "user@example.test")
        client.cmd("DATA", 354)
        client.send(b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 2000 + b".\r\n")
        reply = client.reply()
        assert reply.code == 552 and reply.text.startswith("5.3.4")
        client.envelope("a@example.net", "user@example.test")
        client.send(b"BDAT 100000 LAST\r\n" + b"x" * 100000)
        assert client.reply().code == 552
        assert client.message("a@example.net", "user@example.test", MESSAGE).code == 250
    assert len(mail.wait_delivered("user")) == 1


def test_announced_bdat_size_is_not_believed_by_memory(sealpost_shared):
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.envelope("a@example.net", "user@example.test")
        client.send(b"BDAT 9999999999999999999999 LAST\r\n")
        assert client.reply().code // 100 == 5
    with Client(sealpost_shared.port) as client:
        client.ehlo()
        client.envelope("a@example.net", "user@example.test")
        client.send(b"BDAT 18446744073709551615\r\n" + b"x" * 1000000)  # all of it would have to be read before the reply
    with Client(sealpost_shared.port) as client:
        client.ehlo()


def test_header_size(sealpost):
    mail = sealpost().internet(**{"max-header-size": "10KB"}).start()
    with Client(mail.port) as client:
        client.ehlo()
        reply = client.message("a@example.net", "user@example.test", b"X: " + b"y" * 900 + b"\r\n" + b"X: z\r\n" * 3000 + b"\r\nbody\r\n")
        assert reply.code == 552 and reply.text.startswith("5.3.4"), reply
        assert client.message("a@example.net", "user@example.test", b"Subject: x\r\n\r\n" + b"y\r\n" * 50000).code == 250


def test_hops(sealpost):
    mail = sealpost().internet(**{"max-hops": 10}).start()
    with Client(mail.port) as client:
        client.ehlo()
        assert client.message("a@example.net", "user@example.test", b"Received: x\r\n" * 10 + MESSAGE).code == 250
        reply = client.message("a@example.net", "user@example.test", b"Received: x\r\n" * 11 + MESSAGE)
        assert reply.code == 554 and reply.text.startswith("5.4.6"), reply


def test_a_loop_between_two_ends(sealpost):
    """Two servers that hand a message to each other stop after max-hops, and the sender hears of it."""
    one, two = sealpost(), sealpost()
    for mine, other in ((one, two), (two, one)):
        mine.internet(**{"relay": True, "from": ["127.0.0.0/8"], "max-hops": 10})
        mine.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{other.port}"])
        mine.start()
    send(one, "user@loop.example", sender="a@example.test")
    net.wait_for(lambda: one.delivered("a") or two.delivered("a"), 30, "the report of the loop")
    report = (one.delivered("a") or two.delivered("a"))[0]
    assert b"5.4.6" in report
    one.wait_empty()
    two.wait_empty()


def test_messages_per_connection(sealpost):
    mail = sealpost().internet(**{"max-messages-per-connection": 2}).start()
    with Client(mail.port) as client:
        client.ehlo()
        for _ in range(2):
            assert client.message("a@example.net", "user@example.test", MESSAGE).code == 250
        assert client.cmd("MAIL FROM:<a@example.net>").code in (421, 450, 452)


def test_protocol_errors(sealpost):
    mail = sealpost().internet(**{"max-protocol-errors": 3}).start()
    with Client(mail.port) as client:
        client.ehlo()
        codes = [client.cmd("NONSENSE").code for _ in range(3)]
        if 421 not in codes:
            client.send(b"NONSENSE\r\n")
            try:
                codes.append(client.reply().code)
            except (Closed, OSError):
                codes.append(None)
        assert codes[0] == 500 and client.is_closed()


def test_idle_timeout(sealpost):
    mail = sealpost().internet(**{"idle-timeout": "1s"}).start()
    with Client(mail.port) as client:
        client.ehlo()
        began = time.monotonic()
        assert client.reply().code == 421
        assert 0.7 < time.monotonic() - began < 6 and client.is_closed()


def test_session_timeout_is_not_put_off_by_noop(sealpost):
    mail = sealpost().internet(**{"timeout": "3s", "idle-timeout": "2s"}).start()
    with Client(mail.port) as client:
        client.ehlo()
        began = time.monotonic()
        while time.monotonic() - began < 10:
            try:
                if client.cmd("NOOP").code == 421:
                    break
            except (Closed, OSError):
                break
            time.sleep(0.3)
        assert time.monotonic() - began < 8


def test_tarpit(sealpost):
    mail = sealpost().internet(tarpit="1s").start()
    with Client(mail.port) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<a@example.net>", 250)
        began = time.monotonic()
        assert client.cmd("RCPT TO:<x@elsewhere.example>").code == 550
        assert 0.9 < time.monotonic() - began < 5
        began = time.monotonic()
        client.cmd("RCPT TO:<user@example.test>", 250)
        assert time.monotonic() - began < 0.9


@pytest.mark.bounded(120)
def test_back_pressure_by_queue_length(sealpost):
    mail = sealpost(queue={"max-length": 100}).internet(**{"relay": True, "from": ["127.0.0.0/8"], "max-connection-rate": "unlimited"})
    mail.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{net.free_port()}"]).start()
    with Client(mail.port) as client:
        client.ehlo()
        for n in range(105):
            reply = client.cmd("MAIL FROM:<a@example.net>")
            if reply.code == 452:
                break
            client.cmd(f"RCPT TO:<u{n}@elsewhere.example>", 250)
            client.cmd("DATA", 354)
            client.send(MESSAGE + b".\r\n")
            assert client.reply().code == 250

        def refused():
            reply = client.cmd("MAIL FROM:<a@example.net>")
            if reply.code == 250:
                client.cmd("RSET", 250)
                return False
            assert reply.code == 452 and reply.text.startswith("4.3.1"), reply
            return True
        net.wait_for(refused, 15, "back pressure", step=0.2)
        event = net.wait_for(lambda: [e for e in mail.events() if "pressure" in e["name"]], 10, lambda: str(mail.events()))[-1]
        assert event["id"] in (15004, 15006, 15007) or "pressure" in event["name"]
        mail.cli("queue", "remove", "--all")
        net.wait_for(lambda: not refused(), 20, "the end of back pressure", step=0.2)


def test_back_pressure_by_disk(sealpost):
    mail = sealpost(queue={"disk-high": "3%", "disk-medium": "2%", "disk-low": "1%"}).start()

    def refused():
        with Client(mail.port) as client:
            client.ehlo()
            return client.cmd("MAIL FROM:<a@example.net>").code == 452
    net.wait_for(refused, 15, "back pressure", step=0.3)
