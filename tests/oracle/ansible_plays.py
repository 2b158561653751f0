"""Run many playbooks in one process of Ansible's environment, each in a child of its own: the start is paid for once.

Reads a list of `{"name", "args", "events"}` from standard input and prints `{name: [exit status, output, errors]}`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import sys
import tempfile


def run(args: list[str]) -> int:
    """One ansible-playbook; its exit status."""
    from ansible.cli.playbook import PlaybookCLI  # type: ignore[import-not-found]
    from ansible.errors import AnsibleError  # type: ignore[import-not-found]

    try:
        command = PlaybookCLI(["ansible-playbook", *args])
        command.parse()
        return int(command.run() or 0)
    except AnsibleError as error:
        print(error, file=sys.stderr)
        return 1


def child(job: dict[str, object]) -> tuple[int, str, str]:
    """Fork for one playbook; what it ended with, and what it wrote."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        pid = os.fork()
        if pid == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            os.environ["EVENTS"] = str(job["events"])
            status = 250
            with contextlib.suppress(SystemExit):
                status = run(list(job["args"]))  # type: ignore[call-overload]
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        _, ended = os.waitpid(pid, 0)
        output.seek(0)
        errors.seek(0)
        return os.waitstatus_to_exitcode(ended), output.read(), errors.read()


def warm() -> None:
    """Import what every task's process would import by itself, host for host."""
    for name in ("cli.playbook", "executor.module_common", "executor.playbook_executor", "plugins.strategy.linear"):
        importlib.import_module(f"ansible.{name}")
    for name in ("connection.local", "shell.sh"):
        importlib.import_module(f"ansible.plugins.{name}")
    for kind in ("action", "filter", "test"):
        package = importlib.import_module(f"ansible.plugins.{kind}")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"ansible.plugins.{kind}.{module.name}")


def main() -> None:
    warm()
    print(json.dumps({job["name"]: child(job) for job in json.load(sys.stdin)}))


if __name__ == "__main__":
    main()
