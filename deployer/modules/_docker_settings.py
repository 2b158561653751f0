"""The settings of a host's engine: what daemon.json shall say, and how a running engine takes it over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deployer.facts.docker import DAEMON_JSON, EngineSeen
from deployer.facts.files import FileSeen
from deployer.frozen import dataclass
from deployer.model.action import Action, Put, run
from deployer.modules import _docker_service as service
from deployer.modules._daemon_json import (
    RELOADABLE,
    changed_keys,
    merge,
    parse_settings,
    render_settings,
    with_rotation,
)
from deployer.modules._docker_states import is_at_least

LIVE_RESTORE = "live-restore"
_VALIDATES = (23, 0)  # the engine's version from which `dockerd --validate` exists


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings as they should be, and which of them differ from the host's."""

    wanted: Mapping[str, Any]
    changed: tuple[str, ...]
    live_restore: bool  # containers go on without the engine, once it has them

    @property
    def verb(self) -> service.Verb | None:
        """What makes a running engine take them over; None: there is nothing to take over."""
        if not self.changed:
            return None
        return "reload" if RELOADABLE.issuperset(self.changed) else "restart"


def settings_for(text: str | None, engine: EngineSeen, daemon: Mapping[str, Any], *, live_restore: bool) -> Settings:
    """What daemon.json shall say; raises HostRefusedError if nobody can read what it says now.

    `live_restore` is wanted beside `daemon`, unless that says otherwise.
    """
    foreign = engine.running and not engine.unit
    if foreign and not daemon:
        return Settings(wanted={}, changed=(), live_restore=False)  # its settings may be anywhere
    has = parse_settings(text)
    wanted = merge(has, {**({LIVE_RESTORE: True} if live_restore else {}), **daemon})
    if not engine.running:
        wanted = with_rotation(wanted)
    return Settings(wanted=wanted, changed=changed_keys(has, wanted), live_restore=wanted.get(LIVE_RESTORE) is True)


def plan_settings(
    settings: Settings, engine: EngineSeen, *, text: str | None, found: FileSeen | None
) -> Iterator[Action]:
    """Write daemon.json, if the engine would start with it; nothing if it says all that already."""
    changed = settings.changed
    if not changed:
        return
    new = render_settings(settings.wanted)
    if is_at_least(engine.version, _VALIDATES):
        yield run(
            "dockerd", "--validate", "--config-file=/dev/stdin", stdin=new,
            because="with settings that it refuses the engine would not start again",
        )  # fmt: skip
    before = None if text is None else text.encode(errors="surrogateescape")
    when = "not set as wanted" if engine.running else "to be set before the engine starts"
    because = f"{', '.join(changed)} {'is' if len(changed) == 1 else 'are'} {when}"
    mode = found.mode if found is not None and found.kind == "file" else 0o644
    yield Put(path=DAEMON_JSON, content=new.encode(errors="surrogateescape"), mode=mode, before=before, because=because)


def plan_start(init: str, engine: EngineSeen, settings: Settings, *, told: bool) -> Iterator[Action]:
    """Start the engine, now and at each boot, or let it take its settings over; `told`: it was told of them already."""
    if not engine.running:
        because = "Docker Engine does not run" if engine.version else "Docker Engine is to run, and to start at boot"
        yield from service.start(init, because)
        return
    if engine.unit == "disabled":
        yield service.at_boot(init, "Docker Engine would not start at boot")
    if settings.verb and not (told and settings.verb == "reload"):
        how = "takes these settings over as it runs" if settings.verb == "reload" else (
            "reads these settings only as it starts"
        )  # fmt: skip
        yield service.renew(init, settings.verb, f"the engine {how}: {', '.join(settings.changed)}")
