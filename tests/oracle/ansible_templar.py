"""What Ansible's own templates come to: run by Ansible's Python, cases as JSON on stdin, results as JSON on stdout.

Each case is [kind, text, variables] with the kind `value`, `condition` or `file`; each result is {"value": repr} or
{"error": words}. `repr` tells 5 from "5", and a list from a tuple. The current folder is the playbook's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """The value without Ansible's own types."""
    if isinstance(value, Mapping):
        return {plain(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(one) for one in value) if type(value) is tuple else [plain(one) for one in value]
    base = next((one for one in (bool, int, float, str) if isinstance(value, one)), None)
    return base(value) if base else value


def trusted(value: Any) -> Any:
    """The value as if it stood in a playbook."""
    from ansible.template import trust_as_template

    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: trusted(one) for key, one in value.items()}
    return [trusted(one) for one in value] if isinstance(value, list) else value


def answer(kind: str, text: Any, variables: dict[str, Any]) -> Any:
    """What Ansible makes of one case; raises what it raises."""
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar

    loader = DataLoader()
    loader.set_basedir(os.getcwd())
    templar = Templar(loader, variables=trusted(variables))
    if kind == "condition":
        return templar.evaluate_conditional(trusted(text))
    if kind == "file":  # as its action `template` does
        result = templar.copy_with_new_env(searchpath=[os.getcwd()]).template(trusted(text), escape_backslashes=False)
        return "" if result is None else str(result)
    return templar.template(trusted(text))


def main() -> None:
    os.environ.update(ANSIBLE_LOCALHOST_WARNING="0", ANSIBLE_DEPRECATION_WARNINGS="0")
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
    results = []
    for kind, text, variables in json.load(sys.stdin):
        try:
            results.append({"value": repr(plain(answer(kind, text, variables)))})
        except Exception as error:
            results.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
