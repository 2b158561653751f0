"""`copy`: a file on the host has this content.

Reading the file here is the engine's business; bringing a whole project is another module's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from deployer.model.action import Action
from deployer.modules._placing import Placed, Rights, destination
from deployer.modules._refusals import ArgumentRefusedError, check_absolute, check_one_of, parse_mode, parse_validate
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("copy")
@dataclass(frozen=True, kw_only=True)
class Copy:
    """Make sure that a file on the host has this content, mode and owner.

    Folders on the way are made, and replacing is atomic. What the arguments do not say about mode
    and owner stays as it is.

    Examples:
        - name: A greeting for those who log in
          copy:
            src: files/motd
            dest: /etc/motd
            mode: "0644"

        - name: Settings out of variables
          copy:
            dest: /etc/shop.json
            content: "{{ {'port': 8000, 'debug': false} | to_nice_json }}"
            mode: "0640"
    """

    reads: ClassVar[str] = "src"  # the argument that names a file here; its bytes come as `loaded`
    one_of: ClassVar[tuple[str, str]] = ("src", "content")  # one of them must be given, and not both

    dest: str  # absolute path on the host; one that ends with `/` is a folder, and the file keeps its name
    src: str | None = None  # file here, relative to the playbook
    content: str | None = None  # the content itself, instead of `src`
    mode: str | int | None = None  # "0644"; a new file gets 0644
    owner: str | None = None  # user name or number
    group: str | None = None  # group name or number
    backup: bool = False  # keep what was there beside it, as `<name>.before-<digest>`
    force: bool = True  # false: write it only where there is none
    decrypt: bool = True  # false: a `src` that is encrypted with ansible-vault stays so
    validate: str | None = None  # program that must accept the new file first, `%s` being its path: `visudo -cf %s`
    loaded: bytes | None = field(default=None, metadata={"internal": True})

    def __post_init__(self) -> None:
        check_absolute("dest", self.dest)
        check_one_of(self, *self.one_of)
        parse_mode(self.mode)
        parse_validate(self.validate)
        if self.dest.endswith("/") and self.src is None:
            raise ArgumentRefusedError(f"dest: {self.dest} names no file", hint=f"add its name: {self.dest}app.conf")

    def facts(self) -> tuple[Fact[Any], ...]:
        return self._placed().facts()

    def plan(self, seen: Facts) -> Iterator[Action]:
        yield from self._placed().plan(seen)

    def _placed(self) -> Placed:
        content = self.loaded if self.content is None else self.content.encode(errors="surrogateescape")
        if content is None:
            raise TypeError(f"the bytes of {self.src} were not loaded")
        rights = Rights(parse_mode(self.mode), self.owner, self.group)
        return Placed(
            destination(self.dest, self.src), content, rights, self.backup, self.force, parse_validate(self.validate)
        )
