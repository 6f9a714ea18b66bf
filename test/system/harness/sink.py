"""A recording SMTP or LMTP server whose every reply a test can script.

    sink = Sink(replies={"RCPT": ["450 4.2.1 later", None]})    # first RCPT is deferred, the next taken
    sink = Sink(replies={"CONTENT": lambda session, argument: "554 5.6.0 no"})

Keys: CONNECT EHLO HELO STARTTLS MAIL RCPT DATA BDAT CONTENT RSET QUIT; "RCPT a@b.example" goes before "RCPT". A value is
a reply, a list that is used up (its last entry stays), or a function. None: the normal reply. CLOSE: hang up without
a word. HANG: never answer."""
import socket
import ssl
import threading
import time

CLOSE, HANG = "close", "hang"
EXTENSIONS = ("PIPELINING", "SIZE 0", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME")


class Message:
    def __init__(self, session):
        self.session = session
        self.helo, self.tls, self.protocol = session.helo, session.tls, session.protocol
        self.sender, self.params, self.recipients, self.rcpt_params = None, "", [], []
        self.content, self.chunked = b"", False
        self.time = None

    def header(self, name):
        head = self.content.split(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(name.lower().encode() + b":"):
                return line.split(b":", 1)[1].strip().decode("utf-8", "replace")
        return None


class Sink:
    def __init__(self, host="127.0.0.1", port=0, lmtp=False, tls=None, implicit_tls=False, extensions=EXTENSIONS,
                 replies=None):
        self.lmtp, self.tls, self.implicit_tls = lmtp, tls, implicit_tls
        self.extensions, self.replies = list(extensions), dict(replies or {})
        self.messages, self.sessions = [], []
        self.lock, self.closing = threading.Lock(), threading.Event()
        self.listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(100)
        self.host, self.port = host, self.listener.getsockname()[1]
        self.most_at_once = self.at_once = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.closing.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self.closing.is_set():
                connection.close()
                return
            session = Session(self, connection)
            with self.lock:
                self.sessions.append(session)
            threading.Thread(target=session.run, daemon=True).start()

    def close(self):
        self.closing.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for session in self.sessions:
            session.close()

    def scripted(self, session, verb, argument=""):
        with self.lock:
            for key in (f"{verb} {argument}", verb):
                if key in self.replies:
                    value = self.replies[key]
                    if isinstance(value, list):
                        value = value.pop(0) if len(value) > 1 else value[0]
                    break
            else:
                return None
        return value(session, argument) if callable(value) else value

    def wait(self, count=1, seconds=20):
        deadline = time.monotonic() + seconds
        while len(self.messages) < count:
            assert time.monotonic() < deadline, f"{len(self.messages)} of {count} messages within {seconds} s"
            time.sleep(0.02)
        return self.messages[:]


class Hangup(Exception):
    pass


class Session:
    def __init__(self, sink, connection):
        self.sink, self.socket, self.buffer = sink, connection, b""
        self.helo, self.tls, self.protocol, self.commands, self.tls_error = None, None, None, [], None
        self.tls_resumed = False
        self.message = None
        self.done = False

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass

    def run(self):
        with self.sink.lock:
            self.sink.at_once += 1
            self.sink.most_at_once = max(self.sink.most_at_once, self.sink.at_once)
        try:
            self.serve()
        except (Hangup, OSError, ValueError):
            pass
        finally:
            self.close()
            self.done = True
            with self.sink.lock:
                self.sink.at_once -= 1

    def fill(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise Hangup
        self.buffer += piece

    def line(self):
        while b"\r\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def exactly(self, count):
        while len(self.buffer) < count:
            self.fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def say(self, verb, normal, argument=""):
        """Answers; returns whether the answer was positive."""
        reply = self.sink.scripted(self, verb, argument)
        if reply == CLOSE:
            raise Hangup
        if reply == HANG:
            self.sink.closing.wait(60)
            raise Hangup
        reply = normal if reply is None else reply
        self.socket.sendall(reply.replace("\n", "\r\n").encode("utf-8") + b"\r\n")
        if reply.startswith("421"):
            raise Hangup
        return reply[0] in "23"

    def handshake(self):
        try:
            self.socket = self.sink.tls.wrap_socket(self.socket, server_side=True)
        except (ssl.SSLError, OSError) as error:
            self.tls_error = str(error)
            raise Hangup from error
        self.tls = self.socket.version()
        self.tls_resumed = self.socket.session_reused
        self.buffer = b""

    def serve(self):
        if self.sink.implicit_tls:
            self.handshake()
        self.say("CONNECT", "220 sink.example.net ESMTP")
        while True:
            raw = self.line()
            self.commands.append(raw.decode("utf-8", "replace"))
            verb, _, argument = self.commands[-1].partition(" ")
            handler = getattr(self, "on_" + verb.lower(), None)
            if handler is None:
                self.say(verb.upper(), "500 5.5.2 what?")
            else:
                handler(argument)

    def on_ehlo(self, argument, verb="EHLO"):
        self.helo, self.protocol, self.message = argument, verb, None
        lines = ["sink.example.net", *self.sink.extensions]
        if self.sink.tls and not self.tls:
            lines.append("STARTTLS")
        self.say(verb, "\n".join(f"250-{line}" for line in lines[:-1]) + f"\n250 {lines[-1]}"
                 if len(lines) > 1 else "250 " + lines[0])

    def on_lhlo(self, argument):
        self.on_ehlo(argument, "LHLO")

    def on_helo(self, argument):
        self.helo, self.protocol, self.message = argument, "HELO", None
        self.say("HELO", "250 sink.example.net")

    def on_starttls(self, _):
        if self.say("STARTTLS", "220 2.0.0 go ahead"):
            self.handshake()

    @staticmethod
    def path(argument):
        inside, _, params = argument.partition(":")[2].strip().partition(">")
        return inside.lstrip("<"), params.strip()

    def on_mail(self, argument):
        address, params = self.path(argument)
        if self.say("MAIL", "250 2.1.0 ok", address):
            self.message = Message(self)
            self.message.sender, self.message.params = address, params

    def on_rcpt(self, argument):
        address, params = self.path(argument)
        if self.say("RCPT", "250 2.1.5 ok", address) and self.message:
            self.message.recipients.append(address)
            self.message.rcpt_params.append(params)

    def on_data(self, _):
        if not self.message or not self.message.recipients:
            self.say("NODATA", "554 5.5.1 no valid recipients")
            return
        if not self.say("DATA", "354 go ahead"):
            return
        lines = []
        while (line := self.line()) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        self.message.content = b"".join(line + b"\r\n" for line in lines)
        self.finish()

    def on_bdat(self, argument):
        words = argument.split()
        data = self.exactly(int(words[0]))
        if not self.message or not self.message.recipients:
            self.say("NODATA", "554 5.5.1 no valid recipients")
            return
        self.message.content += data
        self.message.chunked = True
        if words[1:] and words[1].upper() == "LAST":
            self.finish()
        else:
            self.say("BDAT", "250 2.0.0 more")

    def finish(self):
        message, self.message = self.message, None
        message.time = time.monotonic()
        answers = message.recipients if self.sink.lmtp else [""]
        taken = [self.say("CONTENT", "250 2.0.0 taken", address) for address in answers]
        if any(taken):
            message.accepted = [a for a, ok in zip(answers, taken) if ok]
            with self.sink.lock:
                self.sink.messages.append(message)

    def on_rset(self, _):
        self.message = None
        self.say("RSET", "250 2.0.0 ok")

    def on_noop(self, _):
        self.say("NOOP", "250 2.0.0 ok")

    def on_quit(self, _):
        self.say("QUIT", "221 2.0.0 bye")
        raise Hangup
