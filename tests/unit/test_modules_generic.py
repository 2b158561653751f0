"""What the case files cannot show of the generic modules: what their shell does in a shell, and what they say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from deployer.facts.dpkg import PackageWorkSeen
from deployer.facts.files import FileState
from deployer.model.action import Outcome, Script
from deployer.modules._daemon_json import changed_keys, merge, with_rotation
from deployer.modules._docker_install import install_script, plan_readiness
from deployer.modules._refusals import parse_mode
from deployer.modules.assert_ import Assert
from deployer.modules.copy import Copy
from deployer.modules.debug import Debug
from deployer.modules.group import MakeGroup
from deployer.modules.shell import Shell
from deployer.modules.user import MakeUser
from deployer.protocols import Facts

NOTHING_SEEN = cast(Facts, {})


def run_shell(module: Shell) -> subprocess.CompletedProcess[str]:
    """As the engine runs a step: under `set -eu`, with the script as the shell's own standard input."""
    (action,) = module.plan(NOTHING_SEEN)
    assert isinstance(action, Script)
    text = f"( set -eu\n{action.text}\n) </dev/null\nexit $?\n"
    return subprocess.run(["sh"], input=text, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("text", "status", "output"),
    [
        ("false; echo on", 0, "on\n"),
        ('echo "[$NOT_SET]"', 0, "[]\n"),
        ("exit 3", 3, ""),
        ("echo one | grep two", 1, ""),
        ("cat; echo end", 0, "end\n"),
        ("cat <<'EOF'\nin here\nEOF\n", 0, "in here\n"),
        ("echo 'it'\"'\"'s' # a comment", 0, "it's\n"),
    ],
)
def test_shell_is_as_sh_c(text: str, status: int, output: str) -> None:
    done = run_shell(Shell(cmd=text))
    assert (done.returncode, done.stdout) == (status, output)


def test_syntax_error_is_the_users_alone() -> None:
    done = run_shell(Shell(cmd="if true; then echo 'oops"))
    assert done.returncode == 2
    assert "oops" not in done.stdout


def test_shell_gets_its_standard_input_whole() -> None:
    done = run_shell(Shell(cmd="cat", stdin="it's $HOME\n\n`id`"))
    assert done.stdout == "it's $HOME\n\n`id`\n"


def test_shell_of_the_users_choice() -> None:
    assert run_shell(Shell(cmd="set -o pipefail; false | true", executable="/bin/bash")).returncode == 1


def test_long_text_fits() -> None:
    done = run_shell(Shell(cmd=f"true '{'x' * 200_000}'\necho end"))
    assert done.stdout == "end\n"


def test_text_is_in_no_process_list() -> None:
    done = run_shell(Shell(cmd="tr '\\0' ' ' </proc/$$/cmdline; : s3cret"))
    assert "s3cret" not in done.stdout
    assert "/bin/sh" in done.stdout


@pytest.mark.parametrize(
    ("has", "wanted", "merged"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"l": ["one", "two"]}, {"l": ["two", "three"]}, {"l": ["one", "two", "three"]}),
        ({"l": "one"}, {"l": ["two"]}, {"l": ["two"]}),
        ({}, {"log-opts": {"max-file": 3, "compress": True, "tag": "x"}},
         {"log-opts": {"max-file": "3", "compress": "true", "tag": "x"}}),
    ],
)  # fmt: skip
def test_settings_are_merged(has: Mapping[str, Any], wanted: Mapping[str, Any], merged: Mapping[str, Any]) -> None:
    assert merge(has, wanted) == merged
    assert changed_keys(merged, merge(merged, wanted)) == ()


@pytest.mark.parametrize("settings", [{"log-driver": "local"}, {"log-opts": {"tag": "x"}}])
def test_rotation_is_left_out_where_logs_are_configured(settings: Mapping[str, Any]) -> None:
    assert with_rotation(settings) == settings


@pytest.mark.parametrize(("mode", "bits"), [("0644", 0o644), ("755", 0o755), (0o600, 0o600), (None, None), (0, 0)])
def test_modes(mode: str | int | None, bits: int | None) -> None:
    assert parse_mode(mode) == bits


def apt(
    tmp_path: Path, programs: Mapping[str, str], *, script: str = "", added: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The install script on a host whose programs are these; `find` sees no package lists."""
    for name, text in {"find": "exit 0", "sleep": "exit 0", **programs}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    text = script or install_script("apt", ("docker.io",), {"engine": "20.10", "compose": "2.17"}, added=added)
    script = "set -e\n" + re.sub("/(?=var/lib/|run/|etc/)", f"{tmp_path}/", text)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, env=env)


DOCKER = 'case "$1" in compose) echo v2.26.1 ;; esac'
DOCKERD = "echo 'Docker version 26.1.5+dfsg1, build a72d7cd'"
APT = 'echo "$@" >>"$LOG"'


def test_install_refreshes_missing_lists_and_removes_nothing(tmp_path: Path) -> None:
    done = apt(tmp_path, {"apt-get": APT, "docker": DOCKER, "dockerd": DOCKERD})
    assert done.returncode == 0, done.stderr
    update, install = (tmp_path / "log").read_text().splitlines()
    assert update == "-q update"
    assert install.endswith("install docker.io")
    for flag in ("--no-remove", "--no-install-recommends", "DPkg::Lock::Timeout=300"):
        assert flag in install


def test_install_waits_for_whoever_holds_the_lists(tmp_path: Path) -> None:
    locked = (
        'case "$*" in *update*)\n'
        '  [ ! -e "$LOG.once" ] || exit 0\n'
        '  touch "$LOG.once"; echo "E: Could not get lock /var/lib/apt/lists/lock"; exit 100\n'
        "esac"
    )
    done = apt(tmp_path, {"apt-get": locked, "docker": DOCKER, "dockerd": DOCKERD})
    assert done.returncode == 0, done.stderr
    assert "another package manager is at work; waiting for it" in done.stdout


def test_install_does_not_wait_for_another_failure(tmp_path: Path) -> None:
    done = apt(tmp_path, {"apt-get": 'echo "E: Temporary failure resolving"; exit 100'})
    assert done.returncode != 0
    assert "Temporary failure resolving" in done.stderr


def test_install_says_what_is_still_too_old(tmp_path: Path) -> None:
    old = "echo 'Docker version 19.03.8, build afacb8b'"
    done = apt(tmp_path, {"apt-get": APT, "docker": DOCKER, "dockerd": old})
    assert done.returncode != 0
    assert "Docker Engine is 19.03.8 after installing, and at least 20.10 is needed" in done.stderr


@pytest.mark.parametrize("answer", [True, False])
def test_it_waits_for_cloud_init_but_not_for_ever(tmp_path: Path, answer: bool) -> None:
    (tmp_path / "run" / "cloud-init").mkdir(parents=True)
    (tmp_path / "run" / "cloud-init" / "enabled").write_text("")
    (action,) = plan_readiness(PackageWorkSeen(cloud_init=True))
    assert isinstance(action, Script)
    sleep = f"touch {tmp_path}/run/cloud-init/result.json" if answer else "exit 0"
    done = apt(tmp_path, {"sleep": sleep}, script=action.text)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "cloud-init is at work on this host's packages; waiting for it\n"
    assert done.stderr == ("" if answer else "cloud-init is still at work after 300 s\n")


def test_a_source_that_apt_does_not_believe_is_taken_away(tmp_path: Path) -> None:
    source = tmp_path / "etc" / "docker.sources"
    source.parent.mkdir()
    source.write_text("Types: deb\n")
    doubts = 'case "$*" in *sourcelist*) echo "E: is not signed"; exit 100 ;; esac\necho "$@" >>"$LOG"'
    done = apt(tmp_path, {"apt-get": doubts}, added="/etc/docker.sources")
    assert done.returncode == 1
    assert "apt does not believe what" in done.stderr
    assert "is not signed" in done.stderr
    assert not source.exists()
    assert not (tmp_path / "log").exists()  # nothing else was asked of apt


def test_debug_says_values_as_people_read_them() -> None:
    assert Debug(msg="hello").says() == "hello"
    assert Debug(msg=["a", 1]).says() == '[\n  "a",\n  1\n]'
    assert Debug(var="x.y", value={"a": None}).says() == 'x.y: {\n  "a": null\n}'
    with pytest.raises(TypeError, match="not evaluated"):
        Debug(var="x.y").says()


def test_assert_names_the_condition_that_does_not_hold() -> None:
    broken = Assert(that=("a", "b", "c"), results=(True, False, False)).returns({}, ())
    assert broken == {"failed": True, "msg": "does not hold: b", "assertion": "b", "evaluated_to": False}
    assert Assert(that="a", results=(False,), fail_msg="no a").returns({}, ())["msg"] == "no a"
    assert "failed" not in Assert(that="a", results=(True,), success_msg="fine").returns({}, ())
    assert Assert(that="a", results=(True,), success_msg="fine").says() == "fine"


def test_assert_never_passes_unevaluated() -> None:
    with pytest.raises(TypeError, match="not evaluated"):
        Assert(that="a").returns({}, ())
    with pytest.raises(ValueError, match="shorter"):
        Assert(that=("a", "b"), results=(True,)).returns({}, ())


def test_copy_does_not_plan_without_its_bytes() -> None:
    with pytest.raises(TypeError, match=r"app\.conf were not loaded"):
        Copy(dest="/etc/app.conf", src="app.conf").facts()
    assert FileState("/etc/app.conf", hashed=True) in Copy(dest="/etc/", src="app.conf", loaded=b"").facts()


@pytest.mark.parametrize(
    ("module", "entry", "wanted"),
    [
        (MakeUser(name="ci"), "ci:x:1001:1002::/home/ci:/bin/sh", {"uid": 1001, "group": 1002}),
        (MakeGroup(name="ci"), "ci:x:1002:", {"gid": 1002}),
    ],
)
def test_what_programs_say_beside_a_new_account_is_no_entry(module: Any, entry: str, wanted: Mapping[str, Any]) -> None:
    seen = cast(Facts, dict.fromkeys(module.facts()))
    (action,) = module.plan(seen)
    error = "useradd: group: it's: not there: and: more: words\n"
    made = module.returns(seen, [Outcome(action=action, output=f"useradd: warning: no home\n{entry}\n")])
    assert {name: made[name] for name in wanted} == wanted
    failed = module.returns(seen, [Outcome(action=action, status=6, output=f"{error}{entry}\n")])
    assert not {*failed} & {*wanted}
