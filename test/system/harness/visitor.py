"""A program that sends mail without a pause: each session by STARTTLS, with the name and the chain verified at the time that
its clock says. It prints a line of JSON for each, and ends after the session in which it gets SIGTERM.

    python -m harness.visitor PORT ROOTS"""
import hashlib
import json
import signal
import ssl
import sys
import time

from .smtp import Client

PAUSE = 0.02


def visit(port, context, number):
    with Client(port) as client:
        client.ehlo()
        client.starttls(context)
        leaf, life = client.socket.getpeercert(True), client.socket.getpeercert()
        client.ehlo()
        reply = client.message("a@example.net", "b@example.org", f"Subject: {number}\r\n\r\nhello\r\n".encode())
        client.cmd("QUIT", 221)
    assert reply.code == 250, reply
    return {"sha1": hashlib.sha1(leaf).hexdigest(), "from": ssl.cert_time_to_seconds(life["notBefore"]),
            "to": ssl.cert_time_to_seconds(life["notAfter"])}


def main(port, roots):
    asked_to_end = []
    signal.signal(signal.SIGTERM, lambda *_: asked_to_end.append(True))
    number = 0
    while not asked_to_end:
        number += 1
        said = {"number": number, "began": time.time()}
        try:
            said |= visit(port, ssl.create_default_context(cafile=roots), number)
        except Exception as error:  # whatever it is, the session failed
            said["failed"] = repr(error)
        print(json.dumps(said | {"ended": time.time()}), flush=True)
        time.sleep(PAUSE)


main(int(sys.argv[1]), sys.argv[2])
