"""Exchange servers as values: what the generator makes, the injectors break, the printers print and the simulator
mends. The rules of selection here are written from Exchange's documentation alone, apart from those of the program
under test, so that each checks the other."""
import dataclasses
import datetime

NOW = datetime.datetime(2027, 3, 2, 6, 30)  # the day on which every generated case is judged
DAY = datetime.timedelta(days=1)
AUTH_NAME = "Microsoft Exchange Server Auth Certificate"
EVERYWHERE = ["::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0-255.255.255.255"]
SERVICES = ["IMAP", "POP", "UM", "IIS", "SMTP", "Federation"]
SERVICE_BITS = {"IMAP": 1, "POP": 2, "UM": 4, "IIS": 8, "SMTP": 16, "Federation": 32}


@dataclasses.dataclass
class Certificate:
    thumbprint: str
    subject: str
    issuer: str
    serial: str
    domains: list
    services: set
    not_before: datetime.datetime
    not_after: datetime.datetime
    friendly: str = ""
    has_key: bool = True
    root: str = "ThirdParty"
    status: str = "Valid"
    exportable: bool = False
    signature: str = "sha256RSA"
    provider: str = "Microsoft RSA SChannel Cryptographic Provider"
    sends_chain: bool = True  # the intermediates that partners need are in the store

    @property
    def self_signed(self):
        return self.subject == self.issuer

    @property
    def pair(self):
        return f"<I>{self.issuer}<S>{self.subject}"

    @property
    def chain_valid(self):
        return self.status not in ("Invalid", "Revoked", "PendingRequest", "Untrusted")

    @property
    def usable(self):
        return "SMTP" in self.services and self.has_key and self.chain_valid and self.not_after > NOW

    def covers(self, name):
        common = [part.strip()[3:] for part in self.subject.split(",") if part.strip().startswith("CN=")]
        return any(one_covers(pattern.lower(), name.lower()) for pattern in self.domains + common)


def one_covers(pattern, name):
    """A wildcard stands for exactly one label [Digital certificates and encryption in Exchange Server]."""
    if pattern.startswith("*."):
        head, dot, rest = name.partition(".")
        return bool(head and dot) and rest == pattern[2:]
    return pattern == name


@dataclasses.dataclass
class Receive:
    name: str
    server: str
    fqdn: str
    auth: list
    groups: list
    bindings: list
    role: str = "FrontendTransport"
    ranges: list = dataclasses.field(default_factory=lambda: list(EVERYWHERE))
    pair: str = ""
    enabled: bool = True
    require_tls: bool = False
    capabilities: list = dataclasses.field(default_factory=list)

    @property
    def identity(self):
        return f"{self.server}\\{self.name}"


@dataclasses.dataclass
class Send:
    name: str
    spaces: list
    sources: list
    fqdn: str = ""
    pair: str = ""
    require_tls: bool = False
    auth_level: str = ""
    tls_domain: str = ""
    smart_hosts: list = dataclasses.field(default_factory=list)
    cloud: bool = False
    enabled: bool = True
    suspended: bool = False
    guid: str = ""

    @property
    def identity(self):
        return self.name


@dataclasses.dataclass
class Server:
    name: str
    fqdn: str
    internal: str = ""
    edge: bool = False
    certificates: list = dataclasses.field(default_factory=list)
    receive: list = dataclasses.field(default_factory=list)
    stale: dict = dataclasses.field(default_factory=dict)  # connector -> thumbprint served until the next restart
    pop_name: str = ""

    def certificate(self, thumbprint):
        return next((c for c in self.certificates if c.thumbprint == thumbprint), None)

    def connector(self, head):
        return next((k for k in self.receive if k.name.startswith(head)), None)

    @property
    def own(self):
        """The self-signed one that setup made."""
        return next((c for c in self.certificates if c.friendly == "Microsoft Exchange" and c.self_signed), None)

    @property
    def public(self):
        """The newest that a CA issued for mail."""
        issued = [c for c in self.certificates if not c.self_signed and any(d.startswith(("mail.", "*.")) for d in c.domains)]
        return max(issued, key=lambda c: c.not_before) if issued else None


@dataclasses.dataclass
class World:
    seed: int
    domain: str  # of the organisation's mail
    authority: str
    next_authority: str  # after the CA has changed its intermediate
    servers: list = dataclasses.field(default_factory=list)
    sends: list = dataclasses.field(default_factory=list)
    edge_trust: bool = True
    schema_raised: bool = False

    def server(self, name):
        return next((s for s in self.servers if s.name.lower() == name.lower().split(".")[0]), None)

    def send(self, name):
        return next((k for k in self.sends if k.name.lower() == name.lower()), None)

    @property
    def hybrid(self):
        return next((k for k in self.sends if k.cloud), None)

    def receive(self, identity):
        server, _, name = identity.rpartition("\\")
        for one in self.servers:
            for k in one.receive:
                if k.name.lower() == name.lower() and (not server or one.name.lower() == server.lower()):
                    return k
        return None

    def holders(self, thumbprint):
        return [s for s in self.servers if s.certificate(thumbprint)]


# ---- selection, as documented ----

def choose(server, name="", pair=""):
    """Inbound STARTTLS: those that match; a PKI's before self-signed ones; newest valid-from first. SMTP does not
    count here (a certificate without it is chosen all the same), nor does the end of its validity."""
    matching = [c for c in server.certificates
                if c.has_key and c.chain_valid and (c.pair.lower() == pair.lower() if pair else c.covers(name))]
    issued = [c for c in matching if not c.self_signed]
    return max(issued or matching, key=lambda c: c.not_before, default=None)


def presented(server, connector):
    if "Tls" not in connector.auth or not connector.enabled:
        return None
    return choose(server, connector.fqdn or server.fqdn, connector.pair)


def receive_works(server, connector):
    chosen = presented(server, connector)
    return chosen is not None and chosen.usable


def send_works(world, connector):
    """With a pair: on each source server the certificate is there and can be used. Without: nothing is promised."""
    if not connector.pair or not connector.enabled:
        return False
    chosen = [choose(world.server(name), pair=connector.pair) for name in connector.sources if world.server(name)]
    return bool(chosen) and all(c is not None and c.usable for c in chosen)


def working(world):
    """The connectors that present a usable certificate now."""
    good = {k.identity for s in world.servers for k in s.receive if receive_works(s, k)}
    return good | {k.identity for k in world.sends if send_works(world, k)}
