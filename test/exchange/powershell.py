"""Reads the PowerShell that the program prints: enough of the language for what stands in its steps, and strict about it.
What cannot be read here is either wrong or too clever to be pasted."""
import dataclasses
import re


class Unreadable(Exception):
    pass


@dataclasses.dataclass
class Text:
    parts: list  # of str and of Var


@dataclasses.dataclass
class Var:
    name: str
    path: tuple = ()


@dataclasses.dataclass
class Nested:
    pipeline: list
    path: tuple = ()


@dataclasses.dataclass
class Static:
    type: str
    member: str
    arguments: list


@dataclasses.dataclass
class Table:
    entries: list


@dataclasses.dataclass
class Block:
    text: str


@dataclasses.dataclass
class Command:
    name: str
    arguments: list  # of (parameter or None, value or None)

    def get(self, parameter, position=None):
        for name, value in self.arguments:
            if name and name.lower() == parameter.lower():
                return value
        free = [value for name, value in self.arguments if name is None]
        return free[position] if position is not None and position < len(free) else None

    def has(self, parameter):
        return any(name and name.lower() == parameter.lower() for name, _ in self.arguments)


@dataclasses.dataclass
class Statement:
    target: str  # variable, or ""
    pipeline: list  # of Command, or one value
    line: str


OPENERS = {"(": ")", "{": "}"}
QUOTES = "'\u2018\u2019\u201a\u201b"
WORD = re.compile(r"[^\s|;(){},'\"\u2018\u2019\u201a\u201b\u201c\u201d]+")
MEMBER = re.compile(r"\.([A-Za-z]+)(\([^()]*\))?")


class Reader:
    def __init__(self, text):
        self.text, self.at = text, 0

    def peek(self, n=1):
        return self.text[self.at:self.at + n]

    def blanks(self, lines=False):
        while self.peek() and (self.peek() in " \t" or (lines and self.peek() in "\r\n")):
            self.at += 1

    def statements(self):
        out = []
        while True:
            self.blanks(lines=True)
            if self.peek() == ";":
                self.at += 1
            elif self.peek() == "#":
                self.at = self.text.find("\n", self.at) % (len(self.text) + 1)
            elif not self.peek():
                return out
            else:
                out.append(self.statement())

    def statement(self):
        begin = self.at
        assigned = re.compile(r"\$(\w+)\s*=\s*").match(self.text, self.at)
        if assigned:
            self.at = assigned.end()
        pipeline = self.pipeline(";\n")
        return Statement(assigned.group(1) if assigned else "", pipeline, self.text[begin:self.at])

    def pipeline(self, ends):
        out = []
        while True:
            self.blanks()
            out.append(self.command(ends) if self.begins_command() else self.value())
            self.blanks()
            if self.peek() == "|":
                self.at += 1
            elif not self.peek() or self.peek() in ends + "\r#":
                return out
            else:
                raise Unreadable(f"{self.text[self.at:self.at + 30]!r} stands where a command should end")

    def begins_command(self):
        return bool(re.compile(r"[A-Za-z]").match(self.text, self.at))

    def command(self, ends):
        word = WORD.match(self.text, self.at)
        self.at = word.end()
        command = Command(word.group(), [])
        while True:
            self.blanks()
            if not self.peek() or self.peek() in ends + "|\r)" or self.peek() in "};":
                return command
            named = re.compile(r"-([A-Za-z]\w*)(:?)").match(self.text, self.at)
            if named:
                self.at = named.end()
                self.blanks()
                alone = not self.peek() or self.peek() in ends + "|\r);}" or re.compile(r"-[A-Za-z]").match(self.text, self.at)
                command.arguments.append((named.group(1), None if alone else self.value()))
            else:
                command.arguments.append((None, self.value()))

    def value(self):
        items = [self.one()]
        self.blanks()
        while self.peek() == ",":
            self.at += 1
            self.blanks()
            items.append(self.one())
            self.blanks()
        return items[0] if len(items) == 1 else items

    def one(self):
        c = self.peek()
        if c in QUOTES and c:
            return self.single()
        if c == '"':
            return self.double()
        if self.peek(2) == "@{":
            return self.table()
        if c == "(":
            return self.nested()
        if c == "{":
            return Block(self.bracketed()[1:-1])
        if c == "$":
            return self.variable()
        if c == "[":
            return self.static()
        word = WORD.match(self.text, self.at)
        if not word:
            raise Unreadable(f"no value at {self.text[self.at:self.at + 30]!r}")
        self.at = word.end()
        return word.group()

    def single(self):
        """PowerShell ends it at any apostrophe, plain or typographic, that is not doubled."""
        out, self.at = [], self.at + 1
        while True:
            c = self.peek()
            if not c or c == "\n":
                raise Unreadable("a text in single quotes does not end")
            if c in QUOTES:
                following = self.text[self.at + 1:self.at + 2]
                if not following or following not in QUOTES:
                    self.at += 1
                    return "".join(out)
                self.at += 1
            out.append(c)
            self.at += 1

    def double(self):
        parts, self.at = [""], self.at + 1
        while True:
            c = self.peek()
            if not c or c == "\n":
                raise Unreadable("a text in double quotes does not end")
            if c == '"':
                self.at += 1
                return Text(parts)
            if self.peek(2) == "$(":
                self.at += 1
                inner = Reader(self.bracketed()[1:-1])
                parts += [inner.variable(), ""]
                if inner.peek():
                    raise Unreadable("more than a variable in $( )")
            else:
                parts[-1] += c
                self.at += 1

    def bracketed(self):
        """From an opening bracket to the one that closes it, quotes respected."""
        begin, depth = self.at, []
        while self.peek():
            c = self.peek()
            if c in QUOTES:
                self.single()
                continue
            if c == '"':
                self.double()
                continue
            if c in OPENERS:
                depth.append(OPENERS[c])
            elif depth and c == depth[-1]:
                depth.pop()
            elif c in ")}":
                break
            self.at += 1
            if not depth:
                return self.text[begin:self.at]
        raise Unreadable("a bracket does not close")

    def path(self):
        out = []
        while member := MEMBER.match(self.text, self.at):
            self.at = member.end()
            out.append(member.group(1) + ("()" if member.group(2) else ""))
        return tuple(out)

    def variable(self):
        name = re.compile(r"\$(\w+|_)").match(self.text, self.at)
        if not name:
            raise Unreadable(f"no variable at {self.text[self.at:self.at + 20]!r}")
        self.at = name.end()
        return Var(name.group(1), self.path())

    def nested(self):
        inner = Reader(self.bracketed()[1:-1])
        pipeline = inner.pipeline("")
        return Nested(pipeline, self.path())

    def table(self):
        self.at += 1
        entries, inner = [], Reader(self.bracketed()[1:-1])
        while True:
            inner.blanks(lines=True)
            key = re.compile(r"(\w+)\s*=\s*").match(inner.text, inner.at)
            if not key:
                break
            inner.at = key.end()
            entries.append((key.group(1), inner.value()))
            inner.blanks()
            if inner.peek() == ";":
                inner.at += 1
        if inner.peek():
            raise Unreadable(f"{inner.text[inner.at:]!r} in a hash table")
        return Table(entries)

    def static(self):
        head = re.compile(r"\[([\w.]+)\]::([\w.]+)").match(self.text, self.at)
        if not head:
            raise Unreadable(f"no type at {self.text[self.at:self.at + 30]!r}")
        self.at = head.end()
        inner = Reader(self.bracketed()[1:-1])
        arguments = inner.value()
        return Static(head.group(1), head.group(2), arguments if isinstance(arguments, list) else [arguments])


def read(text):
    return Reader(text).statements()


def commands_of(node):
    """Every command in it, however deep."""
    if isinstance(node, Command):
        yield node
        for _, value in node.arguments:
            yield from commands_of(value)
    elif isinstance(node, (list, tuple)):
        for one in node:
            yield from commands_of(one)
    elif isinstance(node, Nested):
        yield from commands_of(node.pipeline)
    elif isinstance(node, Static):
        yield from commands_of(node.arguments)
    elif isinstance(node, Statement):
        yield from commands_of(node.pipeline)
    elif isinstance(node, Table):
        yield from commands_of([value for _, value in node.entries])
    elif isinstance(node, Block) and re.match(r"\s*[A-Z][a-z]+-", node.text):
        yield from commands_of(read(node.text))
