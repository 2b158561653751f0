"""`template`: a file on the host is a rendered Jinja2 template. Rendering it is the engine's business."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import field
from typing import Any, ClassVar

from deployer.frozen import dataclass
from deployer.model.action import Action
from deployer.modules._placing import Placed, Rights, destination
from deployer.modules._refusals import ArgumentRefusedError, check_absolute, parse_mode, parse_validate
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("template")
@dataclass(frozen=True, kw_only=True)
class Template:
    """Make sure that a file on the host is this template, rendered.

    Folders on the way are made, and replacing is atomic. What the arguments do not say about mode
    and owner stays as it is.

    Examples:
        - name: The site's settings
          template:
            src: templates/site.conf.j2
            dest: /etc/site.conf
            mode: "0644"
          vars:
            port: 8000
    """

    reads: ClassVar[str] = "src"  # the argument that names a file here; it comes rendered as `loaded`
    templated: ClassVar[bool] = True
    coded: ClassVar[str] = "output_encoding"  # the argument that says how its text becomes bytes
    tuned: ClassVar[tuple[str, ...]] = (  # the arguments that are Jinja2's own options
        "block_start_string", "block_end_string", "variable_start_string", "variable_end_string",
        "comment_start_string", "comment_end_string", "newline_sequence", "trim_blocks", "lstrip_blocks",
    )  # fmt: skip

    dest: str  # absolute path on the host; one that ends with `/` is a folder, and `.j2` is taken off the name
    src: str  # template here, relative to the playbook
    mode: str | int | None = None  # "0644"; a new file gets 0644
    owner: str | None = None  # user name or number
    group: str | None = None  # group name or number
    backup: bool = False  # keep what was there beside it, as `<name>.before-<digest>`
    force: bool = True  # false: write it only where there is none
    validate: str | None = None  # program that must accept the new file first, `%s` being its path: `visudo -cf %s`
    trim_blocks: bool = True  # a newline after a block is no part of the text
    lstrip_blocks: bool = False  # nor are spaces before one
    newline_sequence: str = "\\n"  # between lines: `\\n`, `\\r` or `\\r\\n`
    block_start_string: str | None = None  # instead of `{%`
    block_end_string: str | None = None  # instead of `%}`
    variable_start_string: str | None = None  # instead of `{{`
    variable_end_string: str | None = None  # instead of `}}`
    comment_start_string: str | None = None  # instead of `{#`
    comment_end_string: str | None = None  # instead of `#}`
    output_encoding: str = "utf-8"  # of the file on the host
    loaded: bytes | None = field(default=None, metadata={"internal": True})

    def __post_init__(self) -> None:
        check_absolute("dest", self.dest)
        parse_mode(self.mode)
        parse_validate(self.validate)
        if self.newline_sequence.replace("\\r", "\r").replace("\\n", "\n") not in ("\n", "\r", "\r\n"):
            hint = r'write "\n", "\r" or "\r\n"'
            raise ArgumentRefusedError("newline_sequence is none", hint=hint)
        try:
            codecs.lookup(self.output_encoding)
        except LookupError:
            hint = "name one that Python has: utf-8, latin-1, utf-16"
            raise ArgumentRefusedError(f"output_encoding: {self.output_encoding!r} is none", hint=hint) from None

    def facts(self) -> tuple[Fact[Any], ...]:
        return self._placed().facts()

    def plan(self, seen: Facts) -> Iterator[Action]:
        yield from self._placed().plan(seen)

    def _placed(self) -> Placed:
        if self.loaded is None:
            raise TypeError(f"{self.src} was not rendered")
        rights = Rights(parse_mode(self.mode), self.owner, self.group)
        path = destination(self.dest, self.src.removesuffix(".j2"))
        return Placed(path, self.loaded, rights, self.backup, self.force, parse_validate(self.validate))
