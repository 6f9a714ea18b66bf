"""The queue as an administrator sees and changes it, and across restarts."""
import time

import pytest
from harness import net
from harness.send import send
from harness.sink import HANG, Sink

SLOW = {"glitch-count": 1, "glitch-interval": "1h", "transient-interval": "1h", "interval": "1h"}


@pytest.fixture
def waiting(sealpost):
    """A daemon whose next hops are down, with a message for each of three in the queue."""
    mail = sealpost().internet(**{"relay": True, "from": ["127.0.0.0/8"]})
    mail.next_port = net.free_port()
    for n in range(3):
        mail.send(f"out{n}", address_spaces=[f"d{n}.example"], smart_hosts=[f"127.0.0.1:{mail.next_port}"], retry=SLOW)
    mail.start()
    mail.ids = [send(mail, f"user{n}@d{n}.example", sender=f"from{n}@example.net") for n in range(3)]
    mail.wait_queue(lambda queue: len(queue) == 3 and all(m["recipients"][0]["attempts"] for m in queue))
    return mail


def test_list_says_why_and_what_next(waiting):
    queue = waiting.queue()
    assert [message["id"] for message in queue] == waiting.ids
    recipient = queue[0]["recipients"][0]
    assert recipient["address"] == "user0@d0.example" and recipient["state"] == "queued" and recipient["attempts"] == 1
    assert recipient["connector"] == "out0" and "refused" in recipient["last-reply"].lower() and recipient["next-attempt"]
    text = waiting.cli("queue", "list")
    assert "d0.example" in text and "refused" in text.lower()


@pytest.mark.parametrize("filters,count", [(["--sender", "from1@*"], 1), (["--recipient", "*@d2.example"], 1), (["--domain", "d0.example"], 1),
                                           (["--state", "held"], 0), (["--state", "queued"], 3), (["--connector", "out*"], 3),
                                           (["--connector", "other"], 0), (["--older-than", "1h"], 0), (["--newer-than", "1h"], 3), (["--next-hop", "*smart-hosts"], 3), (["--receive-connector", "internet"], 3)])
def test_filters(waiting, filters, count):
    assert len(waiting.queue(*filters)) == count


def test_filter_finds_what_waits_behind_a_failing_next_hop(waiting):
    """It has had no attempt of its own, and is found as it is listed; so does the remedy that the finding gives."""
    behind = send(waiting, "behind@d0.example")
    hop = "out0/smart-hosts"
    found = net.wait_for(lambda: len(waiting.queue("--next-hop", hop)) == 2 and waiting.queue("--next-hop", hop), 10, "both")
    tried, untried = [message["recipients"][0] for message in found]
    assert found[1]["id"] == behind and untried["attempts"] == 0 and untried["last-next-hop"] is None
    assert tried["next-hop"] == untried["next-hop"] == tried["last-next-hop"] == hop
    assert len(waiting.queue("--connector", "out0")) == 2
    finding = next(f for f in waiting.status()["findings"] if f["id"] == 50100 and hop in f["subject"])
    assert finding["remedy"].endswith(f"sealpost queue retry --next-hop '{hop}'"), finding
    waiting.cli("queue", "hold", "--next-hop", hop)
    assert [m["id"] for m in waiting.queue("--state", "held")] == [waiting.ids[0], behind]


def test_show(waiting):
    shown = waiting.json("queue", "show", waiting.ids[1])
    assert shown["id"] == waiting.ids[1] and shown["sender"] == "from1@example.net"
    assert waiting.ids[1] in waiting.cli("queue", "show", waiting.ids[1])
    waiting.cli("queue", "show", "00000000-0000-7000-8000-000000000000", status=1)


def test_export_gives_the_message(waiting):
    content = waiting.cli("queue", "export", waiting.ids[0])
    assert content.startswith("Received: ") and content.replace("\r\n", "\n").endswith("\n\nIt works.\n")


def test_retry_sends_at_once(waiting):
    out = Sink(port=waiting.next_port)
    try:
        waiting.cli("queue", "retry", waiting.ids[0])
        out.wait(1, 10)
        waiting.cli("queue", "retry", "--all")
        out.wait(3, 10)
        waiting.wait_empty()
    finally:
        out.close()


def test_hold_and_release(waiting):
    waiting.cli("queue", "hold", waiting.ids[0])
    assert [m["recipients"][0]["state"] for m in waiting.queue()] == ["held", "queued", "queued"]
    out = Sink(port=waiting.next_port)
    try:
        waiting.cli("queue", "retry", "--state", "queued")
        out.wait(2, 10)
        time.sleep(0.5)
        assert len(out.messages) == 2
        waiting.restart()
        assert [m["recipients"][0]["state"] for m in waiting.queue()] == ["held"]
        waiting.cli("queue", "release", waiting.ids[0])
        out.wait(3, 10)
    finally:
        out.close()


def test_remove(waiting):
    waiting.cli("queue", "remove", waiting.ids[0])
    waiting.cli("queue", "remove", "--sender", "from1@*")
    assert [message["id"] for message in waiting.queue()] == waiting.ids[2:]
    events = [record["event"] for record in waiting.track("--id", waiting.ids[0])]
    assert events[0] == "RECEIVE" and events[-1] == "REMOVE"


def test_remove_without_a_filter_is_refused(waiting):
    assert waiting.run("queue", "remove").returncode in (1, 2)
    assert len(waiting.queue()) == 3


def test_queued_mail_survives_a_restart(waiting):
    before = waiting.queue()
    waiting.restart()
    after = waiting.queue()
    assert [m["id"] for m in after] == [m["id"] for m in before]
    out = Sink(port=waiting.next_port)
    try:
        waiting.cli("queue", "retry", "--all")
        messages = out.wait(3, 10)
        assert all(message.content.endswith(b"\r\n\r\nIt works.\r\n") for message in messages)
    finally:
        out.close()


def test_a_connector_with_hold_keeps_what_it_takes(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out, hold=True).start()
    send(mail)
    listed = mail.wait_queue(lambda messages: len(messages) == 1)
    recipient = listed[0]["recipients"][0]
    assert "holds" in recipient["why"] and "hold is false" in recipient["next"]
    assert '"held"' in mail.cli("queue", "summary", "--json")
    mail.restart()
    mail.run("queue", "retry", "--all")
    time.sleep(0.3)
    assert not out.sessions and len(mail.queue()) == 1
    mail.cli("send-connector", "set", "out", "hold=")
    out.wait(1, 10)
    mail.wait_empty()


def test_delivery_in_flight_is_repeated_after_kill(sealpost, sink):
    out = sink(replies={"CONTENT": lambda session, _: HANG if session is out.sessions[0] else None})
    mail = sealpost().relay_to(out).start()
    send(mail)
    net.wait_for(lambda: out.sessions and "DATA" in out.sessions[0].commands, 10, "content in flight")
    mail.kill()
    mail.start()
    out.wait(1, 15)
    mail.wait_empty()


def test_track_answers_what_became_of_it(sealpost, sink):
    out = sink(replies={"RCPT bad@elsewhere.example": "550 5.1.1 no"})
    mail = sealpost().relay_to(out).start()
    number = send(mail, ["bad@elsewhere.example", "good@elsewhere.example"], sender="a@example.test")
    mail.wait_delivered("a")
    mail.wait_empty()
    events = [record["event"] for record in mail.track("--id", number)]
    assert events[0] == "RECEIVE" and "SEND" in events and "FAIL" in events
    assert mail.track("--recipient", "good@*") and mail.track("--sender", "a@example.test")
    assert mail.track("--message-id", "hello@example.net") and not mail.track("--recipient", "nobody@*")
    assert number in mail.cli("track", "--id", number)


@pytest.mark.bounded(60)
def test_status_fits_a_screen(waiting):
    text = waiting.run("status").stdout
    assert len(text.splitlines()) <= 40 and "internet" in text and "3" in text
    assert waiting.status()["queue"]["messages"] == 3
