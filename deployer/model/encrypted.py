"""A value that ansible-vault has encrypted, as it stands in a file. Opening it is `config.vault_keys`' business."""

from __future__ import annotations

from dataclasses import field

from deployer.errors import Place
from deployer.frozen import dataclass

VAULT_IN_JSON = "__ansible_vault"  # the only key of the object that stands for one


@dataclass(frozen=True)
class Encrypted:
    """A `!vault` value; in the JSON of an inventory `{"__ansible_vault": text}`."""

    text: str = field(repr=False)
    place: Place = field(compare=False)
