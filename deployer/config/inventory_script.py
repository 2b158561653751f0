"""Executable inventories: programs that print groups, hosts and variables as JSON when called with `--list`.

After ansible-core's plugins/inventory/script.py: hosts' variables come with `_meta`, or from one `--host NAME` each.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

from deployer.config.inventory_draft import Draft
from deployer.config.text import with_marked
from deployer.config.values import Mapping, kind_of
from deployer.errors import InventoryError, Place
from deployer.model.encrypted import VAULT_IN_JSON
from deployer.model.literal import UNSAFE_IN_JSON

TIMEOUT = 120.0  # seconds for one call
MOST_BYTES = 128_000_000  # of one answer
PROGRAMS = (b"#!", b"\x7fELF")


def is_script(path: Path) -> bool:
    """Whether it is a program that this system could run, and may be run; a text file's stray x-bit is none."""
    if not (path.is_file() and os.access(path, os.X_OK | os.R_OK)):
        return False
    with path.open("rb") as file:
        return file.read(4).startswith(PROGRAMS)


def read_script(path: Path, draft: Draft) -> None:
    """Add what a script prints to the draft; raises InventoryError with its name, status and standard error."""
    script = Script(path.absolute(), draft)
    told = script.ask("--list")
    meta = script.mapping(told["_meta"], "_meta").get("hostvars") if "_meta" in told else None
    if "_meta" in told:
        meta = script.mapping(meta, "_meta.hostvars")
    for group in told:
        if group != "_meta":
            script.read_group(group, told[group])
    for host in script.hosts:
        found = script.ask("--host", host) if meta is None else meta.get(host, {})
        draft.set_host_variables(host, Mapping(script.mapping(found, f"variables of host '{host}'").items()))


class Script:
    """One program, and the hosts that it has named."""

    def __init__(self, path: Path, draft: Draft) -> None:
        self.path = path
        self.draft = draft
        self.place = Place(str(path))
        self.hosts: dict[str, None] = {}

    def read_group(self, name: str, body: Any) -> None:
        """Add a group; a list is its hosts, and a mapping of nothing known the variables of a host of that name."""
        if not name:
            raise self.wrong("a group has no name")
        self.draft.group(name)
        if not isinstance(body, dict):
            body = {"hosts": body}
        elif not any(key in body for key in ("hosts", "vars", "children")):
            body = {"hosts": [name], "vars": body}
        for host in self.names(body.get("hosts", []), f"hosts of group '{name}'"):
            self.hosts[host] = None
            self.draft.add_host(name, host, self.place)
        variables = self.mapping(body.get("vars", {}), f"vars of group '{name}'")
        self.draft.set_variables(name, Mapping(variables.items(), places=dict.fromkeys(variables, self.place)))
        for child in self.names(body.get("children", []), f"children of group '{name}'"):
            self.draft.add_child(name, child, self.place)

    def ask(self, *args: str) -> dict[str, Any]:
        """What the program prints for these arguments, as a JSON object; nothing at all means none with --host."""
        output = self.run(*args)
        if args[0] == "--host" and not output.strip():
            return {}
        try:
            found = json.loads(output)
            if VAULT_IN_JSON.encode() in output or UNSAFE_IN_JSON.encode() in output:
                found = with_marked(found, self.place)
            return self.mapping(found, f"the output of {' '.join(args)}")
        except (ValueError, RecursionError) as broken:
            where = f" in line {broken.lineno}" if isinstance(broken, json.JSONDecodeError) else ""
            raise self.wrong(f"what it prints for {' '.join(args)} is no JSON{where}") from None

    def run(self, *args: str) -> bytes:
        """The program's standard output."""
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    [str(self.path), *args],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,
                )
            except (OSError, ValueError) as failure:
                reason = getattr(failure, "strerror", None) or str(failure)
                raise self.wrong(f"cannot be run: {reason.lower()}") from None
            output, late = _output(process)
            errors.seek(0)
            said = errors.read(4000).decode(errors="replace").strip()
        shown = f"{self.path.name} {' '.join(args)}"
        if late:
            raise self.wrong(f"`{shown}` was still running after {TIMEOUT:.0f} seconds", said)
        if len(output) > MOST_BYTES:
            raise self.wrong(f"`{shown}` printed more than {MOST_BYTES // 1_000_000} MB", said)
        if process.returncode:
            raise self.wrong(f"`{shown}` ended with status {process.returncode}", said)
        return output

    def mapping(self, value: Any, what: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(f"{what} must be an object, found {kind_of(value)}")
        return value

    def names(self, value: Any, what: str) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
            raise self.wrong(f"{what} must be a list of names, found {kind_of(value)}")
        return value

    def wrong(self, problem: str, said: str = "") -> InventoryError:
        words = f"inventory script: {problem}" + (f"\n{said}" if said else "")
        return InventoryError(words, place=self.place, hint=f"run it by hand: {self.path} --list")


def _output(process: subprocess.Popen[bytes]) -> tuple[bytes, bool]:
    """What a process prints, at most a byte above MOST_BYTES, and whether it had to be ended for being late."""
    late = threading.Event()

    def end() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(TIMEOUT, end)
    timer.daemon = True
    timer.start()
    try:
        assert process.stdout is not None
        with process.stdout as stream:
            output = stream.read(MOST_BYTES + 1)
        if len(output) > MOST_BYTES:
            _kill(process)
        process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            _kill(process)
            process.wait()
    return output, late.is_set()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has started: it leads a session of its own."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        process.kill()
