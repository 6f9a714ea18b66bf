"""An SMTP client that says exactly what a test wants, byte by byte, and nothing by itself."""
import socket
import ssl


class Closed(Exception):
    pass


class Reply:
    def __init__(self, code, lines):
        self.code, self.lines = code, lines

    @property
    def text(self):
        return "\n".join(self.lines)

    def __repr__(self):
        return f"{self.code} {self.text!r}"

    def has(self, keyword):
        """Whether an EHLO reply announces the keyword."""
        return any(line.split(" ")[0].upper() == keyword.upper() for line in self.lines[1:])


class Client:
    def __init__(self, port, host="127.0.0.1", source=None, timeout=20, tls=None, greeting=True):
        self.socket = socket.create_connection((host, port), timeout, (source, 0) if source else None)
        self.buffer = b""
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="mx.example.test")
        self.greeting = self.reply() if greeting else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        while b"\r\n" not in self.buffer:
            try:
                piece = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                piece = b""
            if not piece:
                raise Closed(self.buffer)
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("utf-8")

    def reply(self):
        lines, code = [], None
        while True:
            line = self.line()
            assert len(line) >= 3 and line[:3].isdigit(), f"no reply: {line!r}"
            assert code in (None, int(line[:3])), f"codes differ: {line!r}"
            code = int(line[:3])
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(code, lines)

    def cmd(self, line, *expected):
        if isinstance(line, str):
            line = line.encode("utf-8")
        self.send(line + b"\r\n")
        reply = self.reply()
        assert not expected or reply.code in expected, f"{line!r} got {reply}, not {expected}"
        return reply

    def ehlo(self, name="client.example.net"):
        return self.cmd(f"EHLO {name}", 250)

    def starttls(self, context=None):
        self.cmd("STARTTLS", 220)
        assert not self.buffer, "the server spoke before the handshake"
        self.socket = (context or insecure()).wrap_socket(self.socket, server_hostname="mx.example.test")

    def envelope(self, sender, *recipients, params=""):
        self.cmd(f"MAIL FROM:<{sender}>{params}", 250)
        for recipient in recipients:
            self.cmd(f"RCPT TO:<{recipient}>", 250)

    def message(self, sender, recipients, content, params=""):
        """One whole transaction; content has CRLF lines and is dot-stuffed here."""
        if isinstance(recipients, str):
            recipients = [recipients]
        self.envelope(sender, *recipients, params=params)
        self.cmd("DATA", 354)
        self.send(stuffed(content))
        return self.reply()

    def is_closed(self, seconds=10):
        """Reads until the peer closes; True if it does so in time."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
            return True
        except (socket.timeout, TimeoutError):
            return False
        except (ConnectionResetError, ssl.SSLError, OSError):
            return True


def stuffed(content):
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    if content.startswith(b"."):
        content = b"." + content
    return content.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def insecure():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
