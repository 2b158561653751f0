"""Looking: many facts in one remote script, one round trip."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from typing import Any

from deployer.errors import CommandError, LostError
from deployer.protocols import Fact, Remote, Sharing


def look(remote: Remote, facts: Iterable[Fact[Any]], *, become: str | None, timeout: float = 120.0) -> dict[Any, Any]:
    """Ask a host these facts and read the answers; raises what `Remote.run` raises, CommandError if one is missing.

    Questions change nothing: if the connection breaks, they are asked once more.
    """
    wanted = tuple(dict.fromkeys(facts))
    if not wanted:
        return {}
    nonce = secrets.token_hex(8)
    script = render_look(wanted, nonce)
    try:
        result = remote.run(script, become=become, timeout=timeout)
    except LostError:
        result = remote.run(script, become=become, timeout=timeout)
    answers = read_look(result.stdout, nonce)
    if len(answers) != len(wanted):
        raise CommandError(
            f"asked {len(wanted)} questions and got {len(answers)} answers: {result.stderr.strip()[-300:]}",
            status=result.status,
            host=remote.name,
        )
    return {fact: fact.parse(*answer) for fact, answer in zip(wanted, answers, strict=True)}


def render_look(facts: Collection[Fact[Any]], nonce: str) -> str:
    """The script: what facts share, then each in a subshell of its own, its answer closed by nonce and exit status."""
    lines = ["LC_ALL=C; export LC_ALL", "PATH=$PATH:/usr/sbin:/sbin"]
    lines += dict.fromkeys(fact.functions for fact in facts if isinstance(fact, Sharing))
    for fact in facts:
        lines += ["(", fact.script(), ") 2>/dev/null </dev/null", f"printf '\\n{nonce} %d\\n' \"$?\""]
    return "\n".join(lines) + "\n"


def read_look(output: str, nonce: str) -> list[tuple[str, int]]:
    """The answers in order: what each fact printed, and its exit status."""
    answers = []
    rest = output
    while f"\n{nonce} " in rest:
        text, rest = rest.split(f"\n{nonce} ", 1)
        status, _, rest = rest.partition("\n")
        answers.append((text, int(status)))
    return answers
