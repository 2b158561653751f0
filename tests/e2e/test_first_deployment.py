"""The example project's way onto three bare hosts, told once; each test looks at another side of it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from browser import Guestbook
from command_run import CommandRun
from host_state import ask, differences, fingerprints
from stage import NAMES, WEB, Fleet
from story import Project, guestbook_on
from waiting import eventually

from deployer.errors import ExitCode
from deployer.lab.host import LabHost

RELEASE_ID = re.compile(r"\d{8}t\d{6}z-[0-9a-f]{7}", re.IGNORECASE)
MIGRATE = """sh -c 'echo "$DEPLOY_RELEASE" >>uploads/migrations.log && exec python manage.py migrate --noinput'"""
SECRETS = {"SECRET_KEY": """it's "the" $key-5f2c91 \\ of #1""", "POSTGRES_PASSWORD": "word-8d07ae"}
TELLTALES = ("key-5f2c91", "word-8d07ae")  # parts of them that no quoting changes
WATCH_ARGV = "while :; do cat /proc/[0-9]*/cmdline | tr '\\0' ' '; sleep 0.1; done >/run/argv 2>/dev/null"


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What `--check` said on bare hosts, and how they changed meanwhile."""

    run: CommandRun
    changes: dict[str, list[str]]
    had_docker: dict[str, bool]


@pytest.fixture(scope="module")
def guestbook(bare_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = guestbook_on(bare_fleet, tmp_path_factory.mktemp("guestbook"))
    project.variables["deploy_secrets"] = SECRETS
    project.web["deploy_migrate"] = MIGRATE
    quicker = project.folder / "compose.yaml"  # the same checks, asked more often: a broken release is found sooner
    quicker.write_text(
        quicker.read_text().replace("interval: 3s", "interval: 1s").replace("start_period: 20s", "start_period: 8s")
    )
    return project


@pytest.fixture(scope="module")
def rehearsal(guestbook: Project) -> Rehearsal:
    hosts = guestbook.fleet.hosts
    before = fingerprints(hosts.values())
    run = guestbook.deploy("--check", "--output=json")
    after = fingerprints(hosts.values())
    return Rehearsal(
        run=run,
        changes={name: differences(before[name], after[name]) for name in NAMES},
        had_docker={name: host.exec("command -v docker || command -v dockerd")[0] == 0 for name, host in hosts.items()},
    )


@pytest.fixture(scope="module")
def first(guestbook: Project, rehearsal: Rehearsal) -> CommandRun:
    """The first deployment; what programs were called with meanwhile is in each host's /run/argv."""
    for host in guestbook.fleet.hosts.values():
        ask(host, f"setsid sh -c {shlex.quote(WATCH_ARGV)} >/dev/null 2>&1 & echo $! >/run/argv.pid")
    run = guestbook.deploy("--output=json", "-v", "--diff")
    for host in guestbook.fleet.hosts.values():
        ask(host, "kill -- -$(cat /run/argv.pid)")
    return run.exits(ExitCode.OK)


@pytest.fixture(scope="module")
def pages(guestbook: Project, first: CommandRun) -> tuple[Guestbook, Guestbook]:
    one, other = (Guestbook(guestbook.host(name).address) for name in WEB)
    return one, other


def test_check_works_on_hosts_without_docker_and_changes_nothing(rehearsal: Rehearsal) -> None:
    rehearsal.run.exits(ExitCode.OK)
    assert rehearsal.had_docker == dict.fromkeys(NAMES, False)
    assert rehearsal.changes == {name: [] for name in NAMES}
    announced = rehearsal.run.actions
    assert {action["host"] for action in announced} == set(NAMES)
    assert all(action["planned"] and action["title"] and action["because"] for action in announced)


def test_check_announces_what_the_run_does(rehearsal: Rehearsal, first: CommandRun) -> None:
    assert _actions(first) == _actions(rehearsal.run)


def _actions(run: CommandRun) -> list[tuple[str, str, str]]:
    """Host, task and title of each, in a host's order, whatever the release is called."""
    found = [(action["host"], action["task"], RELEASE_ID.sub("RELEASE", action["title"])) for action in run.actions]
    return sorted(found, key=lambda action: action[0])


def test_all_hosts_are_on_the_release_and_healthy(guestbook: Project, first: CommandRun) -> None:
    release = guestbook.release()
    assert re.fullmatch(RELEASE_ID, release)
    for name in NAMES:
        service = "web" if name in WEB else "db"
        assert [(one.service, one.status, one.health) for one in guestbook.containers(name)] == [
            (service, "running", "healthy")
        ]
        assert ask(guestbook.host(name), "systemctl is-enabled docker").strip() == "enabled"
        assert ask(guestbook.host(name), "docker compose version --short")


def test_each_page_is_served_by_the_release(guestbook: Project, pages: tuple[Guestbook, Guestbook]) -> None:
    assert [page.read("version") for page in pages] == [guestbook.release()] * 2
    assert [page.read("healthz") for page in pages] == ["ok", "ok"]
    assert all("csrfmiddlewaretoken" in page.read() for page in pages)


def test_what_one_host_writes_the_other_shows(guestbook: Project, pages: tuple[Guestbook, Guestbook]) -> None:
    pages[0].write("written on web1", attachment=("photo.txt", b"a picture of web1"))
    assert "written on web1" in pages[1].texts()
    assert guestbook.rows("SELECT text FROM entries_entry WHERE text = 'written on web1'") == ["written on web1"]
    [entry] = [entry for entry in pages[0].entries() if entry["text"] == "written on web1"]
    assert guestbook.volume_file("web1", "uploads", entry["attachment"]) == "a picture of web1"
    assert pages[0].read(f"uploads/{entry['attachment']}") == "a picture of web1"


def test_the_database_was_migrated_once(guestbook: Project, first: CommandRun) -> None:
    assert guestbook.migrations() == [guestbook.release()]
    assert guestbook.rows("SELECT count(*) FROM django_migrations WHERE app = 'entries'") == ["1"]


def test_the_environment_reaches_containers_byte_by_byte_and_only_root(guestbook: Project, first: CommandRun) -> None:
    web = guestbook.container("web1", "web")
    assert {name: web.environment[name] for name in SECRETS} == SECRETS
    for name in NAMES:
        env = f"{guestbook.root}/current/.env"
        assert ask(guestbook.host(name), f"stat -L -c '%a %U' {env}").strip() == "600 root"


def test_secrets_are_in_no_output(guestbook: Project, rehearsal: Rehearsal, first: CommandRun) -> None:
    guestbook.status()
    guestbook.deploy("-vv", "--diff")
    said = "".join(run.output for run in guestbook.runs)
    assert not [secret for secret in TELLTALES if secret in said]
    assert not [value for value in SECRETS.values() if json.dumps(value)[1:-1] in said]


def test_secrets_are_in_no_file_but_env_and_in_no_image(guestbook: Project, first: CommandRun) -> None:
    pattern = " ".join(f"-e {secret}" for secret in TELLTALES)
    for name in NAMES:
        host = guestbook.host(name)
        env = f"{guestbook.root}/releases/{guestbook.release()}/.env"
        places = "/etc /srv /root /home /opt /usr/local /tmp /var/tmp /var/log"
        holds_nothing_else(host, f"grep -rslF {pattern} {places}", env)
        assert host.exec(f"journalctl --no-pager | grep -F {pattern}")[1] == ""
        assert host.exec(f"docker image ls --quiet | xargs docker image inspect | grep -F {pattern}")[1] == ""
        history = "docker image ls --quiet | xargs -n 1 docker history --no-trunc"
        assert host.exec(f"{history} | grep -F {pattern}")[1] == ""
    image = guestbook.container("web1", "web").image
    inside = f"docker run --rm --network none --user 0 --entrypoint grep {image} -rlF {pattern} /app /etc /tmp"
    assert guestbook.host("web1").exec(inside) == (1, "")


def holds_nothing_else(host: LabHost, search: str, env: str) -> None:
    """What a search for secrets finds; for the moment in which a health check begins the Engine has them in /tmp."""
    eventually(lambda: host.exec(search)[1].split() == [env], within=60, every=1, what=f"{env} alone on {host.name}")


def test_secrets_were_in_no_argv(guestbook: Project, first: CommandRun) -> None:
    for name in NAMES:
        seen = ask(guestbook.host(name), "cat /run/argv")
        assert "docker-compose --project-name" in seen, "the watch saw the deployment"
        assert not [secret for secret in TELLTALES if secret in seen]


def test_the_login_user_joins_no_group(guestbook: Project, first: CommandRun) -> None:
    for name in NAMES:
        assert ask(guestbook.host(name), "id -nG deploy").split() == ["deploy"]
        assert ask(guestbook.host(name), "getent group docker").strip().rpartition(":")[2] == ""


@pytest.fixture
def broken(guestbook: Project, pages: tuple[Guestbook, Guestbook]) -> Iterator[Project]:
    """The project with a health page that always says no."""
    views = guestbook.folder / "entries" / "views.py"
    text = views.read_text()
    guestbook.edit("entries/views.py", 'HttpResponse("ok\\n", ', 'HttpResponse("broken\\n", status=503, ')
    yield guestbook
    views.write_text(text)


def test_a_release_that_is_never_healthy_is_undone_with_the_data_still_there(
    broken: Project, pages: tuple[Guestbook, Guestbook]
) -> None:
    pages[0].write("before the broken release", attachment=("kept.txt", b"kept"))
    release, database = broken.release(), broken.container("db1", "db").id
    volumes = {name: broken.volumes(name) for name in NAMES}
    run = broken.deploy().exits(ExitCode.ROLLED_BACK)
    assert "web1" in run.output

    assert broken.current() == dict.fromkeys(NAMES, release)
    assert [page.read("version") for page in pages] == [release, release]
    for name in WEB:
        web = broken.container(name, "web")
        assert (web.health, web.environment["DEPLOY_RELEASE"]) == ("healthy", release)
    assert broken.container("db1", "db").id == database
    assert all("before the broken release" in page.texts() for page in pages)
    [entry] = [entry for entry in pages[0].entries() if entry["text"] == "before the broken release"]
    assert broken.volume_file("web1", "uploads", entry["attachment"]) == "kept"
    assert {name: broken.volumes(name) for name in NAMES} == volumes
