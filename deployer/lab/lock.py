"""One at a time, across threads and processes of this machine."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Hold the machine-wide lock named `what`; a holder that dies lets go of it."""
    name = "".join(c if c.isalnum() else "-" for c in what)
    path = Path(tempfile.gettempdir()) / f"deployer-lab-{os.getuid()}-{name}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
