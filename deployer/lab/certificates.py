"""The certificates that this machine trusts and Debian does not: a company's proxy, a private mirror."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_DEBIAN = Path("/usr/share/ca-certificates")


def split_pem(text: str) -> list[str]:
    """Return the certificates of a bundle, each with uniform line ends."""
    return ["\n".join(line.strip() for line in pem.splitlines()) + "\n" for pem in _PEM.findall(text)]


def extra_certificates(bundles: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return what is in the bundles and not among the known, once each, sorted."""
    ours = {pem for text in bundles for pem in split_pem(text)}
    return sorted(ours - {pem for text in known for pem in split_pem(text)})


def read_extra(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the certificates that hosts must trust besides Debian's."""
    paths = [BUNDLE, *(Path(environ[key]) for key in ("SSL_CERT_FILE", "PIP_CERT") if environ.get(key))]
    return extra_certificates(_read(paths), _read(_DEBIAN.rglob("*.crt")))


def _read(paths: Iterable[Path]) -> list[str]:
    return [path.read_text(errors="replace") for path in paths if path.is_file()]
