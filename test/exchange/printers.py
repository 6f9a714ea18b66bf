"""What the Exchange Management Shell prints of a world: Format-List, Format-Table, CLIXML and JSON, in several locales,
and what happens to it on the way: wrapped, in UTF-16, with no-break spaces."""
import calendar
import dataclasses
import json
import random
import textwrap
from xml.sax.saxutils import escape

from model import SERVICE_BITS, SERVICES

LOCALES = ["en-US", "en-GB", "de-DE", "ru-RU", "ja-JP", "fr-FR"]
MECHANISMS = {"Tls": 1, "Integrated": 2, "BasicAuth": 4, "BasicAuthRequireTLS": 8, "ExchangeServer": 16, "ExternalAuthoritative": 32}
ROOTS = ["None", "ThirdParty", "Enterprise", "Registry", "GroupPolicy", "Unknown"]


@dataclasses.dataclass
class Style:
    kind: str = "list"  # list, list-all, list-some, table, clixml, json
    locale: str = "en-US"
    width: int = 0  # 0: not wrapped; else Format-List's own wrapping
    hard: bool = False  # wrapped without regard to columns, as terminals copy
    encoding: str = "utf-8"
    nbsp: bool = False
    enumeration_limit: int = 16


def any_style(rng):
    kind = rng.choice(["list", "list-all", "list-all", "list-some", "table", "clixml", "json"])
    width = rng.choice([0, 0, 120, 80]) if kind.startswith("list") else 0
    return Style(kind, rng.choice(LOCALES), width, width == 80 and rng.random() < 0.5,
                 rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]), rng.random() < 0.15 and width == 0)


def date(moment, locale):
    clock12 = f"{moment.hour % 12 or 12}:{moment:%M:%S} {'AM' if moment.hour < 12 else 'PM'}"
    return {"en-US": f"{moment.month}/{moment.day}/{moment.year} {clock12}",
            "en-GB": f"{moment:%d/%m/%Y %H:%M:%S}",
            "fr-FR": f"{moment:%d/%m/%Y %H:%M:%S}",
            "de-DE": f"{moment:%d.%m.%Y %H:%M:%S}",
            "ru-RU": f"{moment:%d.%m.%Y} {moment.hour}:{moment:%M:%S}",
            "ja-JP": f"{moment:%Y/%m/%d} {moment.hour}:{moment:%M:%S}"}[locale]


# ---- the objects as ordered properties; values are str, bool, list, datetime, or an enumeration as (word, number) ----

def services_of(c):
    words = [s for s in SERVICES if s in c.services]
    return (", ".join(words) or "None", sum(SERVICE_BITS[w] for w in words))


def certificate_properties(c, server, every):
    properties = {
        "AccessRules": ["System.Security.AccessControl.CryptoKeyAccessRule"] * 3,
        "CertificateDomains": c.domains, "HasPrivateKey": c.has_key, "IsSelfSigned": c.self_signed, "Issuer": c.issuer,
        "NotAfter": c.not_after, "NotBefore": c.not_before, "PublicKeySize": "2048", "RootCAType": (c.root, ROOTS.index(c.root)),
        "SerialNumber": c.serial, "Services": services_of(c), "Status": (c.status, 1 if c.status == "Valid" else c.status),
        "Subject": c.subject, "Thumbprint": c.thumbprint}
    if every:
        properties |= {"Archived": False, "FriendlyName": c.friendly, "Identity": f"{server.fqdn}\\{c.thumbprint}",
                       "PrivateKeyExportable": c.exportable, "SignatureAlgorithm": c.signature, "KeyProvider": c.provider,
                       "Version": "3"}
    return properties


def receive_properties(k, every):
    properties = {"Name": k.name, "Identity": k.identity, "Server": k.server, "Fqdn": k.fqdn, "TlsCertificateName": k.pair,
                  "AuthMechanism": (", ".join(k.auth) or "None", sum(MECHANISMS[m] for m in k.auth)), "Bindings": k.bindings, "RemoteIPRanges": k.ranges,
                  "TransportRole": (k.role, {"HubTransport": 32}.get(k.role, 16384)), "Enabled": k.enabled,
                  "RequireTLS": k.require_tls, "TlsDomainCapabilities": k.capabilities}
    if not k.role:
        del properties["TransportRole"]
    if every:
        properties = {"Banner": "", "BinaryMimeEnabled": True, "ChunkingEnabled": True, "DomainSecureEnabled": False,
                      "SuppressXAnonymousTls": False, **properties, "PermissionGroups": (", ".join(k.groups), 0),
                      "MaxMessageSize": "36 MB (37,748,736 bytes)", "ProtocolLoggingLevel": ("Verbose", 1),
                      "ConnectionTimeout": "00:10:00", "ExtendedProtectionPolicy": ("None", 0),
                      "ObjectClass": ["top", "msExchSmtpReceiveConnector"], "IsValid": True}
    return properties


def send_properties(k, every):
    properties = {"Name": k.name, "Identity": k.identity, "Fqdn": k.fqdn, "TlsCertificateName": k.pair, "RequireTLS": k.require_tls,
                  "TlsAuthLevel": (k.auth_level, 0) if k.auth_level else "", "TlsDomain": k.tls_domain, "SmartHosts": k.smart_hosts,
                  "DNSRoutingEnabled": not k.smart_hosts, "AddressSpaces": k.spaces, "SourceTransportServers": k.sources,
                  "CloudServicesMailEnabled": k.cloud, "Enabled": k.enabled, "IgnoreSTARTTLS": False}
    if every:
        properties |= {"Port": "25", "ForceHELO": False, "MaxMessageSize": "35 MB (36,700,160 bytes)", "Guid": k.guid,
                       "SmartHostAuthMechanism": ("None", 0), "DomainSecureEnabled": False, "ProtocolLoggingLevel": ("None", 0),
                       "ObjectClass": ["top", "msExchConnector", "mailGateway", "msExchRoutingSMTPConnector"]}
    return properties


def server_properties(s):
    return {"Name": s.name, "Fqdn": s.fqdn, "ServerRole": ("Edge" if s.edge else "Mailbox", 64 if s.edge else 16439),
            "AdminDisplayVersion": "Version 15.2 (Build 1544.4)"}


def transport_properties(s):
    return {"Name": s.name, "InternalTransportCertificateThumbprint": s.internal}


SOME = {"certificate": ["Thumbprint", "Subject", "Issuer", "CertificateDomains", "Services", "HasPrivateKey", "IsSelfSigned",
                        "RootCAType", "Status", "NotBefore", "NotAfter", "SerialNumber"],
        "receive": ["Identity", "Name", "Enabled", "Fqdn", "TlsCertificateName", "AuthMechanism", "Bindings", "RemoteIPRanges", "TransportRole",
                    "TlsDomainCapabilities"],
        "send": ["Name", "Identity", "TlsCertificateName", "RequireTLS", "CloudServicesMailEnabled", "SourceTransportServers",
                 "AddressSpaces"],
        "server": ["Name", "Fqdn", "ServerRole"], "transport": ["Name", "InternalTransportCertificateThumbprint"]}
TYPES = {"certificate": "System.Security.Cryptography.X509Certificates.X509Certificate2",
         "receive": "Microsoft.Exchange.Data.Directory.SystemConfiguration.ReceiveConnector",
         "send": "Microsoft.Exchange.Data.Directory.SystemConfiguration.SmtpSendConnectorConfig",
         "server": "Microsoft.Exchange.Data.Directory.Management.ExchangeServer",
         "transport": "Microsoft.Exchange.Data.Directory.Management.TransportService"}


def properties_of(world, every):
    """(kind, command, objects) of each cmdlet in the order in which administrators paste them."""
    yield "server", "Get-ExchangeServer", [server_properties(s) for s in world.servers]
    for s in world.servers:
        at = f" -Server {s.name}" if len(world.servers) > 1 else ""
        yield "certificate", f"Get-ExchangeCertificate{at}", [certificate_properties(c, s, every) for c in s.certificates]
    for s in world.servers:
        at = f" -Server {s.name}" if len(world.servers) > 1 else ""
        yield "receive", f"Get-ReceiveConnector{at}", [receive_properties(k, every) for k in s.receive]
    yield "transport", "Get-TransportService", [transport_properties(s) for s in world.servers]
    if world.sends:
        yield "send", "Get-SendConnector", [send_properties(k, every) for k in world.sends]


# ---- Format-List and Format-Table ----

def cell(value, style):
    if isinstance(value, tuple):
        return value[0]
    if isinstance(value, list):
        shown = value[:style.enumeration_limit]
        return "{" + ", ".join(shown) + ("..." if len(value) > len(shown) else "") + "}"
    if hasattr(value, "year"):
        return date(value, style.locale)
    return str(value)


def list_line(name, text, column, style):
    line = f"{name:<{column}}: {text}"
    if not style.width or len(line) < style.width:
        return line.rstrip() if not text else line
    if style.hard:
        return "\n".join(line[i:i + style.width] for i in range(0, len(line), style.width))
    indent = " " * (column + 2)
    return "\n".join(textwrap.wrap(line, style.width - 1, subsequent_indent=indent, break_on_hyphens=False))


def format_list(objects, style):
    blocks = []
    for properties in objects:
        column = max(map(len, properties)) + 1
        lines = [list_line(name, cell(value, style), column, style) for name, value in properties.items()]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def format_table(objects, style):
    if not objects:
        return ""
    names = list(objects[0])
    rows = [[cell(o.get(name, ""), style) for name in names] for o in objects]
    widths = [max(len(name), *(len(row[i]) for row in rows)) for i, name in enumerate(names)]
    right = [all(isinstance(o.get(name), bool) for o in objects) for name in names]

    def line(cells):
        return " ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right)).rstrip()
    dashes = " ".join(("-" * len(n)).rjust(w) if r else ("-" * len(n)).ljust(w) for n, w, r in zip(names, widths, right))
    return "\n".join([line(names), dashes.rstrip(), *map(line, rows)]) + "\n"


# ---- CLIXML and JSON ----

def xml_value(name, value, counter):
    counter[0] += 1
    if isinstance(value, bool):
        return f'<B N="{name}">{str(value).lower()}</B>'
    if isinstance(value, tuple):
        return (f'<Obj N="{name}" RefId="{counter[0]}"><ToString>{escape(value[0])}</ToString>'
                f'<I32>{value[1] if isinstance(value[1], int) else 0}</I32></Obj>')
    if isinstance(value, list):
        items = "".join(f"<S>{escape(item)}</S>" for item in value)
        return f'<Obj N="{name}" RefId="{counter[0]}"><TN RefId="{counter[0]}"><T>Deserialized.Microsoft.Exchange.Data.' \
               f'MultiValuedProperty</T></TN><LST>{items}</LST></Obj>'
    if hasattr(value, "year"):
        return f'<DT N="{name}">{value:%Y-%m-%dT%H:%M:%S}+00:00</DT>'
    return f'<Nil N="{name}" />' if value == "" else f'<S N="{name}">{escape(value)}</S>'


def clixml(kind, objects):
    counter, out = [0], []
    for properties in objects:
        counter[0] += 1
        inner = "\n      ".join(xml_value(name, value, counter) for name, value in properties.items())
        out.append(f'  <Obj RefId="{counter[0]}">\n    <TN RefId="{counter[0]}"><T>Deserialized.{TYPES[kind]}</T>'
                   f'<T>System.Object</T></TN>\n    <Props>\n      {inner}\n    </Props>\n  </Obj>')
    body = "\n".join(out)
    return f'<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">\n{body}\n</Objs>\n'


def json_value(value):
    if isinstance(value, tuple):
        return value[1] if isinstance(value[1], int) and value[0] not in ("", "None") and value[1] else value[0]
    if hasattr(value, "year"):
        return f"/Date({calendar.timegm(value.timetuple()) * 1000})/"
    return None if value == "" else value


def as_json(objects):
    values = [{name: json_value(value) for name, value in o.items()} for o in objects]
    return json.dumps(values[0] if len(values) == 1 else values, indent=4, ensure_ascii=False) + "\n"


# ---- a whole world ----

def asked(kind, style):
    if style.kind == "list":
        return "" if kind == "certificate" else " *"
    return " *" if style.kind == "list-all" else " " + ",".join(SOME[kind])


def print_part(kind, command, objects, style):
    if style.kind in ("list-some", "table") or (style.kind == "list" and kind == "server"):
        objects = [{name: o[name] for name in SOME[kind] if name in o} for o in objects]
    if style.kind == "table":
        return f"[PS] C:\\>{command} | FT {','.join(SOME[kind])} -AutoSize | Out-String -Width 4096\n\n" + format_table(objects, style)
    return f"[PS] C:\\>{command} | FL{asked(kind, style)}\n\n" + format_list(objects, style)


def encode(text, style):
    if style.nbsp:
        text = text.replace(" : ", "\u00a0: ")
    newline = "\r\n" if style.encoding != "utf-8" else "\n"
    return text.replace("\n", newline).encode("utf-16" if style.encoding == "utf-16" else style.encoding)


def print_world(world, style):
    """[(file name, bytes)]: one text, or one file for each export."""
    every = style.kind in ("list-all", "clixml", "json")
    parts = list(properties_of(world, every))
    if style.kind in ("clixml", "json"):
        files = []
        for n, (kind, _, objects) in enumerate(parts):
            text = clixml(kind, objects) if style.kind == "clixml" else as_json(objects)
            files.append((f"{n}-{kind}.{'xml' if style.kind == 'clixml' else 'json'}", encode(text, style)))
        return files
    text = "\n".join(print_part(kind, command, objects, style) for kind, command, objects in parts)
    return [("print.txt", encode(text, style))]


def style_of(seed):
    return any_style(random.Random(seed * 7919 + 1))
