"""Certificates made on the spot."""
import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


class Authority:
    """A private certificate authority in a folder; .pem is its root."""

    def __init__(self, folder, name="Test Root"):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(name, name, self.key.public_key(), [], True, (-10, 3650))
        self.pem = folder / "root.pem"
        self.pem.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, issuer, public_key, names, is_ca, days):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
                   .public_key(public_key).serial_number(x509.random_serial_number())
                   .not_valid_before(now + datetime.timedelta(days=days[0]))
                   .not_valid_after(now + datetime.timedelta(days=days[1]))
                   .add_extension(x509.BasicConstraints(is_ca, None), True))
        if names:
            alternatives = [x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, *names, days=(-1, 90), file=None):
        """A leaf for the names: one PEM file with certificate, root and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._sign(names[0], self.name, key.public_key(), names, False, days)
        path = self.folder / (file or f"{names[0].replace('*', 'star')}.pem")
        path.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + self.pem.read_bytes() + _pem(key))
        path.chmod(0o600)
        return path


def server_context(pem, **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    for option, value in options.items():
        setattr(context, option, value)
    return context


def trusting(root):
    context = ssl.create_default_context(cafile=root)
    return context
