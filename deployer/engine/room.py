"""The tool's own room on a host, `.deploy`: the journal, the open rollout, and the watchdog that undoes a switch.

Only text is made here; who sends it is `engine.guard`. Files in the room:
  journal.jsonl   what was done, one object a line, flushed to disk before and after each step
  rollout         the open rollout as one JSON object; phase beside it: how far this host has come
  undo            the shell script that puts the host back
  armed           it shall be run at `deadline` (host's clock) unless this is renamed to `confirmed` before the
                  watchdog renames it to `fired`: whoever renames it has won
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from deployer.engine.lease import FENCED, FUNCTIONS

GONE_BACK = 77  # what is asked comes too late: the watchdog has begun

# in the room: journal '"event":"x"'
JOURNAL = """\
flush() { sync "$@" 2>/dev/null || sync; }
journal() {
  printf '{"at":"%s",%s}\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" >>journal.jsonl
  flush journal.jsonl
}
"""

# A deadline that cannot be read has passed. The lease is taken away before the run's script is looked for, and both
# before anything is undone: a dead run's `docker compose up` must not race with the undo.
WATCHDOG = """\
# Puts this host back to its last release unless the new one is confirmed before the deadline.
cd {room} || exit 0
umask 077
{functions}{journal}
runs watchdog.pid && exit 0
named $$ | put watchdog.pid
undo() {{
  lock=lock.$(newest)
  touch "$lock/released" 2>/dev/null
  end "$lock/script"
  journal '"event":"watchdog fired"'
  n=0
  until sh ./undo >undo.log 2>&1; do
    n=$((n + 1))
    [ $n -lt {tries} ] || break
    sleep 1
  done
  if [ $n -lt {tries} ]; then word=undone; else word=broken; fi
  echo "$word" | put phase
  journal "\\"event\\":\\"watchdog: $word\\""
  rm -f fired
}}
while :; do
  if [ -e fired ]; then undo; break; fi
  if ! [ -e armed ]; then
    rm -f watchdog.pid  # before the last look: whoever arms anew sees that it must start another one, or is seen
    [ -e armed ] || break
    named $$ | put watchdog.pid
  fi
  due=
  read -r due 2>/dev/null <deadline || :
  if ! [ "$(date +%s)" -lt "$due" ] 2>/dev/null; then mv armed fired; continue; fi
  sleep 1
done
rm -f watchdog.pid
if [ -e {path} ] && [ ! -e armed ]; then
  rm -f {link} {path}
fi
"""
TRIES = 30
SYSTEMD = "/run/systemd/system"  # is there where systemd runs
UNITS = "/etc/systemd/system"
WANTS = "multi-user.target.wants"

UNIT = """\
[Unit]
Description=deployer: goes back to the last release unless the new one is confirmed
After=docker.service

[Service]
ExecStart=/bin/sh "{room}/watchdog"
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""


def unit_name(project: str) -> str:
    return f"deployer-watchdog-{project}"


def unit_files(project: str) -> tuple[str, str]:
    """The unit's file and the link that starts it at boot, quoted for the shell.

    Both are written and removed by hand: `systemctl enable` and `disable` read all units of the host anew each time.
    """
    file = f"{unit_name(project)}.service"
    return shlex.quote(f"{UNITS}/{file}"), shlex.quote(f"{UNITS}/{WANTS}/{file}")


def enter(root: str) -> str:
    """Shell that goes to the room and knows how to write its journal; whatever fails from now on ends it."""
    return f"cd {shlex.quote(root)}/.deploy || exit {FENCED}\nset -e\numask 077\n{FUNCTIONS}{JOURNAL}"


def journal_line(**fields: object) -> str:
    """Shell that writes one line to the journal; to be run in the room."""
    inner = json.dumps(fields, separators=(",", ":"))[1:-1]
    return f"journal {shlex.quote(inner)}\n"


def opening(rollout: Mapping[str, object], *, again: bool, timeout: int) -> str:
    """Shell that opens a rollout on a host: nothing is switched yet; or, `again`, all stands as it was left."""
    told = shlex.quote(json.dumps(rollout, separators=(",", ":")))
    start = (
        _prolong(timeout) if again else "[ ! -e armed ] || exit 1\nrm -f confirmed staged\necho prepared | put phase\n"
    )
    event = "rollout taken up" if again else "rollout begun"
    note = journal_line(event=event, run=rollout["run"], release=rollout["release"], previous=rollout["previous"])
    return f"{_unless_fired()}{start}printf '%s\\n' {told} | put rollout\n{note}"


def arming(project: str, root: str, undo: str, timeout: int) -> str:
    """Shell that arms the undo, to be run in `timeout` seconds unless it is renewed or confirmed; again: anew."""
    room, name = f"{root}/.deploy", shlex.quote(unit_name(project))
    path, link = unit_files(project)
    wants = shlex.quote(f"{UNITS}/{WANTS}")
    watchdog = WATCHDOG.format(
        room=shlex.quote(room), path=path, link=link, functions=FUNCTIONS, journal=JOURNAL, tries=TRIES
    )
    told = UNIT.format(room=room.replace("%", "%%"))
    return (
        f"{_unless_fired()}printf '%s' {shlex.quote(undo)} | put undo\n"
        f"printf '%s' {shlex.quote(watchdog)} | put watchdog\n"
        f"rm -f confirmed\n{_set_deadline(timeout)}echo switching | put phase\n"
        f"{journal_line(event='armed', seconds=timeout)}"
        "touch armed && flush undo watchdog deadline phase armed .\n"
        f"if [ -d {SYSTEMD} ] && [ -w {shlex.quote(UNITS)} ]; then\n"
        f"  printf '%s' {shlex.quote(told)} >{path} && chmod 644 {path} || exit 1\n"
        f"  mkdir -p {wants} && ln -sf {path} {link} && flush {path} {wants} || exit 1\n"
        f'  [ "$(systemctl show --property=NeedDaemonReload --value {name} 2>/dev/null)" != yes ] || '  # one of before
        "systemctl daemon-reload\n"
        f"  systemctl restart {name} 2>/dev/null || "
        f"{{ systemctl daemon-reload && systemctl restart {name}; }} || exit 1\n"
        "else\n"
        "  $(command -v setsid) sh ./watchdog </dev/null >/dev/null 2>&1 &\n"
        "fi\n"
    )


def staging() -> str:
    """Shell that notes that all that goes before the batches is done on every host: it can be finished from now on."""
    return f"touch staged\n{journal_line(event='staged')}"


def prolonging(root: str, timeout: int) -> str:
    """Shell that moves the deadline, wherever it stands; harmless where nothing is armed."""
    return f"( cd {shlex.quote(root)}/.deploy || exit 1; umask 077\n{FUNCTIONS}{_prolong(timeout)})\n"


def readying(timeout: int) -> str:
    """Shell that asks whether a host may be confirmed: it is armed, and has time enough left."""
    return f"{_unless_fired()}{_if_armed()}{_prolong(timeout)}{journal_line(event='ready')}"


def confirming(project: str) -> str:
    """Shell that disarms the undo; it fails if the watchdog was faster."""
    return f"{_if_armed()}{_disarm()}echo switched | put phase\n{journal_line(event='confirmed')}{_leave(project)}"


def closing(project: str, event: str) -> str:
    """Shell that ends a rollout on a host: nothing of it stays but the journal."""
    return (
        f"{_disarm()}{_leave(project)}{journal_line(event=event)}"
        "rm -f confirmed rollout phase staged undo undo.log deadline watchdog watchdog.pid\n"
    )


def handing_over() -> str:
    """Shell that lets the watchdog begin now; only where it waits."""
    return f"[ -e armed ] || exit 1\necho 0 | put deadline\n{journal_line(event='handed over to the watchdog')}"


def pausing(project: str, stage: str) -> str:
    """Shell that notes that a rollout waits to be promoted or aborted."""
    words = " ".join(stage.split())
    return (
        f'{_disarm()}{_leave(project)}word=$(cut -d " " -f 1 phase)\n'
        f"printf '%s paused %s\\n' \"$word\" {shlex.quote(words)} | put phase\n"
        f"{journal_line(event='paused', after=words)}"
    )


def _set_deadline(timeout: int) -> str:
    return f'echo "$(($(date +%s) + {timeout}))" | put deadline\n'


def _prolong(timeout: int) -> str:
    return f"[ ! -e armed ] || {_set_deadline(timeout)}"


def _unless_fired() -> str:
    return f"[ ! -e fired ] || exit {GONE_BACK}\n"


def _if_armed() -> str:
    return f"[ -e armed ] || grep -q '^switched' phase || exit {GONE_BACK}\n"


def _disarm() -> str:
    """Whoever renames `armed` has won."""
    return f"[ ! -e armed ] || mv armed confirmed 2>/dev/null || exit {GONE_BACK}\n{_unless_fired()}"


def _leave(project: str) -> str:
    """Shell that ends the watchdog, which has nothing to wait for any more."""
    path, link = unit_files(project)
    return (
        f"if [ -e {path} ]; then systemctl stop {shlex.quote(unit_name(project))} >/dev/null 2>&1 || true; "
        f"rm -f {link} {path}; fi\n"
    )
