"""What a deployment tidies up, and what it re-creates: old releases, moved services, changed environments."""

from __future__ import annotations

import pytest
from host_state import ask, untouched
from put_back import put_back
from stage import WEB
from story import Project

from deployer.errors import ExitCode

PAGE = "www/index.html"
GREETING = "DEPLOY_RELEASE: ${DEPLOY_RELEASE:-dev}\n      GREETING: ${GREETING:-none}"


def tags(project: Project, host: str) -> set[str]:
    """The releases that images of the project's web service are named for."""
    listing = ask(project.host(host), f"docker image ls --format '{{{{.Tag}}}}' {project.name}-web")
    return set(listing.split())


def test_old_releases_go_and_nothing_else(breakable: Project) -> None:
    """Two of four releases stay, with their images; another project's name for an old image stays, too."""
    breakable.variables |= {"keep_releases": 2, "rollout_serial": "100%"}
    foreign = f"another-shop-web:{breakable.release().lower()}"
    ask(breakable.host("web1"), f"docker image tag {breakable.container('web1', 'web').image} {foreign}")
    volumes, database = breakable.volumes("web1"), breakable.container("db1", "db")
    made = [breakable.release()]
    for number in range(1, 4):
        breakable.write(PAGE, f"page {number}\n")
        made.append(breakable.deployed())
        assert set(made[-2:]) <= set(breakable.releases("web1")), "the current one and the one to go back to"
    for host in (*WEB, "db1"):
        assert breakable.releases(host) == made[-2:]
    for host in WEB:
        assert tags(breakable, host) == {release.lower() for release in made[-2:]}
    assert ask(breakable.host("web1"), f"docker image inspect --format '{{{{.Id}}}}' {foreign}").startswith("sha256:")
    assert breakable.volumes("web1") == volumes
    assert breakable.container("db1", "db") == database, "its image outlives the release that pulled it"

    breakable.rollback().exits(ExitCode.OK)
    assert breakable.release() == made[-2]
    assert breakable.serving() == dict.fromkeys(WEB, "page 2")


@pytest.mark.usefixtures("keepsake")
def test_failed_releases_count_and_never_push_out_the_one_to_go_back_to(breakable: Project) -> None:
    breakable.variables |= {"keep_releases": 1, "rollout_serial": "100%"}
    breakable.write(PAGE, "good\n")
    good = breakable.deployed()
    breakable.write("serve.sh", "exit 1\n")
    breakable.deploy().exits(ExitCode.ROLLED_BACK)
    breakable.write("serve.sh", "exec httpd -f -p 8080 -h /www\n")
    breakable.write(PAGE, "better\n")
    better = breakable.deployed()
    assert [breakable.releases(host) for host in WEB] == [[good, better]] * 2
    breakable.rollback().exits(ExitCode.OK)
    assert breakable.release() == good


def test_changed_environment_alone_is_a_release(breakable: Project) -> None:
    breakable.edit("compose.yaml", "DEPLOY_RELEASE: ${DEPLOY_RELEASE:-dev}", GREETING)
    breakable.variables["rollout_serial"] = "100%"
    seen = {}
    for word in ("hello", "good evening"):
        breakable.web["deploy_env"] = {"GREETING": word}
        breakable.deployed()
        seen[word] = {host: breakable.container(host, "web") for host in WEB}
        assert {one.environment["GREETING"] for one in seen[word].values()} == {word}
    database = breakable.container("db1", "db")
    assert not {one.id for one in seen["hello"].values()} & {one.id for one in seen["good evening"].values()}
    assert {seen[word]["web1"].image_id for word in seen} == {seen["hello"]["web1"].image_id}, "the same image"

    breakable.rollback().exits(ExitCode.OK)
    for host in WEB:
        assert breakable.container(host, "web").environment["GREETING"] == "hello"
        assert ask(breakable.host(host), f"stat -c %a {breakable.root}/current/.env") == "600\n"
    assert breakable.container("db1", "db") == database


def test_service_that_a_host_no_longer_runs_goes_and_its_volume_stays(breakable: Project) -> None:
    breakable.write_volume_file("web2", "uploads", "left.txt", "still here")
    volumes = breakable.volumes("web2")
    breakable.host_variables["web2"] = {"deploy_services": ["db"]}
    breakable.deployed()
    assert [one.service for one in breakable.containers("web2")] == ["db"]
    assert breakable.volumes("web2").items() >= volumes.items()
    assert breakable.volume_file("web2", "uploads", "left.txt") == "still here"
    assert [one.service for one in breakable.containers("web1")] == ["web"]

    breakable.rollback().exits(ExitCode.OK)
    assert [(one.service, one.health) for one in breakable.containers("web2")] == [("web", "healthy")]
    assert breakable.volume_file("web2", "uploads", "left.txt") == "still here"


def test_service_without_a_health_check_is_watched_and_left_alone(breakable: Project) -> None:
    clock = "  clock:\n    image: busybox:1\n    command: sleep 1d\n    init: true\n    restart: unless-stopped\n\n"
    breakable.edit("compose.yaml", "  db:\n    image", f"{clock}  db:\n    image")
    breakable.web["deploy_services"] = ["web", "clock"]
    breakable.deployed()
    clocks = [breakable.container(host, "clock") for host in WEB]
    assert [(one.status, one.health) for one in clocks] == [("running", None)] * 2
    with untouched(breakable.fleet.hosts.values()):
        assert breakable.deploy("--output=json").exits(ExitCode.OK).actions == ()
    ask(breakable.host("web2"), f"docker kill {clocks[1].id} && docker rm {clocks[1].id}")
    breakable.deploy().exits(ExitCode.OK)
    assert breakable.container("web1", "clock") == clocks[0]
    assert breakable.container("web2", "clock").status == "running"


def test_service_that_only_a_failed_release_had_is_gone_again(breakable: Project) -> None:
    """Going back takes away what the earlier release's compose file does not even name."""
    alarm = "  alarm:\n    image: busybox:1\n    command: sh -c 'exit 1'\n    restart: unless-stopped\n\n"
    breakable.edit("compose.yaml", "  db:\n    image", f"{alarm}  db:\n    image")
    breakable.web["deploy_services"] = ["web", "alarm"]
    with put_back(breakable, "web1"):
        breakable.deploy().exits(ExitCode.ROLLED_BACK)
