"""The smallest image that runs something, made of this machine's busybox."""

from __future__ import annotations

import io
import subprocess
import tarfile

from sshd import SH


def tiny_image() -> bytes:
    """A root file system with busybox and what it is linked to."""
    busybox = SH["busybox"]
    listed = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stdout
    libraries = [word for word in listed.split() if word.startswith("/")]
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w", dereference=True) as tar:
        for applet in ("sh", "sleep"):
            tar.add(busybox, f"bin/{applet}")
        for path in libraries:
            tar.add(path, path.lstrip("/"))
    return into.getvalue()
