"""Certificates and RSA keys for the tests: made anew for each run, so that nothing here expires or is secret.

`Keys.props` goes to the server; `Keys.paths` are the files that options of mysqlcheck name.
"""

import ipaddress
import ssl
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from .session import Props

DAY = timedelta(days=1)
HERE = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
)
ELSEWHERE = (x509.DNSName("db.example.org"),)


class Keys(NamedTuple):
    props: Props
    paths: Mapping[str, str]
    rogue: rsa.RSAPrivateKey


class _Authority:
    """A certificate and the key it signs with."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self.sign(self.name, self.key, HERE, ca=True)

    def sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        names: tuple[x509.GeneralName, ...],
        *,
        ca: bool = False,
        age: timedelta = DAY,
    ) -> x509.Certificate:
        begin = datetime.now(UTC) - age
        public = key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + 2 * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _context(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    path = folder / f"{name}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + _private(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _make_ancient(context: ssl.SSLContext) -> None:
    """Speak TLS 1.1 and older only, which today's OpenSSL does at its lowest security level alone."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # that is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1


def make_keys(folder: Path) -> Keys:
    """Make all keys and certificates of a test run in a folder."""
    trusted, stranger = _Authority("mysqlcheck test CA"), _Authority("mysqlcheck other CA")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "r1")])
    contexts = {
        "good": _context(folder, "good", trusted.sign(subject, key, HERE), key),
        "expired": _context(folder, "expired", trusted.sign(subject, key, HERE, age=30 * DAY), key),
        "elsewhere": _context(folder, "elsewhere", trusted.sign(subject, key, ELSEWHERE), key),
        "stranger": _context(folder, "stranger", stranger.sign(subject, key, HERE), key),
        "self-signed": _context(folder, "self-signed", stranger.certificate, stranger.key),
        "ancient": _context(folder, "ancient", trusted.sign(subject, key, HERE), key),
    }
    _make_ancient(contexts["ancient"])
    rogue, pinned = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    ca, pin = folder / "ca.pem", folder / "pinned.pem"
    ca.write_bytes(trusted.certificate.public_bytes(serialization.Encoding.PEM))
    pin.write_bytes(_public(pinned))
    rogue_pin = folder / "rogue.pem"
    rogue_pin.write_bytes(_public(rogue))
    paths = {"ca": str(ca), "pinned": str(pin), "rogue": str(rogue_pin)}
    return Keys(Props(contexts, _public(rogue)), paths, rogue)
