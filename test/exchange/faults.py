"""The faults F01 to F38 put into a healthy world. Each injector changes the world and says what the administrator then
sees: `symptoms` looks at the world, so that a mended one has none. The definitions are those of
doc/exchange-faults.md."""
import copy
import dataclasses
import random
from collections.abc import Callable

import texts
from generator import certificate, hexadecimal
from model import DAY, NOW, choose, presented

RED, YELLOW = "red", "yellow"


@dataclasses.dataclass
class Fault:
    code: str
    need: tuple  # what the generator must give
    touches: frozenset  # faults that touch the same thing are not put together
    severity: str
    inject: Callable  # (world, rng) -> symptoms: (world, teller) -> text
    alone: bool = False  # the symptom proves it without the listings
    lone: bool = False  # brings another fault with it, so that it is not paired
    every: bool = False  # only a print of every property shows it
    exempt: str = ""  # why the printed steps cannot be tried on the model
    gone: Callable = None  # (world) -> bool: what the diagnosis cannot see of the mended world


FAULTS = {}  # by the number of the fault and, beside the first, what is special about this shape of it


def fault(key, need, touches, severity=RED, alone=False, exempt="", gone=None, every=False, lone=False):
    def keep(inject):
        FAULTS[key] = Fault(key[:3], tuple(need.split()), frozenset(touches.split()), severity, inject, alone, lone, every, exempt, gone)
        return inject
    return keep


def nothing(world, teller):
    return ""


def first(world):
    return world.servers[0]


def front(world):
    return first(world).connector("Default Frontend")


def relay(world):
    return next(k for k in first(world).receive if k.role != "HubTransport" and "Relay" in k.name)


def required(world):
    return "450 4.4.101 Proxy session setup failed on Frontend with '451 4.4.0 Primary target IP address responded with \"451 5.7.3 " \
           "STARTTLS is required to send mail.\" Attempted failover to alternate host, but that did not succeed. The last endpoint " \
           "attempted was 203.0.113.25:25'\n\n"


def only_own(server):
    """Without others for the server's name, expired or keyless, which Exchange would fall back to."""
    server.certificates = [c for c in server.certificates if c is server.own or not c.covers(server.fqdn)]


def for_all(world, thumbprint, change):
    for server in world.servers:
        for c in server.certificates:
            if c.thumbprint == thumbprint:
                change(c)


def uncovered(world, connector):
    return presented(first(world), connector) is None


# ---- names and pairs on connectors ----

@fault("F01", "relay", "relay", alone=True)
def name_on_no_certificate(world, rng):
    connector, times = relay(world), rng.randrange(1, 4)
    slip = [] if first(world).public and first(world).public.covers(f"mial.{world.domain}") else [f"mial.{world.domain}"]
    connector.fqdn = rng.choice([*slip, f"scan.print.{world.domain}", "relay.devices.example.net"])
    return lambda w, t: t.not_found(first(w), relay(w), relay(w).fqdn, times) if uncovered(w, relay(w)) else ""


@fault("F03", "public", "front", alone=True)
def stale_pair(world, rng):
    connector = front(world)
    subject = first(world).public.subject
    connector.pair = f"<I>{world.next_authority}<S>{subject}"
    with_bounce = rng.random() < 0.4

    def symptoms(w, t):
        if not uncovered(w, front(w)):
            return ""
        return t.not_found(first(w), front(w), front(w).pair) + (required(w) if with_bounce else "")
    return symptoms


@fault("F20", "public", "front")
def pair_without_marks(world, rng):
    c, connector = first(world).public, front(world)
    connector.pair = rng.choice([f"{c.issuer}{c.subject}", f"\u201c<I>{c.issuer}<S>{c.subject}\u201d", f"I{c.issuer}S{c.subject}"])
    return nothing


@fault("F15", "public", "hybrid", alone=True)
def stale_send_pair(world, rng):
    world.hybrid.pair = f"<I>{world.next_authority}<S>{first(world).public.subject}"
    error = "454 4.7.5 The certificate specified in TlsCertificateName of the SendConnector could not be found."
    return lambda w, t: t.queue(first(w), error) if choose(first(w), pair=w.hybrid.pair) is None else ""


@fault("F33", "exact", "client public own", YELLOW)
def submission_by_own_name(world, rng):
    first(world).connector("Client Frontend").pair = ""
    return nothing


@fault("F37", "exact", "front public own", YELLOW)
def partners_see_own(world, rng):
    front(world).pair = ""
    return nothing


@fault("F29", "relay", "relay", YELLOW, alone=True)
def flooded(world, rng):
    connector, times = relay(world), rng.randrange(5, 12)
    connector.fqdn = rng.choice([f"scan.print.{world.domain}", "relay.devices.example.net"])
    return lambda w, t: t.not_found(first(w), relay(w), relay(w).fqdn, times) if uncovered(w, relay(w)) else ""


# ---- the certificate ----

@fault("F02", "public", "public own")
def without_smtp(world, rng):
    for_all(world, first(world).public.thumbprint, lambda c: c.services.discard("SMTP"))
    return nothing


@fault("F11", "public", "public own")
def newest_without_smtp(world, rng):
    old = first(world).public
    new = dataclasses.replace(old, thumbprint=hexadecimal(rng, 40), serial=hexadecimal(rng, 32), not_before=NOW - rng.randrange(1, 15) * DAY,
                              not_after=NOW + 380 * DAY, services=rng.choice([set(), {"IIS"}]), domains=list(old.domains))
    for server in world.holders(old.thumbprint):
        server.certificates.append(copy.deepcopy(new))
    return nothing


@fault("F12", "public", "public", alone=True)
def without_key(world, rng):
    c, how = first(world).public, rng.choice(["state", "log", "error"])
    for server in world.servers:  # without a predecessor that Exchange would fall back to
        server.certificates = [one for one in server.certificates if one.self_signed or one.thumbprint == c.thumbprint]
    for_all(world, c.thumbprint, lambda one: setattr(one, "has_key", False))
    if rng.random() < 0.5:  # imported from a .cer file only, which brings no services
        for_all(world, c.thumbprint, lambda one: one.services.discard("IIS"))

    def symptoms(w, t):
        now = first(w).certificate(c.thumbprint)
        if now is None or now.has_key:
            return ""
        if how == "error":
            return t.rpc(first(w), f"The certificate with thumbprint {c.thumbprint} was found but is not valid for use with Exchange "
                         "Server (reason: PrivateKeyMissing).", "Enable-ExchangeCertificate")
        return texts.send_log_without_key(w.hybrid, c)
    return symptoms


@fault("F06", "public", "public", alone=True)
def starttls_expired(world, rng):
    c, days = first(world).public, rng.randrange(1, 60)
    for_all(world, c.thumbprint, lambda one: (setattr(one, "not_after", NOW - days * DAY), setattr(one, "not_before", NOW - (days + 397) * DAY)))

    def symptoms(w, t):
        chosen = presented(first(w), front(w))
        expired = chosen is not None and chosen.not_after < NOW
        return t.event(12016, first(w), name=f"mail.{w.domain}") if expired else ""
    return symptoms


@fault("F30", "public", "public", every=True)
def weak_signature(world, rng):
    algorithm = rng.choice(["md5RSA", "md2RSA"])
    for_all(world, first(world).public.thumbprint, lambda c: setattr(c, "signature", algorithm))
    return nothing


@fault("F14", "public", "root public", YELLOW)
def root_in_wrong_store(world, rng):
    root = rng.choice(["Registry", "Unknown"])
    for_all(world, first(world).public.thumbprint, lambda c: setattr(c, "root", root))
    return nothing


@fault("F23", "public", "status", YELLOW)
def revocation_not_checkable(world, rng):
    for_all(world, first(world).public.thumbprint, lambda c: setattr(c, "status", "RevocationCheckFailure"))
    return nothing


@fault("F27", "wildcard", "pop", YELLOW, gone=lambda w: all(s.pop_name for s in w.servers))
def wildcard_for_pop(world, rng):
    for_all(world, first(world).public.thumbprint, lambda c: c.services.update({"POP", "IMAP"}))
    return nothing


@fault("F32", "public", "public", YELLOW, exempt="a hook of the ACME client, which runs at its next renewal")
def short_pair_twice(world, rng):
    old = first(world).public

    def shorten(c):
        c.not_before, c.not_after = NOW - 70 * DAY, NOW + 20 * DAY
    new = dataclasses.replace(old, thumbprint=hexadecimal(rng, 40), serial=hexadecimal(rng, 32), not_before=NOW - 3 * DAY,
                              not_after=NOW + 87 * DAY, services=set(old.services), domains=list(old.domains))
    for_all(world, old.thumbprint, shorten)
    for server in world.holders(old.thumbprint):
        server.certificates.append(copy.deepcopy(new))
    return nothing


@fault("F36", "plain", "own public internal relay front client")
def only_auth_has_smtp(world, rng):
    for c in first(world).certificates:
        if c.domains:
            c.services.discard("SMTP")
    return nothing


# ---- the internal transport certificate ----

@fault("F04", "public", "own internal", alone=True)
def own_deleted(world, rng):
    server, how = first(world), rng.choice([12013, 12014])
    only_own(server)
    lost = server.own.thumbprint
    server.certificates.remove(server.own)

    def symptoms(w, t):
        s = first(w)
        if s.certificate(s.internal):
            return ""
        return t.event(12013, s, thumbprint=lost) if how == 12013 else t.not_found(s, s.connector("Default "), s.fqdn)
    return symptoms


@fault("F05", "public", "own internal", alone=True)
def internal_expired(world, rng):
    own, days = first(world).own, rng.randrange(2, 90)
    own.not_after, own.not_before = NOW - days * DAY, NOW - (days + 1825) * DAY

    def symptoms(w, t):
        now = first(w).certificate(first(w).internal)
        return t.event(12015, first(w), thumbprint=now.thumbprint) if now and now.not_after < NOW else ""
    return symptoms


@fault("F10", "public", "internal public", YELLOW)
def public_is_internal(world, rng):
    server = first(world)
    server.internal = server.public.thumbprint
    return nothing


@fault("F24", "edge", "own internal", alone=True)
def cng_key(world, rng):
    first(world).own.provider = "Microsoft Software Key Storage Provider"

    def symptoms(w, t):
        now = first(w).certificate(first(w).internal)
        return t.event(1035, first(w), "MSExchange EdgeSync") if "Key Storage" in now.provider else ""
    return symptoms


# ---- refusals of cmdlets ----

@fault("F07", "public", "errors", YELLOW, alone=True, exempt="the new connector's own address is the administrator's to say")
def fqdn_pinned(world, rng):
    server = first(world)
    return lambda w, t: (f"[PS] C:\\>Set-ReceiveConnector \"{front(w).identity}\" -Fqdn mail.{w.domain}\n"
                         "When the AuthMechanism parameter on a Receive connector is set to the value ExchangeServer, you must set the "
                         f"FQDN parameter on the Receive connector to one of the following values: \"{server.fqdn}\", \"{server.name}\" "
                         "or $null.\n    + CategoryInfo          : InvalidOperation: (:) [Set-ReceiveConnector], "
                         "NotAllowedFqdnException\n\n")


@fault("F08", "public", "public", YELLOW, alone=True)
def old_one_tagged(world, rng):
    old = first(world).public
    new = dataclasses.replace(old, thumbprint=hexadecimal(rng, 40), serial=hexadecimal(rng, 32), not_before=NOW - 9 * DAY,
                              not_after=NOW + 380 * DAY, services=set(old.services), domains=list(old.domains))
    old.not_before, old.not_after = NOW - 350 * DAY, NOW + 40 * DAY
    first(world).certificates.append(new)

    def symptoms(w, t):
        if first(w).certificate(old.thumbprint) is None:
            return ""
        return (f"[PS] C:\\>Remove-ExchangeCertificate -Thumbprint {old.thumbprint}\n" +
                t.rpc(first(w), "These certificates are tagged with following Send Connectors : Outbound to Office 365. Removing and "
                      "replacing certificates from Send Connector would break the mail flow. If you still want to proceed then replace "
                      "or remove these certificates from Send Connector and then try this command.", "Remove-ExchangeCertificate"))
    return symptoms


@fault("F09", "", "own internal", YELLOW, alone=True)
def internal_not_removable(world, rng):
    lost = first(world).own.thumbprint

    def symptoms(w, t):
        if first(w).certificate(lost) is None:
            return ""
        return (f"[PS] C:\\>Remove-ExchangeCertificate -Thumbprint {lost}\n" +
                t.rpc(first(w), "The internal transport certificate cannot be removed because that would cause the Microsoft Exchange "
                      "Transport service to stop. To replace the internal transport certificate, create a new certificate. The new "
                      "certificate will automatically become the internal transport certificate. You can then remove the existing "
                      "certificate.", "Remove-ExchangeCertificate"))
    return symptoms


# ---- Send connectors ----

@fault("F13", "public", "hybrid", alone=True)
def untrusted_chosen(world, rng):
    world.hybrid.pair = ""
    how = rng.choice(["event", "queue"])

    def symptoms(w, t):
        if w.hybrid.pair:
            return ""
        if how == "event":
            return t.event(2004, first(w), connector=w.hybrid.name, name=first(w).fqdn, ip="5d0c1fb2a8e94f1c")
        return t.queue(first(w), "454 4.7.0 Failed to establish appropriate TLS channel: UntrustedRoot: Access Denied.")
    return symptoms


@fault("F22", "public", "require hybrid", YELLOW)
def pair_without_require_tls(world, rng):
    world.hybrid.require_tls = False
    return nothing


@fault("F31", "two public", "public hybrid front client")
def missing_on_second(world, rng):
    second = world.servers[1]
    gone = [c for c in second.certificates if not c.self_signed]
    for c in gone:
        second.certificates.remove(c)
    for k in second.receive:
        k.pair = ""
        k.fqdn = second.fqdn
    return nothing


@fault("F19", "public", "public hybrid front client", exempt="the schema of AD LDS is changed by hand in ADSI Edit")
def pair_too_long(world, rng):
    c = first(world).public
    subject = c.subject.split(",")[0] + ", OU=" + "Department of Long and Winding Names and " * 4 + "Forms, O=" + \
        "Very Long Organisation " * 4 + "Ltd, C=XX"
    old = c.pair
    for_all(world, c.thumbprint, lambda one: setattr(one, "subject", subject))
    for k in [k for s in world.servers for k in s.receive] + world.sends:
        if k.pair == old:
            k.pair = c.pair
    return lambda w, t: ""


# ---- addresses, ports, ranges ----

@fault("F25", "relay", "relay", alone=True)
def port_taken(world, rng):
    connector = relay(world)
    connector.role = "HubTransport"
    number = rng.choice([1018, 1019])

    def symptoms(w, t):
        taken = any(k.role == "HubTransport" and any(b.endswith(":25") for b in k.bindings) for k in first(w).receive)
        return t.event(number, first(w), binding="0.0.0.0:25", error="10048") if taken else ""
    return symptoms


@fault("F34", "relay", "relay", alone=True)
def binding_not_local(world, rng):
    relay(world).bindings = ["10.251.77.4:25"]

    def symptoms(w, t):
        foreign = any("10.251.77.4" in b for k in first(w).receive for b in k.bindings)
        return t.event(1019, first(w), binding="10.251.77.4:25", error="10049") if foreign else ""
    return symptoms


@fault("F35", "relay", "relay", exempt="which addresses the connector is for, the administrator must say")
def other_connector_answers(world, rng):
    connector = relay(world)
    connector.auth, connector.ranges = [], ["203.0.113.0/24"]
    return lambda w, t: texts.receive_log(first(w), relay(w), False)


@fault("F21", "public", "capability", alone=True)
def capability_pinned(world, rng):
    front(world).capabilities = ["<I>CN=MSIT Machine Auth CA 2, DC=redmond, DC=corp, DC=microsoft, DC=com<S>CN=mail.protection.outlook.com, "
                                 "OU=Forefront Online Protection for Exchange, O=Microsoft, L=Redmond, S=WA, C=US:AcceptCloudServicesMail"]

    def symptoms(w, t):
        pinned = any("<I>" in c for c in front(w).capabilities)
        return t.event(11022, first(w), connector=front(w).name, capability="mail.protection.outlook.com") if pinned else ""
    return symptoms


# ---- what partners and the wire show ----

@fault("F16", "exact", "front wire public", alone=True)
def other_name_seen(world, rng):
    other = certificate(rng, f"CN=webmail.{world.domain}", world.authority, [f"webmail.{world.domain}"], {"IIS", "SMTP"}, 400, 797)
    first(world).certificates.append(other)
    front(world).pair = other.pair
    expected = f"mail.{world.domain}"

    def symptoms(w, t):
        chosen = presented(first(w), front(w))
        if chosen and chosen.covers(expected):
            return ""
        return t.bounce("SubjectMismatch", **{"Expected Subject": expected, "Presented Subject": other.subject})
    return symptoms


@fault("F17", "public", "wire", alone=True)
def intermediate_missing(world, rng):
    for_all(world, first(world).public.thumbprint, lambda c: setattr(c, "sends_chain", False))
    how = rng.choice(["UntrustedRoot", "TenantAttribution"])

    def symptoms(w, t):
        if all(c.sends_chain for s in w.servers for c in s.certificates):
            return ""
        return t.bounce(how) if how == "UntrustedRoot" else "550 5.7.64 TenantAttribution; Relay Access Denied\n\n"
    return symptoms


@fault("F18", "public", "wire", exempt="a device in between is set by its own means")
def device_presents_own(world, rng):
    foreign = hexadecimal(rng, 40)
    return lambda w, t: t.bounce("CertificateExpired", Thumbprint=foreign)


@fault("F26", "public", "wire public front")
def old_one_served(world, rng):
    server = first(world)
    old = dataclasses.replace(server.public, thumbprint=hexadecimal(rng, 40), serial=hexadecimal(rng, 32), not_before=NOW - 360 * DAY,
                              not_after=NOW + 37 * DAY, services=set(server.public.services), domains=list(server.public.domains))
    server.public.not_before, server.public.not_after = NOW - 8 * DAY, NOW + 389 * DAY
    server.certificates.append(old)
    server.stale[front(world).identity] = old.thumbprint

    def symptoms(w, t):
        k = front(w)
        served = first(w).certificate(first(w).stale[k.identity]) if k.identity in first(w).stale else presented(first(w), k)
        return texts.receive_log(first(w), k, True, certificate=served)
    return symptoms


@fault("F28", "public", "wire", alone=True, exempt="a device in between is set by its own means")
def stripped(world, rng):
    if rng.random() < 0.5:
        return lambda w, t: texts.ehlo(first(w), crossed_out=True)
    return lambda w, t: texts.ehlo(first(w), starttls=False) + "from the server's own network:\n\n" + texts.ehlo(first(w))


@fault("F38", "", "test", YELLOW, alone=True, exempt="the test was wrong, not the server")
def wrong_test(world, rng):
    return lambda w, t: texts.WRONG_TEST.format(f"mail.{w.domain}")
