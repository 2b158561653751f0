"""Releases that are broken, each in its own way: every host ends on the release before, with all of its data."""

from __future__ import annotations

from host_state import ask, untouched
from keepsake import leave_keepsake
from put_back import is_locked, marks, put_back
from stage import NAMES, WEB
from story import Project
from waiting import eventually

from deployer.errors import ExitCode


def test_crashes_at_start_again_and_again(breakable: Project) -> None:
    breakable.write("serve.sh", "exit 1\n")
    with put_back(breakable, "web1"):
        breakable.deploy().exits(ExitCode.ROLLED_BACK)


def test_crashes_at_start_once_and_for_all(breakable: Project) -> None:
    breakable.write("serve.sh", "exit 1\n")
    breakable.edit("compose.yaml", "init: true\n    restart: unless-stopped", 'init: true\n    restart: "no"')
    with put_back(breakable, "web1"):
        breakable.deploy().exits(ExitCode.ROLLED_BACK)


def test_stays_unhealthy(breakable: Project) -> None:
    breakable.look_often()
    (breakable.folder / "www" / "health").unlink()
    with put_back(breakable, "web1"):
        breakable.deploy().exits(ExitCode.ROLLED_BACK)


def test_never_gets_healthy_in_time(breakable: Project) -> None:
    """Its health check neither passes nor gives up."""
    (breakable.folder / "www" / "health").unlink()
    with put_back(breakable, "web1"):
        breakable.deploy("-e", "gate_patience=4").exits(ExitCode.ROLLED_BACK)


def test_is_healthy_and_dies_after_eight_seconds(breakable: Project) -> None:
    breakable.write("serve.sh", "httpd -f -p 8080 -h /www &\nsleep 8\nexit 3\n")
    with put_back(breakable, "web1"):
        breakable.deploy("-e", "gate_bake=10").exits(ExitCode.ROLLED_BACK)


def test_is_healthy_and_turns_unhealthy(breakable: Project) -> None:
    breakable.look_often()
    breakable.edit("serve.sh", "exec httpd", "(sleep 3; rm /www/health) &\nexec httpd")
    with put_back(breakable, "web1"):
        breakable.deploy("-e", "gate_bake=12").exits(ExitCode.ROLLED_BACK)


def test_answers_wrongly_though_healthy(shop: Project) -> None:
    """What the host itself gets from the published port is not what it should be."""
    shop.edit(
        "compose.yaml", "    volumes:\n      - uploads", '    ports: ["18080:8080"]\n    volumes:\n      - uploads'
    )
    shop.web["gate_http"] = {"url": "http://127.0.0.1:18080/", "contains": "fi"}
    shop.deployed()
    keepsake = leave_keepsake(shop)
    shop.write("www/index.html", "second\n")
    with put_back(shop, "web1"):
        shop.deploy("-e", "gate_patience=5").exits(ExitCode.ROLLED_BACK)
    assert shop.serving() == dict.fromkeys(WEB, "first")
    assert keepsake.is_kept()


def test_does_not_build(breakable: Project) -> None:
    breakable.edit("Dockerfile", "EXPOSE 8080", "RUN echo no such library; false")
    with put_back(breakable):
        run = breakable.deploy().exits(ExitCode.ROLLED_BACK)
    assert "no such library" in run.output


def test_is_no_valid_compose_file_to_the_hosts(breakable: Project) -> None:
    breakable.edit("compose.yaml", "    init: true\n", "    init: true\n    wibble: 1\n")
    with put_back(breakable):
        run = breakable.deploy().exits(ExitCode.ROLLED_BACK)
    assert "wibble" in run.output


def test_does_not_migrate(breakable: Project) -> None:
    """The migration runs, on one host, and its output is shown; nothing is switched."""
    breakable.web["deploy_migrate"] = """sh -c 'echo ran >>/uploads/failed-migrations; echo no such column; exit 1'"""
    breakable.write("www/index.html", "a page for the new column\n")
    with put_back(breakable):
        known = set(breakable.releases("web1"))
        run = breakable.deploy().exits(ExitCode.ROLLED_BACK)
        [new] = set(breakable.releases("web1")) - known
        assert "no such column" in ask(breakable.host("web1"), f"cat {breakable.root}/releases/{new}/migrate.log")
    assert [breakable.volume_file(host, "uploads", "failed-migrations") for host in WEB] == ["ran\n", None]
    assert "no such column" in run.output


def test_fails_on_one_host_of_three(breakable: Project) -> None:
    """Fine on web1, which serves it already when web2 fails: all go back, newest batch first."""
    break_on(breakable, "web2")
    with put_back(breakable, *NAMES):
        breakable.deploy().exits(ExitCode.ROLLED_BACK)
    assert breakable.container("web2", "web").started_at < breakable.container("web1", "web").started_at


def has_given_up(project: Project, host: str) -> bool:
    """Whether its watchdog has noted that it cannot put the host back; AssertionError if it has ended without that."""
    runs = "read -r pid _ <watchdog.pid && [ -d /proc/$pid ] && echo runs"
    found = ask(project.host(host), f"cd {project.root}/.deploy && {{ {runs} || echo ended; }} 2>/dev/null; cat phase")
    assert found.split() != ["ended", "switching"], "it has ended, and not noted how"
    return found.split()[-1] == "broken"


def break_on(project: Project, host: str) -> None:
    """A release that crashes on one host only."""
    project.edit("compose.yaml", "DEPLOY_RELEASE: ${DEPLOY_RELEASE:-dev}", "BREAK: ${BREAK:-no}")
    project.write("serve.sh", '[ "$BREAK" = no ] || exit 1\nexec httpd -f -p 8080 -h /www\n')
    project.host_variables[host] = {"deploy_env": {"BREAK": "yes"}}


def test_cannot_be_undone_on_one_host(breakable: Project) -> None:
    """Somebody has broken the file that web2 would go back with: the others are back, and web2 is named."""
    before = breakable.release()
    pins = f"{breakable.root}/releases/{before}/compose.release.yaml"
    ask(breakable.host("web2"), f"echo 'services: [' >>{pins}")
    kept = {path: (breakable.folder / path).read_text() for path in ("compose.yaml", "serve.sh")}
    break_on(breakable, "web2")
    with put_back(breakable, "web1", "db1", lost=["web2"]):
        run = breakable.deploy().exits(ExitCode.MIXED)
    assert f"next: deploy rollback lab --to {before} --limit web2" in run.stdout
    assert f"release {before} was edited on the host: compose.release.yaml" in run.output

    for path, text in kept.items():
        breakable.write(path, text)
    breakable.host_variables.clear()
    eventually(lambda: has_given_up(breakable, "web2"), within=400, what="its watchdog has tried thirty times")
    ask(breakable.host("web2"), f"sed -i '$d' {pins}")
    after = breakable.deployed()
    assert {host: breakable.container(host, "web").health for host in WEB} == dict.fromkeys(WEB, "healthy")
    assert breakable.serving() == dict.fromkeys(WEB, "first")
    assert after >= before


def test_first_release_broken(shop: Project) -> None:
    """There is nothing to go back to: what was started is stopped, and the next release is an ordinary first one."""
    shop.look_often()
    (shop.folder / "www" / "health").unlink()
    shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert shop.current() == dict.fromkeys(NAMES, "")
    assert {one.status for name in NAMES for one in shop.containers(name)} == {"exited"}
    assert [bool(shop.containers(name)) for name in NAMES] == [True, False, True], "web2's turn never came"
    assert marks(shop, "web1", shop.releases("web1")) == {"failed"}
    assert not any(is_locked(shop, name) for name in NAMES)
    volumes = {name: shop.volumes(name) for name in NAMES}
    migrated = shop.migrations()
    assert len(migrated) == 1

    shop.write("www/health", "ok\n")
    release = shop.deployed()
    assert shop.serving() == dict.fromkeys(WEB, "first")
    assert shop.migrations() == [*migrated, release], "the volume is the one of the release that failed"
    assert {name: {**shop.volumes(name), **volumes[name]} for name in NAMES} == {n: shop.volumes(n) for n in NAMES}


def test_check_does_not_see_that_it_will_crash_and_changes_nothing(breakable: Project) -> None:
    breakable.write("serve.sh", "exit 1\n")
    with untouched(breakable.fleet.hosts.values()):
        breakable.deploy("--check").exits(ExitCode.OK)
