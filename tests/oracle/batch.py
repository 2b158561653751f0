"""Run in Ansible's own environment: many calls of its modules in one process, `[module, args]` each, as JSON on stdin.

Prints what each returned, as one JSON list. It is the modules' own code; only the start of a process for each is saved.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys

from ansible.module_utils import basic


def call(module: str, args: dict[str, object]) -> object:
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        importlib.import_module(f"ansible.modules.{module}").main()
    return json.loads(said.getvalue().strip().splitlines()[-1])


print(json.dumps([call(module, args) for module, args in json.load(sys.stdin)]))
