"""`deploy modules`: the list, one module's page, and the names that it completes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from deployer.cli.main import deploy
from deployer.cli.modules import complete_module, modules
from deployer.modules.all import MODULES
from deployer.report.module_docs import read_arguments, read_examples
from deployer.report.module_page import render_list, render_page


def ask(*words: str) -> Result:
    return CliRunner().invoke(deploy, ["modules", *words])


def test_the_list_has_every_module_with_a_sentence() -> None:
    lines = render_list(MODULES, 1000).splitlines()
    assert [line.split()[0] for line in lines] == sorted(MODULES)
    assert all(line.endswith(".") for line in lines)
    assert ask().output.startswith("add_host ")


@pytest.mark.parametrize("name", MODULES)
def test_a_page_has_text_arguments_and_examples(name: str) -> None:
    page = render_page(name, MODULES[name], 78)
    for one in read_arguments(MODULES[name]):
        assert f"\n  {one.name}  (" in page
    for line in read_examples(MODULES[name]).splitlines():
        assert line in page
    assert page.endswith(read_examples(MODULES[name]).splitlines()[-1])


def test_a_page_as_it_is_shown() -> None:
    assert ask("ansible.builtin.group").output == (
        "group\n\n"
        "  Make sure that a group is there, or is not.\n\n"
        "Arguments:\n"
        "  name  (string, required)\n      its name\n"
        "  state  (present, absent, default: present)\n      absent: it goes\n"
        "  gid  (integer)\n      number\n"
        "  system  (boolean, default: false)\n      a group of the system, with a low number; for a new one\n\n"
        "Examples:\n"
        "  - name: A group for those who may deploy\n    group:\n      name: deployers\n      system: true\n"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cpy", "there is no module `cpy`; did you mean `copy`?"),
        ("xyzzy", "there is no module `xyzzy`; deploy modules lists them"),
        ("include_tasks", "`include_tasks` is a word of the language, no module"),
    ],
)
def test_a_name_that_is_not_there(name: str, said: str) -> None:
    done = ask(name)
    assert done.exit_code == 2
    assert said in done.output


def test_names_are_completed() -> None:
    context = modules.make_context("modules", [])
    found = complete_module(context, modules.params[0], "co")
    assert [one.value for one in found] == ["command", "compose", "copy"]
