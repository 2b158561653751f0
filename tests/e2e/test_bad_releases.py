"""Releases that have a bad day: images that cannot be had, folders that were edited, neighbours, odd services."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
from host_state import ask
from put_back import put_back
from stage import Fleet
from story import Project, shop_on
from waiting import eventually

from deployer.errors import ExitCode
from deployer.lab.engine import ensure_engine
from deployer.lab.host import LabHost

HOST = "web1"
GUARDED = 5001  # port of the registry that asks who is there, here and on the host itself
WHERE_LOGINS_COULD_BE = "/root /home /run /dev/shm /tmp /var/tmp /srv /etc /var/log /var/lib/docker/buildkit"


@pytest.fixture
def host(lone_shop: Project) -> LabHost:
    return lone_shop.host(HOST)


# registries -----------------------------------------------------------------------------------------------------


@pytest.fixture
def login(lone_shop: Project, host: LabHost) -> Iterator[dict[str, str]]:
    """A registry that wants a login, at a loopback address of the host, where Docker asks for no certificate."""
    user, password = "ci", f"Pull.{secrets.token_hex(8)}"
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    config = (
        "version: 0.1\nstorage: {filesystem: {rootdirectory: /var/lib/registry}}\n"
        f"http: {{addr: ':{GUARDED}'}}\nauth: {{htpasswd: {{realm: lab, path: /tmp/htpasswd}}}}\n"
    )
    script = f"printf '%s' '{user}:{hashed}' >/tmp/htpasswd; printf '%s' \"{config}\" >/tmp/guarded.yml; "
    registry = ensure_engine(print).containers.get(f"deployer-lab-{lone_shop.fleet.lab.name}-registry")
    registry.exec_run(["sh", "-c", f"{script}exec docker-registry serve /tmp/guarded.yml"], detach=True)
    proxy = f"/usr/lib/systemd/systemd-socket-proxyd {lone_shop.fleet.registry}:{GUARDED}"
    ask(host, f"systemd-run --quiet --unit=story-registry systemd-socket-activate -l 127.0.0.1:{GUARDED} {proxy}")
    server = f"127.0.0.1:{GUARDED}"
    asked = f"curl --silent --output /dev/null --user {user}:{password} http://{server}/v2/"
    eventually(lambda: host.exec(asked)[0] == 0, within=20, what="the guarded registry answers")
    yield {"server": server, "username": user, "password": password}
    ask(host, "systemctl stop story-registry")


def pulls(project: Project, image: str) -> None:
    """Let the shop serve with an image from a registry instead of one of its own."""
    project.edit("compose.yaml", "    build: .\n", f"    image: {image}\n    command: sleep 1d\n")
    text = (project.folder / "compose.yaml").read_text()
    start = text.index("    healthcheck:")
    project.write("compose.yaml", text[:start] + text[text.index("  db:", start) :])


def test_images_that_cannot_be_pulled_and_a_login_that_is_not_left(
    lone_shop: Project, host: LabHost, login: dict[str, str], tmp_path: Path
) -> None:
    compose = (lone_shop.folder / "compose.yaml").read_text()
    server = login["server"]
    known, guarded = f"{lone_shop.fleet.registry}:5000/library/busybox:nope", f"{server}/library/busybox:1"
    down, here = "127.0.0.1:9/shop/web:1", f"in the inventory: - {{server: {server},"
    for image, said, typed in (
        (known, "has no such image or tag", "check the name in the compose file"),
        (down, "127.0.0.1:9 cannot be reached from the host: connection refused", "on the host: docker pull"),
        (guarded, f"{server} refuses it without a login, or with this one", f"set deploy_registries {here}"),
    ):
        lone_shop.write("compose.yaml", compose)
        pulls(lone_shop, image)
        refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
        assert f"image {image}: " in refused.stdout
        assert said in refused.stdout
        assert typed in refused.stdout
    assert lone_shop.containers(HOST) == ()

    lone_shop.variables["deploy_registries"] = [{**login, "password": "wrong-password"}]
    refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert f"image {guarded}: {server} refuses it" in refused.stdout
    lone_shop.variables["deploy_registries"] = [{**login, "password": "{{ lookup('env', 'PULL_PASSWORD') }}"}]
    env = {"PULL_PASSWORD": login["password"]}
    lone_shop.command("lab", "-vv", env=env).exits(ExitCode.OK)
    assert lone_shop.container(HOST, "web").status == "running"

    lone_shop.write("compose.yaml", compose)
    lone_shop.edit("Dockerfile", "FROM busybox:1", f"FROM {guarded}")
    ask(host, f"docker image rm {guarded}")
    lone_shop.command("lab", "--output=json", env=env).exits(ExitCode.OK)
    assert lone_shop.page(HOST) == "first"
    assert_forgotten(host, login["password"], "wrong-password")
    for word in (login["password"], "wrong-password"):
        assert word not in "".join(run.output for run in lone_shop.runs)


def assert_forgotten(host: LabHost, *passwords: str) -> None:
    """No file of the host holds one of the passwords, as it is or as Docker writes it, nor a folder made for it."""
    words = "".join(f"{text}\n" for one in passwords for text in (one, one.encode().hex()))
    encoded = f"printf '%s' 'ci:{passwords[0]}' | base64"
    found = host.exec(f'grep -rlsF -e {" -e ".join(passwords)} -e "$({encoded})" {WHERE_LOGINS_COULD_BE}')[1]
    assert found == "", words and found
    assert (
        host.exec("ls -d /run/deployer-login-* /dev/shm/deployer-login-* /root/.docker/config.json 2>/dev/null")[1]
        == ""
    )


# what somebody did to a release ---------------------------------------------------------------------------------


def test_edited_releases_and_images_that_are_gone(lone_shop: Project, host: LabHost) -> None:
    lone_shop.edit(
        "compose.yaml",
        "DEPLOY_RELEASE: ${DEPLOY_RELEASE:-dev}",
        "DEPLOY_RELEASE: ${DEPLOY_RELEASE:-dev}\n      EDITED: 'no'",
    )
    first = lone_shop.deployed()
    assert lone_shop.status().stdout.count("edited") == 0
    folder = f"{lone_shop.root}/releases/{first}/project"
    ask(
        host,
        f"cd {folder} && sed -i \"s/EDITED: 'no'/EDITED: 'yes'/\" compose.yaml && rm www/health && touch www/new",
    )
    assert "edited on the host: compose.yaml, www/health (removed)" in lone_shop.status().stdout

    lone_shop.write("www/index.html", "second\n")
    second = lone_shop.deployed()
    assert "edited" not in lone_shop.status().stdout, "what serves now is as it came"
    with put_back(lone_shop):
        refused = lone_shop.rollback().exits(ExitCode.ROLLED_BACK)
    assert f"release {first} was edited on the host: compose.yaml, www/health (removed)" in refused.stdout
    warned = lone_shop.rollback("-e", "deploy_allow=release-edited").exits(ExitCode.OK)
    assert "they are taken as they are" in warned.stderr
    assert lone_shop.container(HOST, "web").environment["EDITED"] == "yes"

    lone_shop.write("www/index.html", "third\n")
    lone_shop.deployed()
    image = f"{lone_shop.name}-web:{second}".lower()
    ask(host, f"docker image rm {image}")
    assert f"image {image} of the release before is gone: going back, it would be built from its own tree" in (
        lone_shop.status().stdout
    )
    rebuilt = lone_shop.rollback().exits(ExitCode.OK)
    assert f"image {image} is gone" in rebuilt.output
    assert lone_shop.page(HOST) == "second"

    ask(host, f"docker image rm --force {image}")
    lone_shop.write("serve.sh", "exit 1\n")
    named = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert f"name the image of {lone_shop.name}-web-1 {image} again" in named.output
    assert lone_shop.page(HOST) == "second"
    assert lone_shop.release() == second


# neighbours -----------------------------------------------------------------------------------------------------


@pytest.fixture
def neighbour(fleet: Fleet, lone_shop: Project, tmp_path: Path) -> Iterator[Project]:
    room = tmp_path / "neighbour"
    room.mkdir()
    shop = shop_on(fleet.only(HOST), f"{lone_shop.name}-too", room)
    shop.web["deploy_migrate"] = ""
    yield shop
    shop.end()


def test_neighbours_and_environments_on_one_host(lone_shop: Project, neighbour: Project) -> None:
    """Another project is left alone, its name beginning with this one's; another environment is not let in."""
    neighbour.variables["keep_releases"] = lone_shop.variables["keep_releases"] = 1
    neighbour.deployed()
    before = (neighbour.all_containers(), neighbour.release(), neighbour.volumes(HOST))
    lone_shop.deployed()
    lone_shop.write("serve.sh", "exit 1\n")
    lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert (neighbour.all_containers(), neighbour.release(), neighbour.volumes(HOST)) == before
    assert neighbour.page(HOST) == "first"

    neighbour.write_inventory()
    shutil.copy(neighbour.inventory, neighbour.inventory.with_name("staging.yml"))
    with put_back(neighbour):
        refused = neighbour.command("staging").exits(ExitCode.ROLLED_BACK)
    assert "of environment lab, and this is staging: they would share containers and volumes" in refused.stdout
    assert f"deploy_project: {neighbour.name}-staging" in refused.stdout
    assert "deployed for lab" in neighbour.command("status", "staging").stdout
    other = f"{neighbour.name}-staging"
    neighbour.command("staging", "-e", f"deploy_project={other}").exits(ExitCode.OK)
    assert neighbour.all_containers() == before[0]
    ask(neighbour.host(HOST), f"docker rm --force {other}-web-1")


# services that are not like others ------------------------------------------------------------------------------

ODD = """\
  once:
    image: busybox:1
    command: sh -c 'echo done'
  plain:
    image: busybox:1
    command: sleep 1d
    init: true
    labels: {story: "1"}
  deaf:
    image: busybox:1
    command: sh -c 'trap "" TERM; while :; do sleep 1; done'
    stop_grace_period: 1s
    labels: {story: "1"}

  db:
    image"""


def test_odd_services(lone_shop: Project) -> None:
    """One that ends well, one without a health check, one that is deaf to SIGTERM; then two that fail."""
    lone_shop.edit("compose.yaml", "  db:\n    image", ODD)
    services = ["web", "once", "plain", "deaf"]
    lone_shop.web["deploy_services"] = services
    lone_shop.deployed()
    states = {one.service: one.status for one in lone_shop.containers(HOST)}
    assert states == {"web": "running", "once": "exited", "plain": "running", "deaf": "running"}
    assert lone_shop.deploy("--output=json").exits(ExitCode.OK).actions == ()
    deaf = lone_shop.container(HOST, "deaf")
    text = (lone_shop.folder / "compose.yaml").read_text()
    lone_shop.write("compose.yaml", text.replace('story: "1"', 'story: "2"'))
    good = lone_shop.deployed()
    assert lone_shop.container(HOST, "deaf").id != deaf.id

    lone_shop.edit("compose.yaml", "echo done", "echo no such file; exit 7")
    failed = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert "once ended with status 7" in failed.stdout
    assert "no such file" in failed.output
    lone_shop.edit("compose.yaml", "echo no such file; exit 7", "echo done")
    lone_shop.edit(
        "compose.yaml", "    command: sleep 1d\n", "    command: sh -c 'sleep 0.3; exit 5'\n    restart: always\n"
    )
    failed = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert "plain restarted" in failed.stdout
    assert lone_shop.release() == good
    assert lone_shop.container(HOST, "plain").status == "running"


def test_compose_that_is_too_old(lone_shop: Project) -> None:
    text = (lone_shop.folder / "compose.yaml").read_text()
    lone_shop.write("compose.yaml", f"{text}\nmodels:\n  llm:\n    model: ai/smollm2\n")
    refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert "is too old for `models`: it came with 2.38" in refused.stdout
    assert "bring Compose 2.38 or later to the host" in refused.stdout
    assert lone_shop.containers(HOST) == ()
