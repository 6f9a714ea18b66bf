"""Mail out: smart hosts, MX, and what is done when a next hop is not there."""
import time

import pytest
from harness import net
from harness.dns import SERVFAIL, SILENCE
from harness.send import MESSAGE, send
from harness.sink import CLOSE, Sink
from harness.smtp import Client

RETRY = {"glitch-count": 3, "glitch-interval": "1s", "transient-interval": "1s", "interval": "1s"}


def relay_by_mx(sealpost, table, port):
    """A daemon that sends everything by MX, to the given port, with this DNS."""
    mail = sealpost(dns=table.conf)
    mail.internet(**{"relay": True, "from": ["127.0.0.0/8"]})
    return mail.send("out", address_spaces=["*"], deliver_by="mx", port=port, retry=RETRY)


def test_smart_host(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out).start()
    number = send(mail, ["one@elsewhere.example", "two@elsewhere.example"])
    (message,) = out.wait()
    assert message.sender == "a@example.net"
    assert message.recipients == ["one@elsewhere.example", "two@elsewhere.example"]
    assert message.content.endswith(MESSAGE) and message.helo == "mx.example.test"
    assert number in message.header("Received")
    mail.wait_empty()
    records = mail.track("--id", number)
    assert [record["event"] for record in records] == ["RECEIVE", "SEND", "SEND"]


def test_message_is_forwarded_unchanged_behind_one_received(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out).start()
    content = b"Received: from x\r\n\tby y\r\nsubject:no space\r\nBroken header line\r\n\r\n.\r\n..\r\n\r\n"
    send(mail, content=content)
    (message,) = out.wait()
    assert message.content.endswith(content)
    added = message.content[:-len(content)]
    assert added.startswith(b"Received: ") and added.count(b"\r\nReceived") == 0 and max(map(len, added.split(b"\r\n"))) <= 120


def test_second_smart_host_when_the_first_is_down(sealpost, sink):
    out, dead = sink(), net.free_port()
    mail = sealpost().relay_to(out)
    mail.document["send-connectors"]["out"]["smart-hosts"].insert(0, f"127.0.0.1:{dead}")
    mail.start()
    for n in range(4):
        send(mail, content=b"Subject: %d\r\n\r\nx\r\n" % n)
    out.wait(4, 10)


@pytest.mark.parametrize("greeting", ["421 4.3.2 busy", "450 4.3.2 busy", "554 5.3.2 no mail here", CLOSE])
def test_second_smart_host_when_the_first_refuses_service(sealpost, sink, greeting):
    out, bad = sink(), sink(replies={"CONNECT": greeting})
    mail = sealpost().relay_to(bad, out, retry=RETRY).start()
    send(mail)
    out.wait(1, 15)


@pytest.mark.parametrize("greeting", ["521 no mail here, ever", "554 5.3.2 no mail here", "421 4.3.2 busy"])
def test_only_smart_host_refuses_service(sealpost, sink, greeting):
    """A host that is misconfigured for a while must not cost mail: 5xx in its greeting is about the host, not the message."""
    out = sink(replies={"CONNECT": [greeting, greeting, None]})
    mail = sealpost().relay_to(out, retry=RETRY).start()
    send(mail, sender="a@example.test")
    out.wait(1, 20)
    assert not mail.delivered("a")


def test_ipv6_smart_host(sealpost, sink):
    out = sink(host="::1")
    mail = sealpost().relay_to(out).start()
    send(mail)
    out.wait()


def test_mx_preference(sealpost, sink, dns):
    port = net.free_port()
    first, second = sink(host="127.0.0.2", port=port), sink(host="127.0.0.3", port=port)
    table = dns({"elsewhere.example MX": ["20 b.elsewhere.example", "10 a.elsewhere.example"],
                 "a.elsewhere.example A": ["127.0.0.2"], "b.elsewhere.example A": ["127.0.0.3"]})
    mail = relay_by_mx(sealpost, table, port).start()
    send(mail)
    first.wait()
    assert not second.messages
    # What was not needed was not asked for.
    assert not {"a.elsewhere.example AAAA", "b.elsewhere.example A", "b.elsewhere.example AAAA"} & set(table.asked)


def test_ipv6_of_the_first_mx_comes_before_the_second_mx(sealpost, sink, dns):
    port = net.free_port()
    first, second = sink(host="::1", port=port), sink(host="127.0.0.3", port=port)
    table = dns({"elsewhere.example MX": ["10 a.elsewhere.example", "20 b.elsewhere.example"],
                 "a.elsewhere.example A": ["127.0.0.9"], "a.elsewhere.example AAAA": ["::1"],
                 "b.elsewhere.example A": ["127.0.0.3"]})
    mail = relay_by_mx(sealpost, table, port).start()
    send(mail)
    first.wait(1, 10)
    assert not second.messages


def test_no_mx_works(sealpost, sink, dns):
    """Asked for in two steps, the addresses are tried in one attempt, which then fails as a whole."""
    port = net.free_port()
    table = dns({"elsewhere.example MX": ["10 a.elsewhere.example", "20 b.elsewhere.example"],
                 "a.elsewhere.example A": ["127.0.0.2"], "b.elsewhere.example A": ["127.0.0.3"]})
    mail = relay_by_mx(sealpost, table, port).start()
    send(mail)
    net.wait_for(lambda: mail.log_lines("next-hop-failed"), 10, "the failure")
    assert "b.elsewhere.example" in mail.log_lines("next-hop-failed")[0]
    second = sink(host="127.0.0.3", port=port)
    second.wait(1, 15)


def test_next_mx_when_the_first_is_unreachable(sealpost, sink, dns):
    port = net.free_port()
    second = sink(host="127.0.0.3", port=port)
    table = dns({"elsewhere.example MX": ["10 a.elsewhere.example", "20 b.elsewhere.example", "5 gone.elsewhere.example"],
                 "a.elsewhere.example A": ["127.0.0.2"], "b.elsewhere.example A": ["127.0.0.3"]})
    mail = relay_by_mx(sealpost, table, port).start()
    send(mail)
    second.wait(1, 10)


def test_next_address_of_one_mx(sealpost, sink, dns):
    port = net.free_port()
    six = sink(host="::1", port=port)
    table = dns({"elsewhere.example MX": ["10 a.elsewhere.example"], "a.elsewhere.example A": ["127.0.0.9"],
                 "a.elsewhere.example AAAA": ["::1"]})
    mail = relay_by_mx(sealpost, table, port).start()
    send(mail)
    six.wait(1, 10)


def test_next_mx_when_the_first_says_421(sealpost, sink, dns):
    port = net.free_port()
    bad = sink(host="127.0.0.2", port=port, replies={"CONNECT": "421 4.3.2 shutting down"})
    good = sink(host="127.0.0.3", port=port)
    table = dns({"elsewhere.example MX": ["10 a.elsewhere.example", "20 b.elsewhere.example"],
                 "a.elsewhere.example A": ["127.0.0.2"], "b.elsewhere.example A": ["127.0.0.3"]})
    mail = relay_by_mx(sealpost, table, port).start()
    send(mail)
    good.wait(1, 10)
    assert bad.sessions


def test_implicit_mx(sealpost, sink, dns):
    port = net.free_port()
    out = sink(host="127.0.0.2", port=port)
    table = dns({"elsewhere.example A": ["127.0.0.2"]})
    mail = relay_by_mx(sealpost, table, port).start()
    send(mail)
    out.wait()
    assert "elsewhere.example MX" in table.asked


def test_implicit_mx_by_aaaa(sealpost, sink, dns):
    port = net.free_port()
    out = sink(host="::1", port=port)
    table = dns({"elsewhere.example AAAA": ["::1"]})
    mail = relay_by_mx(sealpost, table, port).start()
    send(mail)
    out.wait()


def test_mx_behind_a_cname(sealpost, sink, dns):
    port = net.free_port()
    out = sink(host="127.0.0.2", port=port)
    table = dns({"elsewhere.example CNAME": ["real.example"], "real.example MX": ["10 a.real.example"],
                 "a.real.example A": ["127.0.0.2"]})
    mail = relay_by_mx(sealpost, table, port).start()
    send(mail)
    out.wait()


def bounced(mail, user="a"):
    return mail.wait_delivered(user)[0].decode("utf-8", "replace")


@pytest.mark.parametrize("records,code", [
    ({"elsewhere.example MX": ["0 ."]}, "5.1.10"),  # RFC 7505
    ({}, "5.1.2"),                                  # no such domain
    ({"elsewhere.example MX": ["10 mx.example.test"], "mx.example.test A": ["127.0.0.1"]}, "5.4.6"),  # that is us
])
def test_domains_that_take_no_mail(sealpost, dns, records, code):
    table = dns({"other.example A": ["127.0.0.1"], **records})
    mail = relay_by_mx(sealpost, table, net.free_port()).start()
    send(mail, sender="a@example.test")
    report = bounced(mail)
    assert f"Status: {code}" in report, report


@pytest.mark.parametrize("value", [SERVFAIL, SILENCE])
def test_dns_trouble_is_only_a_delay(sealpost, sink, dns, value):
    port = net.free_port()
    out = sink(host="127.0.0.2", port=port)
    table = dns({"elsewhere.example MX": value, "elsewhere.example A": ["127.0.0.2"]})
    mail = relay_by_mx(sealpost, table, port).start()
    send(mail, sender="a@example.test")
    if value == SERVFAIL:
        (message,) = mail.wait_queue(lambda queue: queue and queue[0]["recipients"][0]["attempts"] > 0, 60)
        assert "4.4.3" in message["recipients"][0]["last-reply"] or "4.4." in message["recipients"][0]["last-reply"]
    time.sleep(2)
    assert not out.messages and not mail.delivered("a")
    table.records["elsewhere.example MX"] = ["10 a.elsewhere.example"]
    table.records["a.elsewhere.example A"] = ["127.0.0.2"]
    if value == SERVFAIL:
        out.wait(1, 60)


def test_dead_host_is_tried_again(sealpost):
    port = net.free_port()
    mail = sealpost()
    mail.internet(**{"relay": True, "from": ["127.0.0.0/8"]})
    mail.send("out", address_spaces=["*"], smart_hosts=[f"127.0.0.1:{port}"], retry=RETRY).start()
    send(mail)
    (message,) = mail.wait_queue(lambda queue: queue and queue[0]["recipients"][0]["attempts"] > 0)
    assert "refused" in message["recipients"][0]["last-reply"].lower()
    out = Sink(port=port)
    try:
        out.wait(1, 15)
        mail.wait_empty()
    finally:
        out.close()


def test_temporary_refusal_of_one_recipient(sealpost, sink):
    out = sink(replies={"RCPT two@elsewhere.example": ["451 4.2.0 not now", None]})
    mail = sealpost().relay_to(out, retry=RETRY).start()
    send(mail, ["one@elsewhere.example", "two@elsewhere.example", "three@elsewhere.example"])
    messages = out.wait(2, 15)
    assert messages[0].recipients == ["one@elsewhere.example", "three@elsewhere.example"]
    assert messages[1].recipients == ["two@elsewhere.example"]
    mail.wait_empty()


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT", "DATA", "CONTENT"])
@pytest.mark.parametrize("reply", ["451 4.3.0 not now", CLOSE])
def test_trouble_at_each_step_is_only_a_delay(sealpost, sink, verb, reply):
    out = sink(replies={verb: [reply, None]})
    mail = sealpost().relay_to(out, retry=RETRY).start()
    send(mail)
    out.wait(1, 20)
    mail.wait_empty()
    time.sleep(0.3)
    assert len(out.messages) == 1


def test_helo_where_ehlo_is_unknown(sealpost, sink):
    out = sink(replies={"EHLO": "500 what?"})
    mail = sealpost().relay_to(out).start()
    send(mail)
    (message,) = out.wait()
    assert message.protocol == "HELO" and message.params == ""


def test_connection_is_reused(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out, max_connections_per_next_hop=1, idle_timeout="5s").start()
    for _ in range(5):
        send(mail)
    out.wait(5)
    assert len({message.session for message in out.messages}) == 1


def test_concurrency_per_next_hop_is_limited(sealpost, sink):
    def slow(*_):
        time.sleep(0.2)
    out = sink(replies={"CONTENT": slow})
    mail = sealpost().relay_to(out, max_connections_per_next_hop=3).start()
    for _ in range(15):
        send(mail)
    out.wait(15)
    assert out.most_at_once <= 3


def test_messages_per_connection_are_limited(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out, max_connections_per_next_hop=1, max_messages_per_connection=2).start()
    for _ in range(6):
        send(mail)
    out.wait(6)
    per_session = [sum(message.session is session for message in out.messages) for session in out.sessions]
    assert max(per_session) <= 2


def test_many_recipients_are_split(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out, max_recipients_per_message=10).start()
    send(mail, [f"user{n}@elsewhere.example" for n in range(95)])
    net.wait_for(lambda: sum(len(m.recipients) for m in out.messages) == 95, 20, "all recipients")
    assert max(len(m.recipients) for m in out.messages) <= 10
    mail.wait_empty()


def test_peers_limit_of_recipients(sealpost, sink):
    def most_three(session, _):
        return "452 4.5.3 too many" if session.message and len(session.message.recipients) >= 3 else None
    out = sink(replies={"RCPT": most_three})
    mail = sealpost().relay_to(out, retry=RETRY).start()
    send(mail, [f"user{n}@elsewhere.example" for n in range(10)])
    net.wait_for(lambda: sum(len(m.recipients) for m in out.messages) == 10, 30, "all recipients")
    mail.wait_empty()


def test_address_spaces_choose_the_connector(sealpost, sink):
    everything, exact, below, cheap = sink(), sink(), sink(), sink()
    mail = sealpost().relay_to(everything)
    mail.relay_to(exact, name="exact", spaces=["a.example"])
    mail.relay_to(below, name="below", spaces=["*.a.example;50"])
    mail.relay_to(cheap, name="cheap", spaces=["*.a.example;10"])
    mail.start()
    send(mail, ["x@a.example", "x@sub.a.example", "x@b.example"])
    assert exact.wait()[0].recipients == ["x@a.example"]
    assert cheap.wait()[0].recipients == ["x@sub.a.example"]
    assert everything.wait()[0].recipients == ["x@b.example"]
    assert not below.messages


def test_message_too_large_for_the_next_hop_bounces(sealpost, sink):
    out = sink(extensions=["SIZE 1000", "8BITMIME"])
    mail = sealpost().relay_to(out).start()
    send(mail, sender="a@example.test", content=b"Subject: large\r\n\r\n" + b"x" * 78 * 100 + b"\r\n")
    assert "Status: 5.3.4" in bounced(mail)
    assert not any(command.startswith("DATA") for session in out.sessions for command in session.commands)


def test_smtputf8_to_a_peer_without_it_bounces(sealpost, sink):
    out = sink(extensions=["8BITMIME"])
    mail = sealpost().relay_to(out).start()
    send(mail, "jürgen@elsewhere.example", sender="a@example.test", params=" SMTPUTF8")
    assert "Status: 5.6.7" in bounced(mail) or "5.6.7" in mail.delivered("a")[0].decode()


def test_8bit_to_a_peer_without_8bitmime_bounces(sealpost, sink):
    out = sink(extensions=[])
    mail = sealpost().relay_to(out).start()
    send(mail, sender="a@example.test", params=" BODY=8BITMIME", content="Subject: x\r\n\r\nü\r\n".encode())
    assert "Status: 5.6.3" in bounced(mail)


def test_8bitmime_label_without_8bit_content_passes(sealpost, sink):
    out = sink(extensions=[])
    mail = sealpost().relay_to(out).start()
    send(mail, params=" BODY=8BITMIME")
    out.wait()


def test_hanging_peer_does_not_hold_up_others(sealpost, sink):
    stuck, out = sink(replies={"CONNECT": "hang"}), sink()
    mail = sealpost().relay_to(stuck, name="stuck", spaces=["stuck.example"])
    mail.relay_to(out).start()
    send(mail, "x@stuck.example")
    send(mail, "x@elsewhere.example")
    out.wait(1, 5)


def test_relay_only_for_the_listed_range(sealpost, sink):
    out = sink()
    mail = sealpost().relay_to(out)
    mail.document["receive-connectors"]["world"] = {"bind": [f"127.0.0.1:{mail.port}"], "tarpit": "0s"}
    mail.internet(**{"from": ["127.0.0.7"]})
    mail.start()
    with Client(mail.port) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<a@example.net>", 250)
        client.cmd("RCPT TO:<x@elsewhere.example>", 550)
    with Client(mail.port, source="127.0.0.7") as client:
        client.ehlo()
        client.cmd("MAIL FROM:<a@example.net>", 250)
        client.cmd("RCPT TO:<x@elsewhere.example>", 250)
