"""The key pair with which the deployer logs in to a lab's hosts; made once, kept beside the lab's state."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from deployer.lab.lock import alone


def ensure_key(path: Path) -> str:
    """Return the public key of the private key at `path`, made (0600) if there is none."""
    with alone(f"key {path.resolve()}"):
        public = path.with_name(path.name + ".pub")
        if not path.exists():
            _make(path, public)
        return public.read_text()


def _make(path: Path, public: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" deployer-lab\n"
    public.write_bytes(line)
    opener = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opener, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
