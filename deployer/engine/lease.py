"""One run at a time: a lease on every host, with a token that fences off whoever has lost it.

Leases are folders `.deploy/lock.N`: making N + 1 is atomic, the highest number is the lease that counts. All times
are the host's own, so clocks that differ between machines change nothing.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict

from deployer.errors import CommandError, FencedError, LockHeldError
from deployer.model.lock import Holder, Lease
from deployer.protocols import Remote
from deployer.rollout.faults import explain

HELD = 75  # EX_TEMPFAIL of sysexits.h
FENCED = 76
WATCHDOG = "its own watchdog, which is putting the host back"

# What every script below knows; to be run in .deploy. A deployment does so dozens of times, hence as few programs as
# can be. A process is named by its id and the moment of its birth: its id may be given out again. A zombie has neither.
# `end` leaves nothing of a process group behind.
FUNCTIONS = """\
newest() {
  top=0
  for at in lock.*; do
    at=${at#lock.}
    case $at in '' | *[!0-9]*) ;; *) [ "$at" -le "$top" ] || top=$at ;; esac
  done
  [ "$top" = 0 ] || echo "$top"
}
expires() {
  at=
  read -r at 2>/dev/null <"lock.$1/expires" || :
  echo "${at:-$(($(stat -c %Y "lock.$1" 2>/dev/null || echo 0) + 30))}"
}
good() { [ -d "lock.$1" ] && [ ! -e "lock.$1/released" ] && [ "$(date +%s)" -lt "$(expires "$1")" ]; }
holder() { cat "lock.$1/holder" 2>/dev/null || echo '{}'; }
put() { cat >"$1.$$" && mv -fT "$1.$$" "$1"; }
born() {
  at=
  read -r at 2>/dev/null <"/proc/$1/stat" || :
  at=${at##*) }
  case $at in '' | [XZ]*) return 0 ;; esac
  set -- $at
  echo "${20}"
}
named() { echo "$1 $(born "$1")"; }
runs() { read -r pid at 2>/dev/null <"$1" && [ -n "$at" ] && [ "$(born "$pid")" = "$at" ]; }
end() {
  runs "$1" || return 0
  kill -s TERM -- "-$pid" 2>/dev/null || kill -s TERM "$pid" 2>/dev/null
  n=0
  while runs "$1" && [ $n -lt 30 ]; do sleep 0.1 2>/dev/null || sleep 1; n=$((n + 1)); done
  kill -s KILL -- "-$pid" 2>/dev/null || { runs "$1" && kill -s KILL "$pid" 2>/dev/null; }
  return 0
}
"""

# A watchdog that is putting the host back holds it; one that has died on the way (no systemd, and a reboot) is
# started again. The expiry is there before the lease is looked at by others, who wait 30 seconds for it.
_TAKE = """\
mkdir -p {root} && (umask 077; mkdir -p {room}) && cd {room} || exit 1
umask 077
{functions}
if [ -e armed ] || [ -e fired ]; then
  if ! runs watchdog.pid; then $(command -v setsid) sh ./watchdog </dev/null >/dev/null 2>&1 & fi
fi
if [ -e fired ]; then echo {watchdog}; exit {held}; fi
last=$(newest); last=${{last:-0}}
{only}if good "$last"; then holder "$last"; exit {held}; fi
token=$((last + 1))
mkdir "lock.$token" 2>/dev/null || {{ holder "$token"; exit {held}; }}
printf '%s\\n' {holder} | put "lock.$token/holder"
echo "$(($(date +%s) + {ttl}))" | put "lock.$token/expires"
[ "$(newest)" = "$token" ] || {{ rm -r "lock.$token"; holder "$(newest)"; exit {held}; }}
for old in lock.*; do [ "$old" = "lock.$token" ] || {{ end "$old/script"; rm -r -- "$old"; }}; done
if [ -e armed ]; then echo "$(($(date +%s) + {ttl}))" | put deadline; fi
if [ -e fired ]; then touch "lock.$token/released"; echo {watchdog}; exit {held}; fi
echo "$token"
"""
_ONLY_AFTER = """[ "$last" = {token} ] && touch "lock.$last/released" || {{ holder "$last"; exit {fenced}; }}\n"""


def take_lease(
    remote: Remote, root: str, holder: Holder, *, ttl: int, become: str | None, after: Lease | None = None
) -> Lease:
    """Take a project's lease on a host, ending what an older one's run has left running there.

    `after` is a lease that this run has lost: another is given only if nobody has had one since. Raises LockHeldError
    or FencedError, saying who has it, or CommandError.
    """
    only = _ONLY_AFTER.format(token=after.token, fenced=FENCED) if after else ""
    script = _TAKE.format(
        root=shlex.quote(root), room=_room(root), functions=FUNCTIONS, held=HELD, ttl=ttl, only=only,
        holder=shlex.quote(json.dumps(asdict(holder))), watchdog=shlex.quote(WATCHDOG),
    )  # fmt: skip
    result = remote.run(script, become=become, timeout=60)
    if result.status in (HELD, FENCED):
        told = result.stdout.strip()
        by = read_holder(told) or (WATCHDOG if told == WATCHDOG else "another run")
        raise held(remote.name, by) if result.status == HELD else fenced(remote.name, by)
    if not result.ok:
        fault = explain(result.stderr)
        raise CommandError(
            f"the lock could not be taken: {fault.message if fault else result.stderr.strip()}",
            status=result.status,
            host=remote.name,
            hint=fault.hint if fault else f"the login user must be able to write {root}, by itself or with sudo",
        )
    return Lease(root=root, token=int(result.stdout.split()[-1]), ttl=ttl)


def fence(lease: Lease) -> str:
    """Shell that ends the script it stands in with status FENCED unless the lease is the newest and still good.

    Who has another one is told on stderr.
    """
    return _within(lease, _unless_good(lease, 1))


def fence_within(lease: Lease) -> str:
    """The same for a script that is in the room already and knows `FUNCTIONS`."""
    return f"{_unless_good(lease, FENCED)}\n"


def admission(lease: Lease) -> str:
    """The fence of a script that changes the host: from now on it can be ended by whoever takes the host over.

    The script is named before its lease is looked at, and a lease is taken away before its script is looked for: so
    it either sees that, or is seen. One that an earlier connection has left running is ended first.
    """
    lock = f"lock.{lease.token}"
    return _within(
        lease, f"[ -d {lock} ] && end {lock}/script && named $$ | put {lock}/script\n{_unless_good(lease, 1)}"
    )


def renewal(lease: Lease) -> str:
    """Shell that renews a lease; a lease that has run out cannot be renewed."""
    return _within(
        lease, f'{{ {_is_good(lease)}; }} && echo "$(($(date +%s) + {lease.ttl}))" | put lock.{lease.token}/expires'
    )


def drop_lease(remote: Remote, lease: Lease, *, become: str | None) -> bool:
    """Give a lease back; False if it was not ours any more."""
    script = f"{fence(lease)}touch {_room(lease.root)}/lock.{lease.token}/released"
    return remote.run(script, become=become, timeout=60).ok


def break_lease(remote: Remote, root: str, *, become: str | None) -> bool:
    """Take the lease away from whoever has it: its next change on this host is refused."""
    script = f'cd {_room(root)} && {{\n{FUNCTIONS}touch "lock.$(newest)/released"; }}'
    return remote.run(script, become=become, timeout=60).ok


def held(host: str, holder: str | Holder, environment: str = "ENV") -> LockHeldError:
    """The error that says who holds a host and how to go on."""
    hint = f"wait with --lock-wait SECONDS; a dead run's lease ends by itself, or at once: deploy unlock {environment}"
    return LockHeldError(f"locked by {holder}", host=host, hint=hint)


def fenced(host: str, holder: str | Holder | None) -> FencedError:
    """The error that says that a host refuses this run's changes, and for whom."""
    why = f"was taken over by {holder}" if holder else "has run out"
    return FencedError(
        f"this run's lock {why}: nothing more is changed here", host=host, hint="look with deploy status ENV"
    )


def read_holder(text: str) -> Holder | None:
    """The holder as a lease names it; None if it cannot be read."""
    try:
        return Holder(**json.loads(text))
    except (ValueError, TypeError):
        return None


def _is_good(lease: Lease) -> str:
    return f'[ "$(newest)" = {lease.token} ] && good {lease.token}'


def _unless_good(lease: Lease, status: int) -> str:
    """Shell in the room that ends with a status, and says on stderr who holds it, unless the lease is good."""
    return f'{{ {_is_good(lease)}; }} || {{ holder "$(newest)" >&2; exit {status}; }}'


def _within(lease: Lease, check: str) -> str:
    """Shell that looks at the room, beside the script that it stands in, and ends that with FENCED if it says no."""
    return f"( cd {_room(lease.root)} || exit 1; umask 077\n{FUNCTIONS}{check} ) || exit {FENCED}\n"


def _room(root: str) -> str:
    return shlex.quote(f"{root}/.deploy")
