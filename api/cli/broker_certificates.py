"""A small certificate authority for a broker and its clients: P-256, X.509 version 3 (RFC 5280).

Three kinds of certificate: the authority's own; the broker's, with its addresses as subject alternative names; a
client's, whose common name is its user at the broker. Private keys are PKCS #8 PEM in files of mode 0600 and are never
written over. This is for a demonstration or a small house; a larger one has an authority that keeps its key elsewhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected
from custody.store.durable_file import create_file

BACKDATED = timedelta(minutes=5)
AUTHORITY_DAYS = 3650
BROKER = "weaklink broker"
"""The common name of every broker: it has room for 64 letters, less than a host name may have, and clients compare the
alternative names (RFC 6125 section 6.4.4)."""
MOST_OF_A_HOST = 253
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatePair:
    """A certificate and its private key, and the files they stand in."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    certificate_file: Path
    key_file: Path


def open_authority(folder: Path, *, now_ms: Instant) -> CertificatePair:
    """The authority in the folder, made if there is none."""
    certificate_file, key_file = folder / "ca.pem", folder / "ca.key"
    if certificate_file.exists():
        return _read(certificate_file, key_file)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("weaklink broker authority")
    usage = _usage(signs_certificates=True)
    builder = _builder(name, name, key.public_key(), now_ms=now_ms, days=AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    return _write(builder.sign(key, hashes.SHA256()), key, certificate_file, key_file)


def read_hosts(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    """Host names and addresses as a certificate has them; raises `Rejected("host")`."""
    return x509.SubjectAlternativeName([_general_name(host) for host in hosts])


def issue_broker(
    authority: CertificatePair, folder: Path, *, names: x509.SubjectAlternativeName, now_ms: Instant, days: int
) -> CertificatePair:
    """The broker's certificate for what `read_hosts` read; an existing one is kept."""
    return _issue(
        authority, folder / "broker", BROKER, ExtendedKeyUsageOID.SERVER_AUTH, now_ms=now_ms, days=days, names=names
    )


def issue_client(authority: CertificatePair, folder: Path, *, user: str, now_ms: Instant, days: int) -> CertificatePair:
    """A client's certificate, whose common name is its user; an existing one is kept."""
    return _issue(authority, folder / user, user, ExtendedKeyUsageOID.CLIENT_AUTH, now_ms=now_ms, days=days)


def _issue(
    authority: CertificatePair,
    stem: Path,
    common_name: str,
    purpose: x509.ObjectIdentifier,
    *,
    now_ms: Instant,
    days: int,
    names: x509.SubjectAlternativeName | None = None,
) -> CertificatePair:
    certificate_file, key_file = stem.with_name(f"{stem.name}.pem"), stem.with_name(f"{stem.name}.key")
    if certificate_file.exists():
        return _read(certificate_file, key_file)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(common_name), authority.certificate.subject, key.public_key(), now_ms=now_ms, days=days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return _write(builder.sign(authority.key, hashes.SHA256()), key, certificate_file, key_file)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, now_ms: Instant, days: int
) -> x509.CertificateBuilder:
    now = datetime.fromtimestamp(now_ms // 1000, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        if len(host) > MOST_OF_A_HOST or not _HOST.fullmatch(host):
            told = f"{host[:80]!r} is no host name or address"
            raise Rejected(
                "host", told, fix="Give a name of letters, digits, hyphens and dots, or an IP address."
            ) from None
        return x509.DNSName(host)


def _write(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, pem: Path, secret: Path) -> CertificatePair:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    if secret.exists():
        raise Rejected("key", f"{secret} stands without its certificate", fix="Move it away; keys are never replaced.")
    create_file(secret, private, mode=0o600)
    create_file(pem, certificate.public_bytes(serialization.Encoding.PEM))
    return CertificatePair(certificate=certificate, key=key, certificate_file=pem, key_file=secret)


def _read(pem: Path, secret: Path) -> CertificatePair:
    if not secret.exists():
        raise Rejected("key", f"{pem} stands without its key", fix=f"Bring {secret.name} back; none is ever replaced.")
    try:
        certificate = x509.load_pem_x509_certificate(pem.read_bytes())
        key = serialization.load_pem_private_key(secret.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise Rejected("key", f"{pem} or {secret} cannot be read: {error}", fix="Restore both from a copy.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise Rejected("key", f"{secret} is not the key of {pem}", fix="Restore both from a copy.")
    return CertificatePair(certificate=certificate, key=key, certificate_file=pem, key_file=secret)
