"""Actions to shell text and back: several actions travel as one script, each with its own status and output."""

from __future__ import annotations

import base64
import posixpath
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch

from deployer.model.action import Action, Link, Put, Run, Script


@singledispatch
def render(action: Action, nonce: str) -> str:
    """The shell text that performs one action, under `set -e`."""
    raise TypeError(f"{type(action).__name__} is no step of a script")


@render.register
def _(action: Run, nonce: str) -> str:
    stdin = "" if action.stdin is None else f" <<'{nonce}-in'\n{action.stdin}\n{nonce}-in"
    return _place(action.cwd, action.env) + shlex.join(action.argv) + stdin


@render.register
def _(action: Script, nonce: str) -> str:
    return _place(action.cwd, action.env) + action.text


@render.register
def _(action: Put, nonce: str) -> str:
    folder = posixpath.dirname(action.path)
    new = posixpath.join(folder, f".{posixpath.basename(action.path)}.{nonce}")
    owner = f'chown -- {shlex.quote(action.owner)} "$new"\n' if action.owner else ""
    content = base64.encodebytes(action.content).decode()
    check = shlex.join(word.replace("%s", new) for word in action.validate)
    return (
        f"mkdir -p -- {shlex.quote(folder or '.')}\numask 077\nnew={shlex.quote(new)}\n"
        f"trap 'rm -f -- \"$new\"' EXIT\n"
        f"base64 -d >\"$new\" <<'{nonce}-in'\n{content}{nonce}-in\n"
        f'{owner}chmod {action.mode:04o} "$new"\n{check}\nmv -fT -- "$new" {shlex.quote(action.path)}'
    )


@render.register
def _(action: Link, nonce: str) -> str:
    path, target = shlex.quote(action.path), shlex.quote(action.target)
    new = shlex.quote(f"{action.path}.{nonce}")
    return f"ln -s -- {target} {new}\nmv -fT -- {new} {path} || {{ rm -f -- {new}; exit 1; }}"


def _place(cwd: str | None, env: Mapping[str, str]) -> str:
    lines = [f"cd -- {shlex.quote(cwd)}"] if cwd else []
    lines += [f"export {name}={shlex.quote(value)}" for name, value in env.items()]
    return "".join(line + "\n" for line in lines)


def also_ok(action: Action) -> tuple[int, ...]:
    return action.also_ok if isinstance(action, Run | Script) else ()


def is_apart(action: Action) -> bool:
    return isinstance(action, Run | Script) and action.apart


_TELL = """if [ -s "$errors" ]; then printf '\\n'; sed 's/^/{nonce} error /' "$errors"; fi; """  # stderr, line by line
Note = Callable[[str, Action, int], str]  # "begin" or "end", an action, its number -> shell that writes it down


def render_steps(actions: Sequence[Action], nonce: str, *, prologue: str = "", note: Note | None = None) -> str:
    """One script for all of them; it ends with the first that fails."""
    lines = [prologue] if prologue else []
    if any(map(is_apart, actions)):
        lines.append("errors=$(mktemp) || exit 1; trap 'rm -f -- \"$errors\"' EXIT")
    for number, action in enumerate(actions):
        errors, tell = ('"$errors"', _TELL.format(nonce=nonce)) if is_apart(action) else ("&1", "")
        good = "|".join(str(status) for status in (0, *also_ok(action)))
        lines += [
            note("begin", action, number) if note else "",
            f"printf '{nonce} begin {number}\\n'",
            "( set -e",
            render(action, nonce),
            f") 2>{errors} </dev/null",
            f"rc=$?; {tell}printf '\\n{nonce} end %d\\n' \"$rc\"",
            note("end", action, number) if note else "",
            f'case "$rc" in {good}) ;; *) exit 0 ;; esac',
        ]
    return "\n".join(lines) + "\n"


class StepReader:
    """Reads a script's lines as they come, and knows which step they belong to."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self._blank = False
        self.current = -1
        self.statuses: dict[int, int] = {}
        self.outputs: dict[int, list[str]] = {}
        self.errors: dict[int, list[str]] = {}

    def feed(self, line: str) -> tuple[str, bool] | None:
        """The output line that this one completes, and whether it is of stderr; None for what is no output."""
        if line.startswith(self._nonce):
            return self._marker(line)
        held, self._blank = self._blank, line == ""
        if held:
            self._keep("")
        return None if line == "" else (self._keep(line), False)

    def _marker(self, line: str) -> tuple[str, bool] | None:
        self._blank = False
        _, word, rest = line.split(" ", 2)
        if word == "begin":
            self.current = int(rest)
            self.outputs[self.current], self.errors[self.current] = [], []
        elif word == "error":
            self.errors[self.current].append(rest)
            return rest, True
        else:
            self.statuses[self.current] = int(rest)
        return None

    def _keep(self, line: str) -> str:
        self.outputs.setdefault(self.current, []).append(line)
        return line

    def output(self, step: int) -> str:
        return "\n".join(self.outputs.get(step, []))

    def error_output(self, step: int) -> str:
        return "\n".join(self.errors.get(step, []))
