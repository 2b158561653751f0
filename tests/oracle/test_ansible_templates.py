"""Templates, conditions and template files come to the same values of the same types as with Ansible's own engine.

The cases are in `templates/`, by subject: `values` and `conditions` that both know, `files` that both render alike,
`refused` by both, and `different`, which Ansible takes and this program refuses (`docs/ansible.md` says why).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_runs import Ansible

from deployer.config.language import Language
from deployer.errors import Place, PlaybookError

CASES = Path(__file__).parent / "templates"
KINDS = {"values": "value", "refused": "value", "different": "value", "conditions": "condition",
         "refused_conditions": "condition", "different_conditions": "condition", "files": "file",
         "refused_files": "file"}  # fmt: skip
PLACE = Place("site.yml", 7, 3)
LANGUAGE = Language({})


@dataclass(frozen=True)
class Case:
    """One template, and the list of its file that it stands in."""

    section: str
    text: Any
    variables: dict[str, Any]

    @property
    def kind(self) -> str:
        return KINDS[self.section]


def cases_of(path: Path) -> list[Case]:
    data = yaml.load(path.read_text(), yaml.CSafeLoader)
    variables = data.pop("variables", {})
    return [Case(section, text, variables) for section, texts in data.items() for text in texts]


ALL = [pytest.param(one, id=f"{path.stem}-{one.section}-{at}")
       for path in sorted(CASES.glob("*.yml")) for at, one in enumerate(cases_of(path))]  # fmt: skip


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A playbook's folder, with the files that the cases look up."""
    folder = tmp_path_factory.mktemp("playbook")
    for name in ("files", "templates", "conf.d"):
        (folder / name).mkdir()
    (folder / "motd").write_text("  beside\n\n")
    (folder / "files" / "motd").write_text("  in files\n\n")
    (folder / "files" / "data.json").write_text('{"a": [1, "{{ five }}"]}\n')
    (folder / "templates" / "five.j2").write_text("{{ five }}\n")
    (folder / "templates" / "text.j2").write_text("{% if five == 5 %}\nis {{ name }}\n{% endif %}\n")
    (folder / "templates" / "angle.j2").write_text("<< five >>!{{ x }}")
    (folder / "templates" / "part.j2").write_text("part {{ five }}\n")
    (folder / "templates" / "whole.j2").write_text("{% include 'part.j2' %}|{{ five }}\n")
    (folder / "part.j2").write_text("part {{ five }} {{ hidden | default('-') }}\n")
    (folder / "macros.j2").write_text("{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{% set n = 3 %}")
    (folder / "base.j2").write_text("head\n{% block body %}base{% endblock %}\nfoot\n")
    (folder / "conf.d" / "one.conf").write_text("1")
    return folder


@pytest.fixture(scope="session")
def answers(ansible: Ansible, folder: Path) -> dict[str, dict[str, str]]:
    """What Ansible says to every case, by `key`, from one process."""
    cases = [param.values[0] for param in ALL]
    asked = json.dumps([[one.kind, one.text, one.variables] for one in cases])
    script = str(Path(__file__).parent / "ansible_templar.py")
    done = ansible.run("python", script, cwd=folder, stdin=asked, **ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return {key(one): said for one, said in zip(cases, json.loads(done.stdout), strict=True)}


ENVIRONMENT = {"CASE_TOKEN": "a {{ b }}", "CASE_EMPTY": "", "TZ": "Europe/Berlin"}


@pytest.fixture(autouse=True)
def environment(ansible: Ansible) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "HOME": str(ansible.home)}.items():
            patch.setenv(name, value)
        time.tzset()
        yield
    time.tzset()


def key(case: Case) -> str:
    return json.dumps([case.kind, case.text, case.variables])


def ours(case: Case, folder: Path) -> Any:
    variables = {**case.variables, "playbook_dir": str(folder)}
    if case.kind == "condition":
        return LANGUAGE.test((case.text,), variables, place=PLACE)
    if case.kind == "file":
        return LANGUAGE.render_file(case.text, variables, place=Place(str(folder / "case.j2")))
    return LANGUAGE.render(case.text, variables, place=PLACE)


@pytest.mark.parametrize("case", ALL)
def test_comes_to_the_same(case: Case, folder: Path, answers: dict[str, dict[str, str]], monkeypatch: Any) -> None:
    monkeypatch.chdir(folder)
    said = answers[key(case)]
    refused = case.section.startswith("refused")
    assert ("error" in said) is refused, said
    if refused or case.section.startswith("different"):
        with pytest.raises(PlaybookError) as caught:
            ours(case, folder)
        assert caught.value.place is not None
    else:
        assert repr(ours(case, folder)) == said["value"]
