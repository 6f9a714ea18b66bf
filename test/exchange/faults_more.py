"""Other shapes of the same faults: each mark that doc/exchange-faults.md gives for one beside those of faults.py. Imported
for what it adds to FAULTS."""
import dataclasses

import texts
from faults import FAULTS, YELLOW, fault, first, for_all, front, nothing, only_own, relay, uncovered
from generator import hexadecimal
from model import DAY, NOW, choose, presented

__all__ = ["FAULTS"]


@fault("F01 internal name", "relay", "relay", alone=True)
def internal_name(world, rng):
    relay(world).fqdn = rng.choice(["relay.werk3.local", "printers.floor2.lan"])
    return lambda w, t: t.not_found(first(w), relay(w), relay(w).fqdn) if uncovered(w, relay(w)) else ""


@fault("F02 own certificate", "public", "own internal public")
def own_without_smtp(world, rng):
    first(world).own.services.discard("SMTP")
    return nothing


@fault("F02 by the wizard", "public", "own public errors")
def wizard_finds_no_smtp(world, rng):
    for_all(world, first(world).public.thumbprint, lambda c: c.services.discard("SMTP"))

    def symptoms(w, t):
        if "SMTP" in first(w).public.services:
            return ""
        return f"HCW8064: Secure Mail Certificate on server {first(w).name} is not bound to the SMTP Service.\n\n"
    return symptoms


@fault("F03 second server", "two public", "public")
def stale_on_second(world, rng):
    world.servers[1].connector("Default Frontend").pair = f"<I>{world.next_authority}<S>{first(world).public.subject}"
    return nothing


@fault("F04 by 12012", "", "own internal", alone=True)
def none_recorded(world, rng):
    first(world).internal = ""
    return lambda w, t: "" if first(w).internal else t.event(12012, first(w))


@fault("F04 by 12024", "public", "own internal", alone=True)
def ephemeral_stands_in(world, rng):
    server = first(world)
    only_own(server)
    lost = server.own.thumbprint
    server.certificates.remove(server.own)
    return lambda w, t: "" if first(w).certificate(first(w).internal) else t.event(12024, first(w), thumbprint=lost,
                                                                                   other=hexadecimal(rng, 40))


@fault("F05 soon", "public", "own internal", YELLOW, alone=True)
def internal_expires_soon(world, rng):
    own, days = first(world).own, rng.randrange(2, 26)
    own.not_after, own.not_before = NOW + days * DAY, NOW + (days - 1825) * DAY

    def symptoms(w, t):
        now = first(w).certificate(first(w).internal)
        return t.event(12017, first(w), thumbprint=now.thumbprint, hours=days * 24) if now.not_after < NOW + 30 * DAY else ""
    return symptoms


@fault("F06 soon", "public", "public", YELLOW, alone=True)
def starttls_expires_soon(world, rng):
    c, days = first(world).public, rng.randrange(2, 26)
    for_all(world, c.thumbprint, lambda one: (setattr(one, "not_after", NOW + days * DAY), setattr(one, "not_before", NOW + (days - 397) * DAY)))

    def symptoms(w, t):
        chosen = presented(first(w), front(w))
        soon = chosen is not None and chosen.not_after < NOW + 30 * DAY
        return t.event(12018, first(w), subject=c.subject, thumbprint=c.thumbprint, hours=days * 24) if soon else ""
    return symptoms


@fault("F06 by a bounce", "public", "public wire")
def expired_by_bounce(world, rng):
    c = first(world).public
    for_all(world, c.thumbprint, lambda one: (setattr(one, "not_after", NOW - 5 * DAY), setattr(one, "not_before", NOW - 402 * DAY)))

    def symptoms(w, t):
        chosen = presented(first(w), front(w))
        return t.bounce("CertificateExpired", Thumbprint=chosen.thumbprint) if chosen and chosen.not_after < NOW else ""
    return symptoms


@fault("F10 with broken trust", "public", "internal public", alone=False)
def trust_breaks(world, rng):
    server = first(world)
    server.internal, world.edge_trust = server.public.thumbprint, False
    return lambda w, t: "" if w.edge_trust else t.event(1036, first(w), subject=server.public.subject, ip="10.0.0.9")


@fault("F10 by the answer", "public", "internal public", YELLOW)
def overwrite_answered_yes(world, rng):
    server = first(world)
    own, server.internal = server.own, server.public.thumbprint

    def symptoms(w, t):
        now = first(w).certificate(first(w).internal)
        command = f"[PS] C:\\>Enable-ExchangeCertificate -Thumbprint {now.thumbprint} -Services IIS,SMTP\n\n"
        return "" if now.self_signed else command + t.overwrite(own, now, "Y")
    return symptoms


@fault("F12 own certificate", "public", "own internal public")
def own_without_key(world, rng):
    only_own(first(world))
    first(world).own.has_key = False
    return nothing


@fault("F18 by the log", "public", "wire front public", exempt="a device in between is set by its own means")
def log_shows_foreign(world, rng):
    foreign = dataclasses.replace(first(world).public, thumbprint=hexadecimal(rng, 40), serial=hexadecimal(rng, 32))
    return lambda w, t: texts.receive_log(first(w), front(w), True, certificate=foreign)


@fault("F19 by EdgeSync", "public", "edge", alone=True, exempt="the schema of AD LDS is changed by hand in ADSI Edit")
def edgesync_refuses(world, rng):
    return lambda w, t: "EdgeSync failed to write the connector to AD LDS: The value in the request is invalid.\n\n"


@fault("F20 Send connector", "public", "hybrid")
def send_pair_without_marks(world, rng):
    c = first(world).public
    world.hybrid.pair = f"{c.issuer}{c.subject}"
    return nothing


@fault("F22 by the wizard", "public", "require hybrid errors")
def wizard_wants_require_tls(world, rng):
    world.hybrid.require_tls = False
    return lambda w, t: "" if w.hybrid.require_tls else "RequiredTls flag should be set to true if TlsCertificateName is specified.\n\n"


@fault("F24 by the provider", "edge", "own internal", every=True)
def cng_provider(world, rng):
    first(world).own.provider = "Microsoft Software Key Storage Provider"
    return nothing


@fault("F25 without an event", "relay", "relay")
def port_shared(world, rng):
    relay(world).role = "HubTransport"
    return nothing


@fault("F27 by the warning", "wildcard", "pop", YELLOW, alone=True, gone=lambda w: all(s.pop_name for s in w.servers))
def wildcard_warning(world, rng):
    for_all(world, first(world).public.thumbprint, lambda c: c.services.update({"POP", "IMAP"}))

    def symptoms(w, t):
        c = first(w).public
        return (f"WARNING: This certificate with thumbprint {c.thumbprint} and subject '*.{w.domain}' cannot used for POP SSL/TLS connections "
                "because the subject is not a Fully Qualified Domain Name (FQDN). Use command Set-POPSettings to set "
                "X509CertificateName to the FQDN of the service.\n\n")
    return symptoms


@fault("F31 by ATTR36", "public", "wire", alone=True, exempt="the inbound connector is Exchange Online's")
def attribution_refused(world, rng):
    return lambda w, t: rng.choice(["550 5.7.64 Relay Access Denied ATTR36\n\n",
                                    "550 5.7.51 TenantInboundAttribution; There is a partner connector configured that matched the "
                                    "message's recipient domain. The connector had either the RestrictDomainsToIPAddresses or "
                                    "RestrictDomainsToCertificate set\n\n"])


@fault("F36 beside a public one", "exact", "own public internal relay front client", lone=True)
def named_ones_lack_smtp(world, rng):
    for server in world.servers:
        for c in server.certificates:
            if c.domains:
                c.services.discard("SMTP")
    return nothing


@fault("F37 by a bounce", "exact", "front public own wire")
def bounce_tells_of_own(world, rng):
    front(world).pair = ""
    expected = f"mail.{world.domain}"

    def symptoms(w, t):
        chosen = choose(first(w), front(w).fqdn, front(w).pair)
        return "" if chosen.covers(expected) else t.bounce("SubjectMismatch", **{"Expected Subject": expected,
                                                                                  "Presented Subject": chosen.subject})
    return symptoms
