"""One module for a terminal, as `ansible-doc` shows one: text, arguments, examples; and the list of all of them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.report.module_docs import Argument, read_arguments, read_examples, read_notes, read_text


def render_list(modules: Mapping[str, type[Any]], width: int) -> str:
    """Every module with its first sentence."""
    longest = max(map(len, modules))
    return "\n".join(
        textwrap.fill(
            _first_sentence(read_text(modules[name])),
            width, initial_indent=f"{name:{longest}}  ", subsequent_indent=" " * (longest + 2),
        )
        for name in sorted(modules)
    )  # fmt: skip


def render_page(name: str, cls: type[Any], width: int) -> str:
    """What there is to know of a module."""
    text = read_text(cls).replace("\n\n", "\0").replace("\n", " ").split("\0")
    paragraphs = [f"{name}\n", *(f"{_filled(one, width)}\n" for one in text)]
    arguments = [line for one in read_arguments(cls) for line in _argument(one, width)]
    sections = [*paragraphs, "Arguments:" if arguments else "It takes no arguments.", *arguments]
    notes = [_filled(_plain(one), width) for one in read_notes(name, cls)]
    examples = textwrap.indent(read_examples(cls), "  ")
    return "\n".join([*sections, *(["", *notes] if notes else []), *(["", "Examples:", examples] if examples else [])])


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.])\s", " ".join(text.split()), maxsplit=1)[0]


def _argument(one: Argument, width: int) -> Iterator[str]:
    default = one.default.strip("`*")
    stands = "required" if default == "required" else f"default: {default}" if default else ""
    takes = ", ".join(part for part in (one.type.replace("`", ""), stands) if part)
    yield f"  {one.name}  ({takes})"
    yield from textwrap.wrap(_plain(one.text), width, initial_indent=" " * 6, subsequent_indent=" " * 6)


def _filled(text: str, width: int) -> str:
    return textwrap.fill(text, width, initial_indent="  ", subsequent_indent="  ")


def _plain(text: str) -> str:
    """The text of a cell in Markdown."""
    return text.replace("\\|", "|")
