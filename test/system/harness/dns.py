"""A DNS server that says what a test's table says, over UDP and TCP.

    dns = Dns({"example.net MX": ["10 mx1.example.net", "20 mx2.example.net"], "mx1.example.net A": ["127.0.0.2"]})

SERVFAIL as a value fails the query; SILENCE never answers. Names without an entry are NXDOMAIN, known names without the
type have no data. asked lists every question in order."""
import socket
import socketserver
import struct
import threading

import dnslib

SERVFAIL, SILENCE = "SERVFAIL", "SILENCE"


class Dns:
    def __init__(self, records=None):
        self.records, self.asked, self.lock = dict(records or {}), [], threading.Lock()
        answer = self.answer

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                data, sock = self.request
                response = answer(data)
                if response:
                    sock.sendto(response, self.client_address)

        class Tcp(socketserver.BaseRequestHandler):
            def handle(self):
                while True:
                    head = self.request.recv(2, socket.MSG_WAITALL)
                    if len(head) < 2:
                        return
                    data = self.request.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
                    response = answer(data)
                    if response:
                        self.request.sendall(struct.pack("!H", len(response)) + response)

        for _ in range(20):
            self.udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Udp)
            try:
                socketserver.ThreadingTCPServer.allow_reuse_address = True
                self.tcp = socketserver.ThreadingTCPServer(self.udp.server_address, Tcp)
                break
            except OSError:
                self.udp.server_close()
        self.port = self.udp.server_address[1]
        for server in (self.udp, self.tcp):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def conf(self):
        """The document's dns section that asks this server."""
        return {"resolvers": [f"127.0.0.1:{self.port}"], "validate": False, "local-zones": False, "own-names": False}

    def close(self):
        for server in (self.udp, self.tcp):
            server.shutdown()
            server.server_close()

    def answer(self, data):
        query = dnslib.DNSRecord.parse(data)
        name = str(query.q.qname).rstrip(".").lower()
        kind = dnslib.QTYPE[query.q.qtype]
        with self.lock:
            self.asked.append(f"{name} {kind}")
            values = self.records.get(f"{name} {kind}")
            cname = self.records.get(f"{name} CNAME")
            known = any(key.split()[0] == name or key.split()[0].endswith("." + name) for key in self.records)
        if SILENCE in (values, cname):
            return None
        reply = query.reply()
        reply.header.aa, reply.header.ra = 0, 1
        if SERVFAIL in (values, cname):
            reply.header.rcode = dnslib.RCODE.SERVFAIL
        elif values is None and cname:
            self.add(reply, name, "CNAME", cname)
            self.add(reply, cname[0], kind, self.records.get(f"{cname[0]} {kind}", []))
        elif values is None:
            if not known:
                reply.header.rcode = dnslib.RCODE.NXDOMAIN
            reply.add_auth(*dnslib.RR.fromZone(f"{name}. 5 IN SOA ns.{name}. root.{name}. 1 5 5 5 5"))
        else:
            self.add(reply, name, kind, values)
        return reply.pack()

    @staticmethod
    def add(reply, name, kind, values):
        for value in values:
            if kind in ("MX", "CNAME", "PTR") and not value.endswith("."):
                value += "."
            reply.add_answer(*dnslib.RR.fromZone(f"{name}. 5 IN {kind} {value}"))
