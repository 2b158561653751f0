"""Refusals through the real command line: exit code, words, place and hint, and that no host is ever contacted."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from deployer.cli.main import main
from deployer.errors import ExitCode

COMPOSE = """\
services:
  web:
    image: nginx:1
    environment:
      TOKEN: ${TOKEN:-none}
"""


class Listener:
    """A port of this machine at which somebody counts who comes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.visits = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        self._socket.close()


@dataclass(frozen=True)
class Said:
    """What the command line said."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@dataclass
class Project:
    """A folder with a project, and the command line in it."""

    folder: Path
    listener: Listener
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))

    def deploy(self, *argv: str) -> Said:
        """`deploy ARGV` in this process."""
        self.patch.setattr(sys, "argv", ["deploy", *argv])
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.capture.readouterr()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, said.out, said.err)

    def refused(self, *argv: str, said: str, hint: str, at: str = "", code: int = ExitCode.CONFIG) -> Said:
        """`deploy ARGV` is refused with these words (regular expressions), at this place, and contacts nobody."""
        found = self.deploy(*(argv or ("prod",)))
        assert found.code == code, found.all
        error, _, advice = found.err.partition("\nhint:  ")
        assert re.match(rf"error: (\S*/)?{re.escape(at)}", error), found.err
        assert re.search(said, error), found.err
        assert re.search(hint, advice), found.err
        assert "Traceback" not in found.all
        assert found.out == ""
        assert self.listener.visits == 0
        return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Project]:
    listener = Listener()
    folder = tmp_path / "shop"
    made = Project(folder, listener, capsys, monkeypatch)
    made.write("compose.yaml", COMPOSE)
    made.write(
        "inventories/prod.yml",
        f"""\
        all:
          vars: {{ansible_port: {listener.port}, ansible_user: nobody}}
          children:
            web:
              hosts:
                web1: {{ansible_host: 127.0.0.1}}
                web2: {{ansible_host: 127.0.0.1}}
        """,
    )
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("TOKEN", "SSH_AUTH_SOCK", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    yield made
    listener.close()


def playbook(project: Project, text: str, name: str = "deploy.yml") -> None:
    project.write(f"playbooks/{name}", text)


def test_a_sound_project_does_contact_its_hosts(project: Project) -> None:
    found = project.deploy("prod", "--check", "--limit", "web1")
    assert found.code == ExitCode.UNREACHABLE
    assert project.listener.visits > 0


# inventories ----------------------------------------------------------------------------------------------------


def test_broken_yaml_in_the_inventory(project: Project) -> None:
    project.write("inventories/prod.yml", "all:\n  hosts:\n    web1: {ansible_port: 22\n")
    project.refused(at="inventories/prod.yml:4:", said="broken YAML", hint=r"\w")


def test_no_such_environment(project: Project) -> None:
    project.refused("pord", said="no inventory for 'pord'", hint="prod|use one of those")


def test_no_such_inventory_file(project: Project) -> None:
    project.refused("prod", "-i", "nowhere.yml", said="nowhere.yml", hint=r"\w")


def test_no_hosts(project: Project) -> None:
    project.write("inventories/prod.yml", "all:\n  hosts: {}\n")
    project.refused(said="no host", hint=r"\w")


def test_unknown_host_in_limit(project: Project) -> None:
    project.refused("prod", "--limit", "wbe1", said="--limit: no host or group matches 'wbe1'", hint="'web1'")


def test_limit_that_spares_a_host_that_there_is_not(project: Project) -> None:
    project.refused("prod", "--limit", "all:!web3", said="'web3'", hint="'web'")


@pytest.mark.parametrize("verb", ["status", "unlock", "rollback", "provision"])
def test_other_verbs_refuse_alike(project: Project, verb: str) -> None:
    project.refused(verb, "prod", "--limit", "wbe1", said="no host or group matches 'wbe1'", hint="'web1'")


# playbooks ------------------------------------------------------------------------------------------------------


def test_broken_yaml_in_the_playbook(project: Project) -> None:
    playbook(project, "- hosts: all\n  tasks: [\n")
    project.refused(at="playbooks/deploy.yml:3:", said="broken YAML", hint=r"\w")


def test_no_such_playbook(project: Project) -> None:
    project.refused("prod", "--playbook", "depoly.yml", said="depoly.yml is no file", hint="deploy init --playbook")


@pytest.mark.parametrize(
    ("task", "said", "hint"),
    [
        ("{name: x, shel: 'true'}", "`?shel`?", "`shell`"),
        ("{name: x, copy: {dst: /x, content: y}}", "no argument is called `dst`", "`dest`"),
        ("{name: x, copy: {content: y}}", "argument `dest` is missing", "dest"),
        ("{name: x, shell: 'true', wehn: false}", "a task has no `wehn`", "`when`"),
        ("{name: x, shell: 'true', delegate_facts: true}", "`delegate_facts` is not supported", r"\w"),
        ("{name: x, shell: 'echo {{ nmae }}'}", "nmae", r"\w"),
        ("{name: x, shell: 'echo {{ 1 +', }", r"\w", ""),
        ("{name: x, file: {path: /x, state: dir}}", "state: .* is not known", "one of directory"),
        ("{name: x, shell: 'true', notify: restart}", "restart", r"\w"),
        ("{name: x, assert: {that: release.idd is string}, when: release.idd}", "idd", ""),
    ],
)
def test_wrong_task(project: Project, task: str, said: str, hint: str) -> None:
    playbook(project, f"- hosts: all\n  tasks:\n    - {task}\n")
    project.refused(at="playbooks/deploy.yml:3:", said=said, hint=hint)


def test_unknown_keyword_of_a_play(project: Project) -> None:
    playbook(project, "- hosts: all\n  taks: []\n")
    project.refused(at="playbooks/deploy.yml:2:", said="a play has no `taks`", hint="`tasks`")


def test_play_for_hosts_that_there_are_not(project: Project) -> None:
    playbook(project, "- hosts: wbe\n  tasks: []\n")
    project.refused(said="no host or group matches 'wbe'", hint="'web'")


def test_serial_that_is_no_number(project: Project) -> None:
    project.refused(
        "prod", "-e", "rollout_serial=many", at="playbooks/deploy.yml:", said="`serial` must be", hint="serial:"
    )


def test_way_back_with_an_undefined_variable(project: Project) -> None:
    playbook(project, "- hosts: all\n  tasks:\n    - shell: echo {{ release_faild.id }}\n", "rollback.yml")
    project.refused(at="playbooks/rollback.yml:3:", said="release_faild", hint=r"\w")


# projects -------------------------------------------------------------------------------------------------------


def test_no_compose_file(project: Project) -> None:
    (project.folder / "compose.yaml").unlink()
    project.refused(said="compose", hint=r"\w")


def test_named_compose_file_that_there_is_not(project: Project) -> None:
    project.refused("prod", "-e", "deploy_compose_files=prod.yaml", said="prod.yaml", hint=r"\w")


def test_broken_yaml_in_the_compose_file(project: Project) -> None:
    project.write("compose.yaml", "services:\n  web: [\n")
    project.refused(at="compose.yaml:3:", said="broken YAML", hint=r"\w")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("services:\n  web: nginx\n", 2, "service web must be a mapping"),
        ("services:\n  web: {}\n", 2, "service web has neither image nor build"),
        ("services:\n  web:\n    image: nginx\n    ports: 5\n", 4, "ports must be a list"),
        ("servces:\n  web: {image: nginx}\n", 1, "unknown top-level key 'servces'"),
    ],
)
def test_compose_file_that_is_none(project: Project, text: str, line: int, said: str) -> None:
    project.write("compose.yaml", text)
    project.refused(at=f"compose.yaml:{line}:", said=said, hint=r"\w")


@pytest.mark.parametrize("name", ["a/b", "../shop", "..", "Shop", "a b", "$(id)"])
def test_project_name(project: Project, name: str) -> None:
    project.refused("prod", "-e", f"deploy_project='{name}'", said="cannot be a project name", hint="deploy_project: ")


@pytest.mark.parametrize("root", ["srv", "/srv/../etc", "~/apps", "''"])
def test_root_folder(project: Project, root: str) -> None:
    project.refused("prod", "-e", f"deploy_root={root}", said="deploy_root must be an absolute path", hint="/srv")


@pytest.mark.parametrize("source", ["./uploads", "../other"])
def test_relative_bind_mount_outside_the_tree(project: Project, source: str) -> None:
    (project.folder / "uploads").mkdir()
    (project.folder / ".deployignore").write_text("uploads\n")
    project.write("compose.yaml", f"services:\n  web:\n    image: nginx\n    volumes:\n      - {source}:/data\n")
    project.refused(at="compose.yaml", said=re.escape(source.removeprefix("./")), hint=r"\w")


def test_missing_secret(project: Project) -> None:
    project.write("compose.yaml", COMPOSE.replace("${TOKEN:-none}", "${TOKEN:?}"))
    project.refused(said="web1: TOKEN has no value", hint="deploy_secrets")


def test_empty_value_where_the_compose_file_allows_none(project: Project) -> None:
    project.write("compose.yaml", COMPOSE.replace("${TOKEN:-none}", "${TOKEN:?}"))
    project.refused("prod", "-e", "{deploy_env: {TOKEN: ''}}", said="web1: TOKEN has no value", hint="export it")


def test_empty_secret(project: Project) -> None:
    secret = "{deploy_secrets: {TOKEN: \"{{ lookup('env', 'TOKEN') }}\"}}"
    project.refused("prod", "-e", secret, said="web1: TOKEN has no value", hint="export it")


def test_variable_that_no_environment_can_hold(project: Project) -> None:
    project.refused("prod", "-e", "{deploy_env: {A-B: 1}}", said="'A-B' is no name of a variable", hint="letters")
    project.refused("prod", "-e", '{deploy_env: {A: "x\\0y"}}', said="the value of A holds a NUL", hint=r"\w")


def test_unknown_service(project: Project) -> None:
    project.refused("prod", "-e", "{deploy_services: [wbe]}", said="'wbe', which no compose file defines", hint="web")


def test_migration_without_a_service(project: Project) -> None:
    project.refused("prod", "-e", "deploy_migrate=./migrate", said="deploy_migrate", hint="deploy_migrate_service")


# the command line -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("nonsense", "-e: word 1 of 1 is no KEY=VALUE"),
        ("password=s3cret s3cret2", "-e: word 2 of 2 is no KEY=VALUE"),
        ("=s3cret", "-e: word 1 of 1 is no KEY=VALUE"),
        ("password='s3cret", "-e: no closing quotation"),
        ("{password: s3cret", "broken YAML"),
        ("@nowhere.yml", "nowhere.yml"),
    ],
)
def test_extra_variables(project: Project, extra: str, said: str) -> None:
    found = project.refused("prod", "-e", extra, said=said, hint=r"\w")
    assert "s3cret" not in found.all


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("prod", "--no-such-option"), "--no-such-option"),
        (("run",), "Missing argument 'ENV'"),
        (("prod", "staging"), "unexpected extra argument"),
        (("prod", "--forks", "0"), "--forks"),
        (("prod", "--forks", "many"), "--forks"),
        (("rollback", "prod", "--to", "r1", "--too"), "--too"),
        (("status",), "Missing argument 'ENV'"),
        (("init", "--inventory", "../x"), "no name for a file"),
    ],
)
def test_wrong_usage(project: Project, argv: Sequence[str], said: str) -> None:
    found = project.deploy(*argv)
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert said in found.err
    assert found.err.startswith("Usage: deploy ")
    assert project.listener.visits == 0


def test_as_it_is_installed(project: Project) -> None:
    """The same through a process of its own: exit code, and nothing on stdout."""
    done = subprocess.run(
        [sys.executable, "-c", "from deployer.cli.main import main; main()", "prod", "--limit", "wbe1"],
        cwd=project.folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-2:] == [
        "error: --limit: no host or group matches 'wbe1' in inventories/prod.yml",
        "hint:  did you mean 'web1'?",
    ]


# secrets --------------------------------------------------------------------------------------------------------

SECRET = "planted-s3cret-0815"


@pytest.fixture
def secretive(project: Project) -> Project:
    """The project with a secret, as an inventory gives it."""
    project.patch.setenv("TOKEN", SECRET)
    project.write("inventories/group_vars/all.yml", "deploy_secrets: {TOKEN: \"{{ lookup('env', 'TOKEN') }}\"}\n")
    return project


@pytest.mark.parametrize("options", [(), ("-vv",), ("--output=json",), ("--check", "--diff")])
@pytest.mark.parametrize(
    "wrong",
    [
        "services:\n  web:\n    image: nginx\n    environment: {A: '${MISSING:?}'}\n",
        "services:\n  web:\n    image: nginx\n    volumes: ['./${TOKEN}:/x']\n",
        "services:\n  web: nginx\n",
    ],
)
def test_secret_is_in_no_refusal(secretive: Project, options: Sequence[str], wrong: str) -> None:
    secretive.write("compose.yaml", wrong)
    found = secretive.deploy("prod", *options)
    assert found.code == ExitCode.CONFIG, found.all
    assert SECRET not in found.all


@pytest.mark.parametrize("options", [("-vv",), ("--output=json", "--check", "--diff")])
def test_secret_is_in_no_report(secretive: Project, options: Sequence[str]) -> None:
    found = secretive.deploy("prod", *options)
    assert found.code == ExitCode.UNREACHABLE, found.all
    assert SECRET not in found.all


@pytest.mark.parametrize(
    "task",
    [
        "{name: x, copy: {dst: /x, content: '{{ deploy_secrets.TOKEN }}'}}",
        "{name: x, copy: {dest: '{{ deploy_secrets.TOKEN }}', content: x}}",
        "{name: x, file: {path: /x, state: '{{ deploy_secrets.TOKEN }}'}}",
        "{name: x, file: {path: /x, mode: '{{ deploy_secrets.TOKEN }}'}}",
        "{name: x, prune: {release: '{{ deploy_secrets.TOKEN }}'}}",
        "{name: x, prune: {release: '{{ release }}', keep: '{{ deploy_secrets.TOKEN }}'}}",
        "{name: x, shell: 'true', when: '{{ deploy_secrets.TOKEN }}'}",
        "{name: x, shell: 'true', when: deploy_secrets.TOKEN}",
        "{name: x, shell: '{{ deploy_secrets.TOKEN.nothing }}'}",
        "{name: x, shell: '{{ deploy_secrets.TOKEN | int / 0 }}'}",
        "{name: x, shell: '{{ deploy_secrets.TOKEN | from_json }}'}",
    ],
)
def test_secret_is_in_no_refusal_of_a_task(project: Project, task: str) -> None:
    playbook(project, f"- hosts: all\n  tasks:\n    - {task}\n")
    found = project.refused(
        "prod", "-e", f"{{deploy_secrets: {{TOKEN: {SECRET}}}}}", at="playbooks/deploy.yml:3:", said=r"\w", hint=""
    )
    assert SECRET not in found.all
