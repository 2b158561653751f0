"""What docs/modules.md is made of: every module and argument explained, types and defaults in a writer's words."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pytest

import deployer.modules
from deployer.modules.registry import MODULES
from deployer.report.module_docs import Argument, read_arguments, render_modules

for _info in pkgutil.iter_modules(deployer.modules.__path__, "deployer.modules."):
    importlib.import_module(_info.name)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_argument_is_explained(name: str) -> None:
    assert MODULES[name].__doc__
    assert [one.name for one in read_arguments(MODULES[name]) if not one.text] == []


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Do something.

    Examples:
        - name: Just so
          sample:
            first: one
    """

    free_form: ClassVar[str] = "first"

    first: str  # what comes first, a | b
    many: tuple[str, ...] = ()  # some
    kind: Literal["up", "down"] = "up"  # where to
    number: int | None = None
    mode: str | int | None = "0644"  # bits
    table: Mapping[str, Any] = field(
        default_factory=dict,
    )  # of things
    hidden: bytes | None = field(default=None, metadata={"internal": True})  # not for people


def test_fields_become_arguments() -> None:
    assert read_arguments(Sample) == (
        Argument(name="first", type="string", default="**required**", text="what comes first, a \\| b"),
        Argument(name="many", type="list of strings", default="`[]`", text="some"),
        Argument(name="kind", type="`up`, `down`", default="`up`", text="where to"),
        Argument(name="number", type="integer", default="", text=""),
        Argument(name="mode", type="string or integer", default='`"0644"`', text="bits"),
        Argument(name="table", type="mapping", default="`{}`", text="of things"),
    )


def test_page_has_index_text_and_short_form() -> None:
    page = render_modules({"sample": Sample})
    assert "[`sample`](#sample)" in page
    assert "\n## sample\n\nDo something.\n\n| argument |" in page
    assert "Short form: `sample: TEXT` means `sample: {first: TEXT}`." in page
    assert page.endswith("\n\n```yaml\n- name: Just so\n  sample:\n    first: one\n```")
