"""The variables that a project may set, each with its default: the lowest level of precedence, like role defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from deployer.frozen import dataclass
from deployer.model.action import HttpCheck
from deployer.model.login import Login

Names = tuple[str, ...] | None
Environment = Mapping[str, Any] | None


@dataclass(frozen=True)
class Setting:
    """One variable; `default` is what templates see when nobody sets it."""

    name: str
    default: Any
    meaning: str
    takes: Any = Any  # the type of its value, for the schema that editors use


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "deploy_project",
        None,
        "compose project name; by default `name:` of the compose file, or the folder's name",
        str | None,
    ),
    Setting("deploy_root", "/srv", "folder on the hosts; the project lives in `deploy_root/deploy_project`", str),
    Setting("deploy_source", ".", "the project's folder here, relative to where `deploy` is started", str),
    Setting(
        "deploy_compose_files",
        [],
        "compose files, relative to `deploy_source`; by default those that compose finds",
        Names,
    ),
    Setting("deploy_profiles", [], "compose profiles that are active", Names),
    Setting("deploy_services", [], "services that a host runs; by default all", Names),
    Setting(
        "deploy_env", {}, "environment of the project: a 0600 `.env` file that compose reads for `${NAME}`", Environment
    ),
    Setting("deploy_secrets", {}, "the same for secrets: their values appear in no output", Environment),
    Setting(
        "deploy_pull",
        "missing",
        "`missing` or `always`: when the registry is asked for images that are not built",
        Literal["missing", "always"],
    ),
    Setting(
        "deploy_migrate",
        "",
        "command that brings the database to the new release; run once, before the switch",
        str | None,
    ),
    Setting(
        "deploy_migrate_service", None, "service whose image runs it; by default the only one that is built", str | None
    ),
    Setting("deploy_migrate_timeout", 900, "seconds after which it has failed", float),
    Setting(
        "deploy_allow",
        [],
        "what is no reason to refuse, by what the refusal calls it: `volume-renamed`, `port-taken`, `build-argument` …",
        Names,
    ),
    Setting(
        "deploy_free_space",
        256,
        "megabytes that must stay free where releases and where Docker's images lie, or nothing is brought; 0: none",
        float,
    ),
    Setting(
        "deploy_registries",
        [],
        "logins for registries, `{server, username, password}`: used while images are built and pulled, and not kept "
        "on the host",
        tuple[Login, ...],
    ),
    Setting(
        "deploy_snapshot",
        [],
        "services whose database is kept before a new release may change it: names of Postgres services, or "
        "`{service, kind: volume, volume: NAME, mode: hot or cold}`",
        tuple[str | Mapping[str, Any], ...],
    ),
    Setting("deploy_snapshot_timeout", 3600, "seconds after which keeping or restoring one of them has failed", float),
    Setting("keep_snapshots", 5, "snapshots that stay, beside those of the releases that are on the host", int),
    Setting("deploy_known_hosts", [], "further known_hosts files, beside yours and the system's", Names),
    Setting("keep_releases", 5, "releases that stay on a host, with their images", int),
    Setting(
        "rollout_serial",
        [1, "100%"],
        "hosts that are switched at a time: number, percentage, or a list of both",
        int | str | tuple[int | str, ...],
    ),
    Setting(
        "rollout_bake",
        0,
        "seconds for which all switched hosts are watched before the next batch, and at the end",
        float,
    ),
    Setting(
        "rollout_pause_after",
        None,
        "number of the batch after which the rollout waits for `deploy promote`",
        int | None,
    ),
    Setting("gate_bake", 10, "seconds for which a new release must stay healthy", float),
    Setting("gate_patience", 120, "seconds in which every service must have become healthy", float),
    Setting(
        "gate_http",
        None,
        "request that each host makes itself: `url`, and if needed `status`, `contains` and more",
        HttpCheck | None,
    ),
    Setting(
        "rollout_on_failure",
        "rollback",
        "`rollback` all switched hosts, only the failing `batch`, or `halt`",
        Literal["rollback", "batch", "halt"],
    ),
    Setting(
        "confirm_timeout",
        None,
        "seconds after which an unconfirmed switch undoes itself; by default the gate's + 60",
        float | None,
    ),
    Setting("lock_ttl", 60, "seconds after which a dead run's lock ends by itself; a live run renews it", int),
    Setting(
        "docker_source",
        "auto",
        "where Docker comes from if it is missing: `docker`'s own repository, the `distro`'s packages, or `auto`; "
        "`existing` installs nothing: [docker.md](docker.md)",
        Literal["auto", "docker", "distro", "existing"],
    ),
    Setting(
        "docker_state",
        "present",
        "`present`, or `latest`: upgrade Docker's packages, while containers go on",
        Literal["present", "latest"],
    ),
    Setting(
        "docker_repository",
        None,
        "address of a mirror of Docker's repository: `https://mirror.example/linux/debian`",
        str | None,
    ),
    Setting(
        "docker_fingerprint",
        None,
        "fingerprint of the key that its packages are signed with; by default Docker's own",
        str | None,
    ),
    Setting(
        "docker_daemon", {}, "merged into /etc/docker/daemon.json: registry-mirrors, log-opts …", Mapping[str, Any]
    ),
)


def defaults() -> dict[str, Any]:
    """Every setting's default, by name."""
    return {setting.name: setting.default for setting in SETTINGS}
