"""Logins for registries around a piece of shell: there while it runs, gone from the host when it has ended."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Sequence

from deployer.model.login import Login

# In memory where that is to be had: then not even a host that loses its power keeps it. What an earlier run of the
# same project has left behind (it was killed) goes first; its lease is gone, or this one would not be here. Plugins
# that lie in the user's own folder are found there still, and buildx keeps its state where it always does.
_AROUND = """\
umask 077
for room in /run /dev/shm "${{TMPDIR:-/tmp}}"; do [ -d "$room" ] && [ -w "$room" ] && break; done
forget() {{ rm -f -- "$1"/* "$1"/.[!.]* && rmdir -- "$1" || :; }}
for left in "$room/deployer-login-{project}".*; do [ ! -d "$left" ] || forget "$left"; done
own=${{DOCKER_CONFIG:-${{HOME:-/root}}/.docker}}
DOCKER_CONFIG=$(mktemp -d "$room/deployer-login-{project}.XXXXXXXX")
BUILDX_CONFIG=${{BUILDX_CONFIG:-$own/buildx}}
export DOCKER_CONFIG BUILDX_CONFIG
trap 'forget "$DOCKER_CONFIG"' EXIT
trap 'exit 1' HUP INT PIPE TERM
printf '%s\\n' {config} >"$DOCKER_CONFIG/config.json"
[ ! -d "$own/cli-plugins" ] || ln -s "$own/cli-plugins" "$DOCKER_CONFIG/cli-plugins"
"""


def with_logins(logins: Sequence[Login], project: str, text: str) -> str:
    """The shell with these logins, in a folder of mode 0700 that is removed however it ends; without any, as it is.

    `printf` is the shell's own: no password is ever among a program's arguments.
    """
    logins = [one for one in logins if not one.lacks]  # going back may be had without what the environment lacks
    if not logins:
        return text
    config = json.dumps({"auths": {one.key: {"auth": _encoded(one)} for one in logins}})
    return f"{_AROUND.format(project=project, config=shlex.quote(config))}{text}"


def _encoded(login: Login) -> str:
    return base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
