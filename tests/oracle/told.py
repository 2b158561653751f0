"""What `--output ansible` prints, compared with what ansible-playbook prints: the same lines in the same order.

Compared is the text but for what must differ: of results as JSON only the keys that both have, of errors only that one
is told there, of the header of a diff the name of Ansible's temporary file.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LINE = re.compile(r"(PLAY|TASK|RUNNING|NO MORE|ok|changed|skipping|fatal|failed|included|FAILED|\.\.\.|---|\w+ +: ok=)")
RESULT = re.compile(r"(?:ok|changed|skipping|fatal|failed|FAILED - RETRYING): \[([^\] ]+)")
UNLIKE = ("msg", "cmd", "mode", "src", "stat")  # words, temporary files, a file's numbers


@dataclass(frozen=True)
class Told:
    """A line, and the JSON at its end."""

    text: str
    data: dict[str, Any] | None = None
    wide: bool = False  # over several lines


@dataclass
class Block:
    """What stands under a banner: the lines by host, each host's in order; whoever is done first is told first."""

    banner: str
    lines: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    error: bool = False  # one was told


def blocks(output: str) -> Iterator[Block]:
    """A run's output, cut at its banners."""
    block, host, before = Block(""), "", ""
    for one in told(output):
        found = RESULT.match(one.text)
        if one.text.endswith("*" * 3):
            yield block
            block = Block(one.text)
        elif one.text == "[ERROR]":
            block.error = True
        else:
            ignored = one.text == "...ignoring" and before.startswith("fatal: ")  # behind a loop it may be anybody's
            host = found[1] if found else host if ignored else ""
            block.lines[host].append(one)
        before = one.text
    yield block


def told(output: str) -> Iterator[Told]:
    """The lines that are not empty; errors are cut down to one word."""
    at = 0
    while at < len(output):
        start, end = at, output.find("\n", at)
        line, at = output[at:end], end + 1
        if line.startswith("[ERROR]: "):
            found = re.compile(f"^(?={LINE.pattern})", re.M).search(output, at)
            assert found, output[at:]
            at = found.start()
            yield Told("[ERROR]")
            continue
        json_at = re.search(r"(?:=> |Result was: )(?=\{)", line)
        if json_at and RESULT.match(line):
            brace = json_at.end()
            data, length = json.JSONDecoder().raw_decode(output[start + brace :])
            at = start + brace + length + 1
            assert output[at - 1] == "\n", output[start:at]
            yield Told(line[:brace], data, wide="\n" in output[start + brace : at - 1])
        elif line:
            yield Told(re.sub(r"^\+\+\+ after: .*", "+++ after", line))


def assert_alike(ours: str, theirs: str) -> None:
    mine, wanted = list(blocks(ours)), list(blocks(theirs))
    assert [one.banner for one in mine] == [one.banner for one in wanted]
    for one, other in zip(mine, wanted, strict=True):
        assert one.error == other.error, (one, other)
        assert set(one.lines) == set(other.lines), (one, other)
        for host, lines in one.lines.items():
            assert [line.text for line in lines] == [line.text for line in other.lines[host]], one.banner
            for line, their in zip(lines, other.lines[host], strict=True):
                assert_same_data(line, their)


def assert_same_data(ours: Told, theirs: Told) -> None:
    """Fail unless both print JSON in the same form, and what both print is equal."""
    mine, wanted = ours.data or {}, theirs.data or {}
    assert (ours.data is None, ours.wide) == (theirs.data is None, theirs.wide), (ours, theirs)
    for key in {*mine} & {*wanted} - {*UNLIKE}:
        assert mine[key] == wanted[key], (key, ours, theirs)
    if theirs.wide:
        assert set(mine) == set(wanted), (ours, theirs)
