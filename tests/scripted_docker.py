"""A host that is a folder, and its docker, which keeps its images in a file: for what the shell of modules does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from deployer.facts.releases import InstalledReleases
from deployer.model.action import Action, Link, Put, Script
from deployer.model.release import Installed, Release

DOCKER = """\
#!/bin/sh
# images: "name id" a line; `docker compose … config` prints config.yaml
cd "$DOCKER_STATE" || exit 64
echo "$*" >>calls
id_of() { awk -v name="$1" '$1 == name { print $2; found = 1 } END { exit !found }' images; }
case "$1 $2" in
"compose --project-name")
  case " $* " in
  *" config "*) [ -s config.yaml ] || { echo "yaml: no services" >&2; exit 15; }; cat config.yaml ;;
  *) exit 64 ;;
  esac ;;
"compose version") echo 2.26.1 ;;
"image inspect") [ "$3" = --format ] && shift 2; id_of "$3" || { echo "no such image: $3" >&2; exit 1; } ;;
"image tag") id=$(id_of "$3") && echo "$4 $id" >>images ;;
"image rm") id_of "$3" >/dev/null && { grep -v "^$3 " images >new; mv new images; echo "untagged: $3"; } ;;
"pull --quiet") echo "$3 sha-of-$3-now" >>images ;;
"system dial-stdio") read -r asked; echo "$asked" >>calls; printf 'HTTP/1.0 200 OK\\r\\n\\r\\n'; cat containers ;;
*) echo "unscripted: $*" >&2; exit 64 ;;
esac
"""
CONFIG = """\
name: shop
services:
  cache:
    image: redis:8
    networks:
      default: null
  db:
    environment:
      image: not-this-one
    image: postgres:17
volumes:
  db:
    image: nor-this-one
"""


class Host:
    """A folder as a host's /srv/shop, and a docker of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "srv" / "it's shop"
        self.state = folder / "docker"
        self.state.mkdir()
        self.release("r0")
        (self.state / "images").write_text("")
        (self.state / "config.yaml").write_text(CONFIG)
        program = folder / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(DOCKER)
        program.chmod(0o755)
        plugin = folder / ".docker" / "cli-plugins" / "docker-compose"
        plugin.parent.mkdir(parents=True)
        plugin.write_text('#!/bin/sh\necho plugin >>"$DOCKER_STATE/calls"; exec docker compose "$@"\n')
        plugin.chmod(0o755)
        path, config = f"{program.parent}:{os.environ['PATH']}", str(folder / ".docker")
        self.env = {
            **os.environ, "PATH": path, "DOCKER_CONFIG": config, "DOCKER_STATE": str(self.state),
            "DOCKER_HOST": "tcp://engine",  # so that no curl asks this machine's own
        }  # fmt: skip

    def release(self, name: str, **rest: Any) -> Release:
        made = Release(id=name, project="shop", root=str(self.root), compose_files=("compose.yaml",), **rest)
        Path(made.path).mkdir(parents=True, exist_ok=True)
        return made

    def images(self, *lines: str) -> None:
        (self.state / "images").write_text("".join(f"{line}\n" for line in lines))

    @property
    def tags(self) -> list[str]:
        return [line.split()[0] for line in (self.state / "images").read_text().splitlines()]

    @property
    def calls(self) -> list[str]:
        return (self.state / "calls").read_text().splitlines()

    def sh(self, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh"], input=f"set -eu\n{text}", capture_output=True, text=True, check=False, env=self.env
        )

    def apply(self, *actions: Action) -> subprocess.CompletedProcess[str]:
        """Perform scripts, files and links; the last one's outcome."""
        done = self.sh("true")
        for action in actions:
            if isinstance(action, Put):
                Path(action.path).write_bytes(action.content)
            elif isinstance(action, Link):
                Path(action.path).symlink_to(action.target)
            elif isinstance(action, Script):
                done = self.sh(action.text)
                assert done.returncode == 0, done.stderr
        return done

    def look(self) -> Installed:
        fact = InstalledReleases(str(self.root))
        done = self.sh(fact.script())
        return fact.parse(done.stdout, done.returncode)
