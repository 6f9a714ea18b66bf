"""Healthy fictional Exchange servers from a seed: whatever can be wrong with them is put there by faults.py."""
import copy
import datetime
import random

from model import AUTH_NAME, DAY, NOW, Certificate, Receive, Send, Server, World

ORGANISATIONS = ["harbourlight", "fenwick-mills", "stonebridge", "alder-optics", "quayside", "bellweather", "moorland-seed",
                 "tidewater", "kupferkanne", "northgate-tools", "laurel-print", "oststern"]
AUTHORITIES = [("Larkspur TLS CA {}", "Larkspur Trust, C=NL"), ("Granite Secure Server CA {}", "Granite Trust Services, C=SE"),
               ("Meridian DV R{}", "Meridian, C=CH"), ("Old Mill Issuing CA {}", "Old Mill Certification Ltd, L=Far Harbour, C=XX")]
SITES = ["EX", "MAIL", "MX-NORD", "HUB", "EXCH", "KONTOR"]
HEX = "0123456789ABCDEF"
ALL_AUTH = ["Tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS", "ExchangeServer"]
CLIENT_AUTH = ["Tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS"]


def hexadecimal(rng, digits):
    return rng.choice(HEX[1:]) + "".join(rng.choice(HEX) for _ in range(digits - 1))


def certificate(rng, subject, issuer, domains, services, days_old, days_life, **more):
    begin = NOW - days_old * DAY - datetime.timedelta(minutes=rng.randrange(1440), seconds=rng.randrange(60))
    begin = begin.replace(microsecond=0)
    return Certificate(hexadecimal(rng, 40), subject, issuer, hexadecimal(rng, 32), domains, set(services),
                       begin, begin + days_life * DAY, **more)


def default_certificates(rng, server):
    subject, web = f"CN={server.name}", f"CN=WMSvc-SHA2-{server.name}"
    old = rng.randrange(60, 1200)
    own = certificate(rng, subject, subject, [server.name, server.fqdn], {"IMAP", "POP", "IIS", "SMTP"}, old, 1825,
                      friendly="Microsoft Exchange", root="Registry")
    auth = certificate(rng, f"CN={AUTH_NAME}", f"CN={AUTH_NAME}", [], {"SMTP"}, old, 1825, friendly=AUTH_NAME,
                       root="None", exportable=True)
    wmsvc = certificate(rng, web, web, rng.choice([[], [web[3:]]]), set(), old, 3650, friendly="WMSVC-SHA2",
                        root="Registry", exportable=True)
    server.internal = own.thumbprint
    return [own, auth, wmsvc]


def default_connectors(server):
    s, every = server.name, lambda port: [f"[::]:{port}", f"0.0.0.0:{port}"]
    if server.edge:
        return [Receive(f"Default internal receive connector {s}", s, server.fqdn, ["Tls", "ExchangeServer"],
                        ["AnonymousUsers", "ExchangeServers", "Partners"], ["0.0.0.0:25"], role="")]
    return [
        Receive(f"Default {s}", s, server.fqdn, list(ALL_AUTH), ["ExchangeUsers", "ExchangeServers", "ExchangeLegacyServers"],
                every(2525), role="HubTransport"),
        Receive(f"Client Proxy {s}", s, server.fqdn, list(ALL_AUTH), ["ExchangeUsers", "ExchangeServers"], every(465),
                role="HubTransport"),
        Receive(f"Default Frontend {s}", s, server.fqdn, list(ALL_AUTH),
                ["AnonymousUsers", "ExchangeServers", "ExchangeLegacyServers"], every(25)),
        Receive(f"Outbound Proxy Frontend {s}", s, server.fqdn, list(ALL_AUTH), ["ExchangeServers"], every(717)),
        Receive(f"Client Frontend {s}", s, server.fqdn, list(CLIENT_AUTH), ["ExchangeUsers"], every(587)),
    ]


def public_certificate(rng, world, wildcard, days_old, issuer, services=("IMAP", "POP", "IIS", "SMTP")):
    domain, organisation = world.domain, world.domain.split(".")[0].title()
    names = [f"*.{domain}", domain] if wildcard else [f"mail.{domain}", f"autodiscover.{domain}", f"smtp.{domain}"]
    services = set(services) - ({"IMAP", "POP"} if wildcard else set())
    tail = f", O={organisation}, L=Far Harbour, C=XX" if world.seed % 3 == 0 else ""
    return certificate(rng, f"CN={names[0]}{tail}", issuer, names, services, days_old, 397,
                       friendly=rng.choice(["", f"mail {NOW.year}"]), exportable=True)


def name_pairs(server, pair):
    for head in ("Default Frontend", "Client Frontend", "Default internal"):
        connector = server.connector(head)
        if connector:
            connector.pair = pair


def give_public(rng, world, server, wildcard, shared=None):
    made = shared or public_certificate(rng, world, wildcard, rng.randrange(20, 300), world.authority)
    server.certificates.append(made)
    name_pairs(server, made.pair)
    if not shared and rng.random() < 0.3:  # the one before it, of another intermediate and out of use
        server.certificates.append(public_certificate(rng, world, wildcard, rng.randrange(405, 700),
                                                      "CN=Former Intermediate 1, O=Former Trust, C=XX"))
    rng.shuffle(server.certificates)
    return made


def give_relay(rng, world, server, has_public):
    name = rng.choice(["Relay - Drucker & Scanner", "Relay - O'Hara's printers", "App Relay", "Relay scanners 2nd floor",
                       f"Anonymous Relay {server.name}"])
    fqdn = f"mail.{world.domain}" if has_public and rng.random() < 0.5 else server.fqdn
    server.receive.append(Receive(name, server.name, fqdn, ["Tls"], ["AnonymousUsers"], ["0.0.0.0:25"],
                                  ranges=[f"10.{rng.randrange(1, 250)}.7.0/24", f"10.9.{rng.randrange(250)}.{rng.randrange(1, 250)}"]))


def give_company(rng, world, server):
    """What else lies in real stores, and does no harm there."""
    name, old = server.name, rng.randrange(1900, 2400)
    others = [
        lambda: certificate(rng, f"CN={name}", f"CN={name}", [name, server.fqdn], {"IMAP", "POP", "IIS", "SMTP"}, old, 1825,
                            friendly="Microsoft Exchange 2017", root="Registry", status="DateInvalid"),
        lambda: certificate(rng, "CN=Federation", "CN=Federation", ["Federation"], {"Federation"}, 300, 1825, root="None",
                            friendly="Exchange Delegation Federation"),
        lambda: certificate(rng, f"CN=web.{world.domain}", world.authority, [f"web.{world.domain}", f"www.{world.domain}"], {"IIS"}, 30, 397),
        lambda: certificate(rng, f"CN=portal.{world.domain}", f"CN=portal.{world.domain}", [f"portal.{world.domain}"], set(), 3, 365,
                            root="Unknown", status="PendingRequest"),
        lambda: certificate(rng, f"CN={server.fqdn}", "CN=Corporate Issuing CA, DC=corp, DC=local", [server.fqdn], set(), 10, 730,
                            root="Enterprise", has_key=False),
        lambda: certificate(rng, "", "CN=Machine Identity Root, O=Cloud Host", [], set(), 10, 365, root="None"),
        lambda: certificate(rng, "CN=localhost", "CN=localhost", ["localhost"], {"SMTP"}, 100, 1825, root="None",
                            friendly="IIS Express Development Certificate"),
    ]
    server.certificates += [make() for make in rng.sample(others, rng.choice([0, 0, 1, 2, 3]))]
    extra = [
        Receive("Fax", name, "", ["Tls"], ["AnonymousUsers"], ["0.0.0.0:25"], ranges=["10.44.1.9"]),
        Receive("Legacy app", name, "", [], ["AnonymousUsers"], ["0.0.0.0:25"], ranges=["10.44.2.0/24"]),
        Receive("Old partner", name, "gone.partner.example", ["Tls"], ["Partners"], ["0.0.0.0:25"], ranges=["192.0.2.17"], enabled=False),
        Receive("Submission inside", name, server.name, ["Tls", "BasicAuth"], ["ExchangeUsers"], ["0.0.0.0:2587"], ranges=["10.0.0.0/8"]),
    ]
    if not server.edge:
        server.receive += rng.sample(extra, rng.choice([0, 0, 1, 2]))


def give_sends(rng, world, public):
    names = [s.name for s in world.servers if not s.edge]
    if public:
        world.sends.append(Send("Outbound to Office 365", [f"smtp:{world.domain.split('.')[0]}.mail.onmicrosoft.example;1"],
                                names, pair=public.pair, require_tls=True, auth_level="DomainValidation",
                                tls_domain="mail.protection.outlook.com", cloud=True,
                                smart_hosts=[], fqdn=f"mail.{world.domain}"))
    world.sends.append(Send(rng.choice(["To the Internet", "Internet", "Versand ins Internet"]), ["SMTP:*;1"],
                            names, fqdn=rng.choice(["", f"mail.{world.domain}"])))
    for send in world.sends:
        send.guid = f"{hexadecimal(rng, 8)}-{hexadecimal(rng, 4)}-4{hexadecimal(rng, 3)}-a{hexadecimal(rng, 3)}-" \
                    f"{hexadecimal(rng, 12)}".lower()


def healthy(seed, need=()):
    """A world in which nothing is wrong. `need`: "public", "plain" (no public one), "relay", "two", "edge", "exact"
    (no wildcard), "wildcard"."""
    rng = random.Random(seed)
    domain = rng.choice(ORGANISATIONS) + rng.choice([".example", ".example.org", ".test"])
    name, owner = rng.choice(AUTHORITIES)
    world = World(seed, domain, f"CN={name.format(1)}, O={owner}", f"CN={name.format(2)}, O={owner}")
    inside = rng.choice([f"corp.{domain}", f"{domain.split('.')[0]}.local", f"ad.{domain}"])
    count = 2 if "two" in need else 1 if "edge" in need else rng.choice([1, 1, 1, 2, 3])
    site = rng.choice(SITES)
    has_public = "plain" not in need and (bool({"public", "wildcard", "exact"} & set(need)) or rng.random() < 0.7)
    wildcard = "wildcard" in need or ("exact" not in need and rng.random() < 0.3)
    shared = None
    for n in range(count):
        server = Server(f"{site}{n + 1:02}", f"{site}{n + 1:02}.{inside}", edge="edge" in need)
        server.certificates = default_certificates(rng, server)
        server.receive = default_connectors(server)
        world.servers.append(server)
        if has_public:
            shared = give_public(rng, world, server, wildcard, copy.deepcopy(shared))
        give_company(rng, world, server)
        if "relay" in need or (not server.edge and rng.random() < 0.4):
            give_relay(rng, world, server, has_public)
    if not world.servers[0].edge:
        give_sends(rng, world, shared)
    return world

