"""The file format of ansible-vault, 1.1 and 1.2: what is around the secret, and the cipher that it is under.

Which password belongs to which id is `vault_keys`' business. The format is described at
https://docs.ansible.com/ansible/latest/vault_guide/vault_using_encrypted_content.html (Format of files encrypted with
Ansible Vault): a header line, then hex of three lines: hex of salt, HMAC and ciphertext.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from binascii import hexlify, unhexlify

from deployer.errors import Place, VaultError
from deployer.frozen import dataclass

MARK = b"$ANSIBLE_VAULT"
DEFAULT = "default"  # the id of a password that was given without one
CIPHER = "AES256"
ITERATIONS = 10_000
WIDTH = 80  # columns of the hex lines
BLOCK = 128  # bits
RESTORE = "take it from version control or a backup, or encrypt the value again"


@dataclass(frozen=True)
class Envelope:
    """An encrypted text taken apart; `label` is the id of its password, which is a hint and not protected."""

    label: str
    salt: bytes
    digest: bytes
    ciphertext: bytes


def is_encrypted(data: bytes) -> bool:
    """Whether this is, or was meant to be, something that ansible-vault has encrypted."""
    return data.startswith(MARK)


def read_envelope(data: bytes, place: Place) -> Envelope:
    """The parts of an encrypted text; raises VaultError with the place if it is damaged or of another kind."""
    lines = data.splitlines()
    label = _label(lines[0] if lines else b"", place)
    parts = _unhexed(b"".join(lines[1:]), place).split(b"\n")
    if len(parts) != 3:
        raise _damaged("salt, HMAC and ciphertext are not to be found in it", place)
    salt, digest, ciphertext = (_unhexed(part, place) for part in parts)
    return Envelope(label, salt, digest, ciphertext)


def encrypt(content: bytes, password: bytes, label: str = DEFAULT) -> bytes:
    """The content as ansible-vault writes it: format 1.2 with an id, 1.1 without."""
    from cryptography.hazmat.primitives.padding import PKCS7

    salt = os.urandom(32)
    key, hmac_key, counter = _keys(password, salt)
    padder = PKCS7(BLOCK).padder()
    ciphertext = _cipher(key, counter, padder.update(content) + padder.finalize())
    digest = hmac.digest(hmac_key, ciphertext, "sha256")
    body = hexlify(b"\n".join(map(hexlify, (salt, digest, ciphertext))))
    header = [MARK, b"1.1", CIPHER.encode()] if label == DEFAULT else [MARK, b"1.2", CIPHER.encode(), label.encode()]
    lines = [b";".join(header), *(body[at : at + WIDTH] for at in range(0, len(body), WIDTH)), b""]
    return b"\n".join(lines)


def decrypt(envelope: Envelope, password: bytes) -> bytes | None:
    """The content, or None if it is under another password, or damaged: the HMAC cannot tell these apart."""
    from cryptography.hazmat.primitives.padding import PKCS7

    key, hmac_key, counter = _keys(password, envelope.salt)
    if not hmac.compare_digest(hmac.digest(hmac_key, envelope.ciphertext, "sha256"), envelope.digest):
        return None
    unpadder = PKCS7(BLOCK).unpadder()
    try:
        return unpadder.update(_cipher(key, counter, envelope.ciphertext)) + unpadder.finalize()
    except ValueError:  # sealed with this password, by something that does not pad
        return None


def _keys(password: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """The cipher's key, the HMAC's key, and the counter to begin with."""
    derived = hashlib.pbkdf2_hmac("sha256", password, salt, ITERATIONS, 80)
    return derived[:32], derived[32:64], derived[64:]


def _cipher(key: bytes, counter: bytes, data: bytes) -> bytes:
    """AES in counter mode, which is the same both ways."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    context = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    return context.update(data) + context.finalize()


def _label(header: bytes, place: Place) -> str:
    try:
        mark, version, cipher, *label = (part.strip() for part in header.decode("utf-8").split(";", 3))
    except ValueError:  # UnicodeDecodeError is one
        raise _damaged("its first line is no `$ANSIBLE_VAULT;1.1;AES256`", place) from None
    if mark.encode() != MARK:
        raise VaultError("not encrypted with ansible-vault", place=place, hint="its first line begins $ANSIBLE_VAULT;")
    if version not in ("1.1", "1.2"):
        raise _damaged("its format is neither 1.1 nor 1.2", place)
    if cipher != CIPHER:
        raise _damaged(f"its cipher is not {CIPHER}", place)
    name = label[0] if label else ""
    if not name.isprintable():
        raise _damaged("its id holds what cannot be printed", place)
    return name or DEFAULT


def _unhexed(data: bytes, place: Place) -> bytes:
    try:
        return unhexlify(data)
    except ValueError:
        raise _damaged("it holds something else than pairs of hexadecimal digits", place) from None


def _damaged(what: str, place: Place) -> VaultError:
    return VaultError(f"a damaged vault: {what}", place=place, hint=RESTORE)
