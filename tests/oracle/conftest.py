"""Ansible itself, in its own environment, as the measure of inventories, patterns, plays and vaults."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_runs import Ansible

COMMANDS = Path(__file__).parents[2] / ".venv-ansible" / "bin"


@pytest.fixture(scope="session")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    """Ansible's own commands, with no settings of this machine's user."""
    assert (COMMANDS / "ansible-playbook").exists(), "no Ansible to compare with: run `make .venv-ansible/installed`"
    return Ansible(COMMANDS, tmp_path_factory.mktemp("ansible-home"))
