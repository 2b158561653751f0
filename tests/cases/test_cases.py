"""Every module does for every case file what the file says, and nothing that could destroy data."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from case_file import ROOT, all_modules, answers, bind, case_files, load_case, plan
from destructive import offence, text_of, without_pruning, without_removal

from deployer.errors import DeployerError
from deployer.model.action import Put, Script

PLANS = [path for path in case_files() if load_case(path).refused is None]
REFUSALS = [path for path in case_files() if load_case(path).refused is not None]


def _id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", PLANS, ids=_id)
def test_plan_is_as_written(path: Path) -> None:
    case = load_case(path)
    planned = plan(path.parent.name, case)
    assert set(planned.asked) == set(answers(case))
    assert planned.text == case.actions
    written = {one.path: one.content.decode() for one in planned.actions if isinstance(one, Put)}
    assert {path: written.get(path) for path in case.puts} == case.puts
    lines = {line.strip() for one in planned.actions for line in text_of(one).splitlines()}
    assert [line for line in case.shell if line not in lines] == []
    assert {name: planned.returned.get(name) for name in case.returns} == case.returns
    if case.serves is not None:
        assert [one.title for one in planned.actions if one.serves] == case.serves


@pytest.mark.parametrize("path", REFUSALS, ids=_id)
def test_refusal_says_why_and_what_to_do(path: Path) -> None:
    case = load_case(path)
    with pytest.raises(DeployerError) as caught:
        plan(path.parent.name, case)
    assert case.refused is not None
    assert case.refused in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("path", PLANS, ids=_id)
def test_no_case_destroys_anything(path: Path) -> None:
    case = load_case(path)
    for action in plan(path.parent.name, case).actions:
        text = text_of(action)
        if path.parent.name == "prune":
            text = without_pruning(text, root="/srv/shop", project="shop")
        if path.parent.name in ("package", "apt"):
            text = without_removal(text)
        assert action.because
        assert offence(text) is None, action.title


@pytest.mark.parametrize("path", PLANS, ids=_id)
def test_every_script_is_valid_shell(path: Path) -> None:
    for action in plan(path.parent.name, load_case(path)).actions:
        if isinstance(action, Script):
            done = subprocess.run(["sh", "-n"], input=action.text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr


ASKING_NOTHING = ("add_host", "assert", "debug", "fail", "group_by", "include_vars", "set_fact")
# nothing that they find keeps them from acting
ESCAPE_HATCHES = {"command", "pause", "reboot", "script", "shell", "uri", "wait_for", "wait_for_connection"}


def test_escape_hatches_are_few_and_say_so() -> None:
    assert {name for name, cls in all_modules().items() if getattr(cls, "always_acts", False)} == ESCAPE_HATCHES


@pytest.mark.parametrize("name", sorted(all_modules().keys() - ESCAPE_HATCHES))
def test_module_has_a_case_in_which_it_does_nothing(name: str) -> None:
    path = ROOT / name / "unchanged.yml"
    assert path.is_file(), f"show when {name} does nothing: write {path.relative_to(ROOT.parent.parent)}"
    case = load_case(path)
    assert bind(name, case).facts() or name in ASKING_NOTHING
    assert plan(name, case).actions == ()


def test_every_case_belongs_to_a_module() -> None:
    assert {path.parent.name for path in case_files()} <= set(all_modules())


@pytest.mark.parametrize(
    "text",
    [
        "docker volume rm data",
        "docker volume prune -f",
        "docker --context x volume rm data",
        "docker system prune --volumes",
        "docker image prune -a",
        "docker network rm web",
        "docker compose --project-name shop down",
        "docker compose -f a.yaml down -v",
        "docker compose rm --force -v db",
        "docker rm -fv db",
        "docker compose up -d -V",
        "docker image rm --force shop-web:1",
        "docker image rm shop-web:1",
        "docker rmi postgres:17",
        "rm -rf -- /srv/shop/releases/20261122T063000Z-3f9a2c1",
        "rm -rf /srv/shop",
        "rm -rf /srv/shop/releases",
        "rm -r -f -- /var/lib/docker",
        'rm -rf "$root"',
        "rm --recursive /srv",
        "true && rm -fr /srv/shop/shared",
        "psql -c 'DROP DATABASE shop'",
        "find /srv -type f -delete",
        "dd if=/dev/zero of=/dev/vda",
        "apt-get -y purge docker.io",
    ],
)
def test_known_offenders_are_found(text: str) -> None:
    assert offence(f"set -e\n{text}\necho done") is not None


@pytest.mark.parametrize(
    "text",
    [
        "rm -f /srv/shop/notes.txt",
        "docker compose rm --stop --force worker",
        "docker volume create data",
        "apt-get -y --no-remove install docker.io",
        "find /var/lib/apt/lists -name x -mtime -1",
    ],
)
def test_harmless_ones_are_not(text: str) -> None:
    assert offence(text) is None


PRUNING = """\
tags=$(cut -f 2 /srv/shop/releases/r1/pins 2>/dev/null | grep '^shop-' || true)
rm -rf -- /srv/shop/releases/r1
for tag in $tags shop-web:r1 shop-db:r1; do
  if cut -f 2 /srv/shop/releases/*/pins 2>/dev/null | grep -qxF -- "$tag"; then continue; fi
  docker image rm "$tag" 2>/dev/null || true
done"""


@pytest.mark.parametrize("packages", ["curl", "libc6:i386 g++", "nginx=1.24"])
def test_packages_may_be_removed_and_nothing_more(packages: str) -> None:
    words = f"apt-get -y -q -o DPkg::Lock::Timeout=600 remove {packages}"
    assert offence(words) is not None
    assert without_removal(words) == ""
    for text in (
        words.replace("remove", "purge"),
        f"{words} --purge",
        words.replace("-q", "--purge"),
        f"{words}; rm -rf /",
    ):
        assert offence(without_removal(text)) is not None


def test_pruning_in_its_own_words_is_allowed() -> None:
    assert without_pruning(PRUNING, root="/srv/shop", project="shop") == ""
    assert offence(PRUNING) is not None


@pytest.mark.parametrize(
    ("words", "other"),
    [
        ("rm -rf -- /srv/shop/releases/r1", "rm -rf -- /srv/shop/releases/r2"),
        ("rm -rf -- /srv/shop/releases/r1", "rm -rf -- /srv/shop/releases"),
        ("rm -rf -- /srv/shop/releases/r1", "rm -rf -- /srv/shop/releases/*"),
        ("/srv/shop/releases/r1", "/srv/shop/releases/.."),
        ("/srv/shop/releases/", "/srv/shop-admin/releases/"),
        ("shop-web:r1", "shop-web:r2"),
        ("shop-web:r1", "postgres:r1"),
        ("shop-web:r1", "$(docker image ls --quiet)"),
        ("'^shop-'", "'^shop'"),
        ('docker image rm "$tag"', 'docker image rm --force "$tag"'),
        ("then continue", "then true"),
        ("done", "done\nrm -rf -- /srv/shop/releases/r3"),
    ],
)
def test_pruning_in_any_other_words_is_not(words: str, other: str) -> None:
    text = PRUNING.replace(words, other)
    assert text != PRUNING
    assert offence(without_pruning(text, root="/srv/shop", project="shop")) is not None
