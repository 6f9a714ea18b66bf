#!/usr/bin/python3
"""A name server for the servers that are measured, so that none of them waits for the network: resolver.py HOST PORT
HEALTHY DEAD SLOW. Names below d<i>.dest.test have one MX, themselves; their address is HEALTHY, but of every twenty
one is DEAD and one is SLOW. Everything else does not exist."""
import re
import socket
import struct
import sys

A, MX = 1, 15
NAME = re.compile(rb"d(\d+)\.dest\.test", re.IGNORECASE)


def question(query):
    """The name as dotted text, the type, and where the question ends."""
    labels, at = [], 12
    while (length := query[at]) != 0:
        labels.append(query[at + 1:at + 1 + length])
        at += 1 + length
    return b".".join(labels), struct.unpack_from("!H", query, at + 1)[0], at + 5


def address_of(number, addresses):
    return addresses[{3: 1, 13: 2}.get(number % 20, 0)]


def answer(query, addresses):
    name, kind, end = question(query)
    found = NAME.fullmatch(name)
    records = []
    if found and kind == MX:
        records.append(struct.pack("!HHHIHH", 0xC00C, MX, 1, 3600, 4, 10) + b"\xc0\x0c")
    elif found and kind == A:
        records.append(struct.pack("!HHHIH", 0xC00C, A, 1, 3600, 4) +
                       socket.inet_aton(address_of(int(found[1]), addresses)))
    flags = 0x8180 | (0 if found else 3)  # NXDOMAIN
    return query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + query[12:end] + b"".join(records)


def main():
    host, port, *addresses = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        server.bind((host, int(port)))
        print("ready", flush=True)
        while True:
            query, client = server.recvfrom(4096)
            try:
                server.sendto(answer(query, addresses), client)
            except (IndexError, struct.error):
                continue


if __name__ == "__main__":
    main()
