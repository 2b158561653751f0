"""The lab that an inventory describes."""

import pytest

from deployer.cli.lab import specs_from_inventory
from deployer.errors import InventoryError

INVENTORY = """\
all:
  vars: {lab_name: demo, lab_subnet: 10.209.7.0/24}
  children:
    web:
      vars: {lab_docker: true}
      hosts:
        web1: {ansible_host: 10.209.7.11}
        web2: {ansible_host: 10.209.7.12, ansible_port: 2222, lab_docker: false}
    db:
      hosts: {db1: }
"""


def test_hosts_take_their_vars_from_what_is_nearest(tmp_path):
    path = tmp_path / "lab.yml"
    path.write_text(INVENTORY)
    plan = specs_from_inventory(path)
    assert (plan.name, plan.subnet) == ("demo", "10.209.7.0/24")
    assert [(spec.name, spec.address, spec.docker, spec.ssh_port) for spec in plan.specs] == [
        ("web1", "10.209.7.11", True, 22),
        ("web2", "10.209.7.12", False, 2222),
        ("db1", None, False, 22),
    ]


@pytest.mark.parametrize("text", ["", "all: {hosts: {}}", "all: [web1]", "all: {hosts: ["])
def test_what_is_no_inventory_is_refused(tmp_path, text):
    path = tmp_path / "lab.yml"
    path.write_text(text)
    with pytest.raises(InventoryError, match=r"lab\.yml"):
        specs_from_inventory(path)
