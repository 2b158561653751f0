"""The generated pages of docs/, and its exit codes, are what the code says; every verb's help ends with an example."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deployer.cli.docs import PAGES, commands, render_cli, words
from deployer.cli.main import VERBS, deploy
from deployer.config.settings import SETTINGS
from deployer.errors import ExitCode

DOCS = Path(__file__).parents[2] / "docs"
ALL = {name: command for name, command, _ in commands(deploy, "deploy")}
LEAVES = {name: command for name, command in ALL.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize("page", PAGES)
def test_page_is_what_the_code_says(page: str) -> None:
    assert (DOCS / f"{page}.md").read_text(encoding="utf-8") == PAGES[page](), "stale; type: make docs"


def test_page_does_not_depend_on_the_terminal() -> None:
    narrow = {**os.environ, "COLUMNS": "40", "LINES": "5", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-m", "deployer.cli.docs"], env=narrow, capture_output=True, text=True, check=True
    )
    assert done.stdout == render_cli()


def test_every_verb_has_a_section_with_its_options() -> None:
    page = render_cli()
    assert set(VERBS) <= {name.split()[1] for name in ALL if name != "deploy"}
    for name, command in LEAVES.items():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.opts[-1] in section
                assert option.help, f"{name} {option.opts[-1]} has no help"


def test_every_setting_has_a_line() -> None:
    page = PAGES["variables"]()
    assert [one.name for one in SETTINGS if f"\n| `{one.name}` |" not in page] == []


# examples -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_help_ends_with_an_example(name: str) -> None:
    text, example = words(ALL[name])
    assert text, "it says nothing"
    assert example.startswith("deploy "), "give it `\\b`, `Example:` and an indented line at its end"
    shown = CliRunner().invoke(deploy, [*name.split()[1:], "--help"]).output
    assert shown.index("Example") < shown.rindex("deploy ")


@pytest.mark.parametrize("name", ALL)
def test_examples_can_be_typed(name: str) -> None:
    for line in words(ALL[name])[1].splitlines():
        for part in re.split(r" && | > ", re.split(r"\s{3,}", line)[0]):
            argv = shlex.split(part)
            if argv[:1] == ["deploy"]:
                verb, rest = _resolved(argv[1:])
                assert isinstance(verb, click.Command)
                verb.make_context(name, rest, resilient_parsing=False)


def _resolved(argv: list[str]) -> tuple[click.Command, list[str]]:
    """The command that is meant, and what is left for it."""
    command: click.Command = deploy
    while isinstance(command, click.Group):
        _, found, argv = command.resolve_command(click.Context(command), argv)
        assert found is not None
        command = found
    return command, argv


# exit codes -----------------------------------------------------------------------------------------------------


def test_exit_codes_are_those_of_the_code() -> None:
    page = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (.*) \|$", page, re.MULTILINE)
    assert rows == [(str(int(one)), one.name, one.meaning) for one in ExitCode]


def test_every_exit_code_says_what_to_do_next() -> None:
    page = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\d+)\n\n((?:.+\n)+)", page, re.MULTILINE))
    assert list(sections) == [str(int(one)) for one in ExitCode]


def test_commands_in_the_exit_codes_are_real() -> None:
    page = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    named = re.findall(r"`deploy ([a-z]+) (?:ENV|VERB)?", page)
    assert named
    assert set(named) <= set(VERBS)


# start-up -------------------------------------------------------------------------------------------------------

HEAVY = ("paramiko", "fabric", "docker", "jinja2", "rich", "yaml", "requests", "msgspec", "pathspec", "cryptography")


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["run", "--help"], ["rollback", "--help"]])
def test_heavy_libraries_are_not_imported_for(argv: list[str]) -> None:
    program = (
        "import sys\nfrom deployer.cli.main import main\n"
        f"sys.argv = ['deploy', *{argv!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
