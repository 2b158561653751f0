"""`slurp`: a file's content as a value. It changes nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from deployer.facts.files import FileBytes, FileState
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules._refusals import check_absolute
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("slurp")
@dataclass(frozen=True, kw_only=True)
class Slurp:
    """Read a file of the host; `register` gives `content`, in base64: `{{ found.content | b64decode }}`.

    Files of up to 8 MB; `fetch` brings larger ones here.

    Examples:
        - name: Read what the host calls itself
          slurp:
            src: /etc/hostname
          register: found

        - name: … and say it
          debug:
            msg: "{{ found.content | b64decode | trim }}"
    """

    aliases: ClassVar[Mapping[str, str]] = {"path": "src"}

    src: str  # absolute path on the host

    def __post_init__(self) -> None:
        check_absolute("src", self.src)

    def facts(self) -> tuple[Fact[Any], ...]:
        return (FileState(self.src), FileBytes(self.src))

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The content, or why there is none."""
        content, found = seen[FileBytes(self.src)], seen[FileState(self.src)]
        if content is not None:
            return {"content": base64.b64encode(content).decode(), "encoding": "base64", "source": self.src}
        if found is None or found.kind == "link":
            return {"failed": True, "msg": f"File not found: {self.src}"}
        if found.kind != "file":
            return {"failed": True, "msg": f"{self.src} is a {found.kind}, not a file"}
        return {"failed": True, "msg": f"file is not readable, or over 8 MB: {self.src}"}
