"""Hosts and groups as an inventory names them; which host a pattern means is `rollout.patterns`' business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from deployer.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class Group:
    """A named set of hosts; `hosts` are the direct ones in file order, `children` name other groups."""

    name: str
    hosts: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 1  # ansible_group_priority


@dataclass(frozen=True, kw_only=True)
class Host:
    """One machine; `variables` are merged already (all, groups by depth, host), untemplated."""

    name: str
    groups: tuple[str, ...] = ()  # every group it is in, without `all`, sorted
    variables: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""  # the file that names it first


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """All hosts in play order and all groups, `all` and `ungrouped` among them."""

    path: str  # the files or folders it was read from
    hosts: Mapping[str, Host] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()  # what is odd in the files, and no error
