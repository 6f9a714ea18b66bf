"""What src/cli/data/collect-exchange.ps1 writes on a generated server, with real certificates in RawData."""
import base64
import datetime
import hashlib
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import texts
from model import NOW
from printers import (Style, certificate_properties, format_list, receive_properties, send_properties, server_properties,
                      transport_properties)

KEY = ec.generate_private_key(ec.SECP256R1())
ATTRIBUTES = {"CN": NameOID.COMMON_NAME, "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
              "L": NameOID.LOCALITY_NAME, "C": NameOID.COUNTRY_NAME, "DC": NameOID.DOMAIN_COMPONENT}
MOMENT = "%Y-%m-%dT%H:%M:%S+00:00"


def name_of(text):
    """Exchange prints the most specific part first; DER has it last."""
    if not text:
        return x509.Name([])
    parts = [part.strip().split("=", 1) for part in text.split(",")]
    return x509.Name([x509.NameAttribute(ATTRIBUTES[key], value) for key, value in reversed(parts)])


def real(c):
    """The certificate as DER: the model's fields in a certificate of their own."""
    builder = (x509.CertificateBuilder().subject_name(name_of(c.subject)).issuer_name(name_of(c.issuer)).public_key(KEY.public_key())
               .serial_number(int(c.serial, 16)).not_valid_before(c.not_before).not_valid_after(c.not_after))
    if c.domains:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(d) for d in c.domains]), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def dress(world):
    """Gives each certificate of the model the thumbprint of a real one; one that several servers have stays one."""
    made = {}
    for server in world.servers:
        for c in server.certificates:
            if c.thumbprint not in made:
                der = real(c)
                made[c.thumbprint] = (hashlib.sha1(der).hexdigest().upper(), der)
    for server in world.servers:
        server.internal = made.get(server.internal, (server.internal,))[0]
        for c in server.certificates:
            c.thumbprint, c.der = made[c.thumbprint]


def certificate(c, server):
    printed = certificate_properties(c, server, True)
    names = ["Thumbprint", "Subject", "Issuer", "SerialNumber", "FriendlyName", "CertificateDomains", "HasPrivateKey", "IsSelfSigned",
             "RootCAType", "Services", "Status", "PublicKeySize"]
    return {"Server": server.name, **{name: printed[name] for name in names}, "NotBefore": c.not_before.strftime(MOMENT),
            "NotAfter": c.not_after.strftime(MOMENT), "SignatureAlgorithm": c.signature, "RawData": base64.b64encode(c.der).decode()}


def part(command, text):
    """Out-String puts blank lines around what Format-List prints."""
    return f"[PS] C:\\>{command}\n\n\n{text}\n\n\n"


def events_of(case):
    """The 12014s and the like of a case, as Get-WinEvent objects by server."""
    told = texts.Teller(case.seed, "en-US", "full")
    out = {}
    text = "".join(tell(case.world, told) for tell in case.symptoms)
    for block in re.findall(r"Log Name: .*?\nDescription:\n[^\n]*\n", text, re.S):
        value = {label: re.search(rf"^{label}: *(.*)$", block, re.M)[1] for label in ("Source", "Event ID", "Level", "Computer")}
        description = block.split("Description:\n", 1)[1].strip()
        out.setdefault(case.world.servers[0].name, []).append({
            "Source": value["Source"], "Date": (NOW - datetime.timedelta(hours=2)).strftime(MOMENT), "Event ID": value["Event ID"],
            "Level": value["Level"], "Computer": value["Computer"], "Description": description})
    return out


def write(world, events):
    dress(world)
    style = Style("list-all", enumeration_limit=1000)
    show = lambda objects: format_list(objects, style)  # noqa: E731
    parts = [part("Get-ExchangeServer | FL Name,Fqdn,ServerRole,AdminDisplayVersion", show([server_properties(s) for s in world.servers]))]
    for s in world.servers:
        parts += [part(f"Get-ExchangeCertificate -Server {s.name} | FL *", show([certificate(c, s) for c in s.certificates])),
                  part(f"Get-ReceiveConnector -Server {s.name} | FL *", show([receive_properties(k, True) for k in s.receive])),
                  part(f"Get-TransportService {s.name} | FL Name,InternalTransportCertificateThumbprint", show([transport_properties(s)])),
                  part(f"Get-WinEvent -ComputerName {s.name}", "\n\n".join(show([e]) for e in events.get(s.name, [])))]
    domain = {"Name": world.domain, "DomainName": world.domain, "DomainType": "Authoritative", "Default": True}
    parts += [part("Get-SendConnector | FL *", show([send_properties(k, True) for k in world.sends])),
              part("Get-AcceptedDomain | FL Name,DomainName,DomainType,Default", show([domain])),
              part("Get-Queue | FL Identity,DeliveryType,NextHopDomain,Status,MessageCount,LastError", "")]
    return "".join(parts)
