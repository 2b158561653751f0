"""`--limit @file`: the terms of a pattern, one on each line of a file, as in Ansible's retry files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deployer.config.files import read_text
from deployer.errors import InventoryError


def read_limit_file(path: str) -> Sequence[str]:
    """The lines of a file, without blank ones and comments; raises InventoryError if it cannot be read."""
    lines = [line.strip() for line in read_text(Path(path), InventoryError).split("\n")]
    return [line for line in lines if line and not line.startswith("#")]
