"""An authority on loopback: Pebble with everything in a folder of its own, and the renewal information that it lacks."""
import datetime
import http.server
import json
import pathlib
import threading
import urllib.request

from . import net
from .certs import server_context, trusting
from .peers import Peer, need

NAMES = ("mx.example.test", "mail.example.test")
YEARS = (-1, 1200)  # days; these servers' own certificates outlast every test


class Pebble(Peer):
    """Let's Encrypt's test authority. It asks the names of resolver, and http-01 on self.http_port."""

    def __init__(self, authority, resolver, validity=7776000, bindings=None, environment=None):
        self.program = need("pebble", "pebble")
        need("uacme", "uacme")
        super().__init__("pebble-")
        self.port, self.management, self.http_port, self.tls_port = net.free_ports(4)
        self.resolver = resolver
        self.environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", **(environment or {})}
        pem = pathlib.Path(authority.issue("localhost", "127.0.0.1", days=YEARS, file=f"pebble-{self.port}.pem"))
        (self.folder / "config.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(pem), "privateKey": str(self.key_of(pem)), "httpPort": self.http_port,
            "tlsPort": self.tls_port, "ocspResponderURL": "", "externalAccountBindingRequired": bool(bindings),
            "externalAccountMACKeys": bindings or {}, "certificateValidityPeriod": validity}}))

    def key_of(self, pem):
        text = pem.read_bytes()
        path = self.folder / "key.pem"
        path.write_bytes(text[text.index(b"-----BEGIN PRIVATE KEY"):])
        return path

    def start(self):
        self.spawn("env", *(f"{key}={value}" for key, value in self.environment.items()), self.program, "-config",
                   self.folder / "config.json", "-dnsserver", f"127.0.0.1:{self.resolver.port}")
        return self.wait_port(self.port)

    def stop(self):
        net.end(self.process)

    def conf(self, authority, **keys):
        """The document's acme section that uses it."""
        return {"directory": f"https://127.0.0.1:{self.port}/dir", "contact": "postmaster@example.test",
                "names": list(NAMES), "http-bind": f"127.0.0.1:{self.http_port}", "trust-file": str(authority.pem), **keys}


class RenewalInfo:
    """Pebble's directory with renewalInfo added, which Pebble does not have. self.window is what it says, in days from now;
    while it is down it says that it is out of service."""

    def __init__(self, authority, pebble):
        self.port, self.asked, self.window, self.down = net.free_port(), [], (30, 31), False
        trust = trusting(authority.pem)
        with urllib.request.urlopen(f"https://127.0.0.1:{pebble.port}/dir", context=trust) as response:
            self.directory = json.load(response) | {"renewalInfo": f"https://127.0.0.1:{self.port}/renewal"}
        self.context = server_context(authority.issue("127.0.0.1", days=YEARS, file=f"ari-{self.port}.pem"))
        self.serve()

    def suggested(self, path):
        """Start and end of the window for the certificate that path names."""
        now = datetime.datetime.utcnow()
        return [now + datetime.timedelta(days=days) for days in self.window]

    def answer(self, path):
        if self.down:
            return {"type": "about:blank", "status": 503}
        if path == "/dir":
            return self.directory
        start, end = (moment.isoformat() + "Z" for moment in self.suggested(path))
        return {"suggestedWindow": {"start": start, "end": end}}

    def serve(self):
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):  # noqa: N802
                stub.asked.append(self.path)
                text = json.dumps(stub.answer(self.path)).encode()
                self.send_response(503 if stub.down else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Retry-After", "21600")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text if self.command == "GET" else b"")

            do_HEAD = do_GET

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
