"""Run by Ansible's own Python: many inventories and patterns in one process, asked of Ansible's own classes.

Reads JSON from stdin, a list of cases: `sources`, `limit` and `playbook_dir` or null, `patterns`. Prints one answer
each: `list` is what `ansible-inventory --list` prints (null if a source cannot be parsed, with `error`), `graph` what
`--graph --vars` does, `patterns` the hosts that `ansible PATTERN --list-hosts` names (null for an error).
"""

import json
import sys

from ansible import context
from ansible.cli.inventory import InventoryCLI
from ansible.errors import AnsibleError
from ansible.inventory.group import Group
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.utils.display import Display
from ansible.vars.manager import VariableManager

Display.display = lambda *args, **kwargs: None  # warnings


def answer(case):
    context.CLIARGS = ImmutableDict(
        {**OPTIONS, "inventory": case["sources"], "subset": case["limit"], "basedir": case["playbook_dir"]}
    )
    CLI.loader = DataLoader()
    if case["playbook_dir"]:
        CLI.loader.set_basedir(case["playbook_dir"])
    CLI.inventory = InventoryManager(loader=CLI.loader, sources=case["sources"])
    CLI.vm = VariableManager(loader=CLI.loader, inventory=CLI.inventory, version_info=VERSION)
    CLI.inventory.subset(case["limit"])
    listed = json.loads(InventoryCLI.dump(CLI.json_inventory(CLI._get_group("all"))))
    return {"list": listed, "graph": CLI.inventory_graph(), "patterns": [hosts(one) for one in case["patterns"]]}


def hosts(pattern):
    CLI.inventory.clear_caches()
    known = CLI.inventory._inventory
    if known.localhost is not None and known.localhost.implicit:
        known.localhost = None  # each pattern is a command of its own
    try:
        return [host.name for host in CLI.inventory.get_hosts(pattern)]
    except (AnsibleError, IndexError):
        return None


def descendants(self, include_self=False, preserve_ordering=False):
    """Level by level. Ansible walks a set of objects below the first level: any order is right, so take the file's."""
    found = {self: None} if include_self else {}
    level = list(self.child_groups)
    while level:
        found.update(dict.fromkeys(level))
        level = [child for group in level for child in group.child_groups if child not in found]
    return list(found)


Group.get_descendants = descendants
VERSION = InventoryCLI.version_info(gitinfo=False)
CLI = InventoryCLI(["ansible-inventory", "--list"])
CLI.parse()
OPTIONS = {**context.CLIARGS, "show_vars": True}

answers = []
for case in json.load(sys.stdin):
    try:
        answers.append(answer(case))
    except Exception as problem:
        answers.append({"list": None, "error": str(problem)})
json.dump(answers, sys.stdout)
