"""Checks a certificate that a host shows against the @cert-authority lines of known_hosts, as OpenSSH does.

The host's proof that it holds the certified key is checked by paramiko, during the key exchange.
"""

from __future__ import annotations

import base64
import time
from fnmatch import fnmatchcase

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

from deployer.transport.known_hosts import AUTHORITY, REVOKED, KnownHosts
from deployer.transport.route import Route

MARK = "-cert-v01@openssh.com"


def is_certified(blob: bytes, known: KnownHosts, route: Route) -> bool:
    """Whether a trusted, unrevoked authority has certified this key for this host, and the time is right."""
    certificate = _load(blob)
    if certificate is None or certificate.type is not SSHCertificateType.HOST or certificate.critical_options:
        return False
    authority = _blob(certificate.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    own = _blob(certificate.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    revoked = {line.key.blob for line in known.keys(route.names, REVOKED)}
    trusted = {line.key.blob for line in known.keys(route.names, AUTHORITY)} - revoked
    return authority in trusted and own not in revoked and _is_valid(certificate, route)


def certified_key(blob: bytes) -> bytes | None:
    """The public key that a certificate is for, as it travels; None for what is no certificate."""
    certificate = _load(blob)
    return _blob(certificate.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)) if certificate else None


def _is_valid(certificate: SSHCertificate, route: Route) -> bool:
    """Signed by whom it says, for this host, and now."""
    patterns = [name.decode(errors="replace").lower() for name in certificate.valid_principals]
    meant = [route.alias or route.address.lower()]
    if patterns and not any(fnmatchcase(name, pattern) for name in meant for pattern in patterns):
        return False
    try:
        certificate.verify_cert_signature()
    except InvalidSignature:
        return False
    return certificate.valid_after <= time.time() < certificate.valid_before


def _load(blob: bytes) -> SSHCertificate | None:
    kind = blob[4 : 4 + int.from_bytes(blob[:4], "big")]
    try:
        found = load_ssh_public_identity(kind + b" " + base64.b64encode(blob))
    except ValueError:
        return None
    return found if isinstance(found, SSHCertificate) else None


def _blob(line: bytes) -> bytes:
    return base64.b64decode(line.split()[1])
