"""Reads a password to log in or to become root from a file, or from a program that prints it, as Ansible does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deployer.errors import SecretMissingError


def read_password(path: Path) -> str:
    """The password without whitespace around it. Raises SecretMissingError if there is none; never says what it is."""
    file = path.expanduser()
    try:
        if file.is_file() and os.access(file, os.X_OK):
            done = subprocess.run([str(file.absolute())], stdout=subprocess.PIPE, check=True)
            found = done.stdout
        else:
            found = file.read_bytes()
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise SecretMissingError(f"the password file {file} cannot be read: {reason}", hint="check its name") from None
    except subprocess.CalledProcessError as fault:
        raise SecretMissingError(
            f"the password program {file} ended with status {fault.returncode}", hint=f"run {file}"
        ) from None
    password = found.decode(errors="surrogateescape").strip()
    if not password:
        raise SecretMissingError(f"the password file {file} is empty", hint="write the password into it")
    return password
