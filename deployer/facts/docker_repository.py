"""Docker's own package repository, as a host reaches it: asked only where a part of Docker is missing."""

from __future__ import annotations

import re
import shlex
from typing import ClassVar

from deployer.frozen import dataclass

CONNECT = 4  # seconds in which a repository must answer
WHOLE = 12  # seconds for one file of it
HOME = "https://download.docker.com/linux"

# apt's own helper goes the way that apt will go, proxies and certificates included.
_SCRIPT = """\
plugin() {
  for d in /usr/local/lib/docker /usr/local/libexec/docker /usr/lib/docker /usr/libexec/docker; do
    if [ -x "$d/cli-plugins/docker-$1" ]; then return 0; fi
  done
  return 1
}
[ ! -e /snap/bin/docker ] || exit 1
if { command -v dockerd || [ -S /run/docker.sock ]; } >/dev/null && plugin compose && plugin buildx; then exit 1; fi
ID= VERSION_ID= VERSION_CODENAME=
for f in /etc/os-release /usr/lib/os-release; do
  if [ -r "$f" ]; then . "$f"; break; fi
done
system=$ID suite=$VERSION_CODENAME arch=$(dpkg --print-architecture 2>/dev/null) || arch=$(uname -m)
case $ID in
  debian | raspbian | ubuntu) index=dists/$suite/InRelease ;;
  rhel | fedora) index=${VERSION_ID%%.*}/$arch/stable/repodata/repomd.xml ;;
  centos | rocky | almalinux | ol) system=centos index=${VERSION_ID%%.*}/$arch/stable/repodata/repomd.xml ;;
  *) exit 1 ;;
esac
base=@BASE@
base=${base:-@HOME@/$system}
get() {
  if [ -x /usr/lib/apt/apt-helper ]; then
    timeout @WHOLE@ /usr/lib/apt/apt-helper -o APT::Sandbox::User=root -o Acquire::Retries=0 \\
      -o Acquire::http::Timeout=@CONNECT@ -o Acquire::https::Timeout=@CONNECT@ download-file "$1" "$2"
  elif command -v curl >/dev/null; then curl -fsSL --connect-timeout @CONNECT@ --max-time @WHOLE@ -o "$2" "$1"
  elif command -v wget >/dev/null; then timeout @WHOLE@ wget -q -T @CONNECT@ -O "$2" "$1"
  else echo 'there is no curl and no wget'; return 1; fi 2>&1
}
dir=$(mktemp -d) || exit 1
trap 'rm -f -- "$dir/index" "$dir/key"; rmdir -- "$dir"' EXIT
problem= ; : >"$dir/key"
said=$(get "$base/gpg" "$dir/key") && said=$(get "$base/$index" "$dir/index") || problem=${said:-no answer in @WHOLE@ s}
there=$(grep -sF -- "$base" /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \\
  /etc/yum.repos.d/*.repo /dev/null | grep -v '^[^:]*:[[:space:]]*#' | sed 's/:.*//;q')
printf '%s\\n' "$base" "$suite" "$arch" "$there" "$(printf %s "$problem" | tr '\\n' ' ')"
head -c 100000 "$dir/key"
"""


@dataclass(frozen=True, kw_only=True)
class RepositorySeen:
    """A repository of Docker's layout that has packages for this host."""

    url: str  # without a slash at the end
    suite: str = ""  # the distribution's codename; empty with rpm
    arch: str = ""  # as the package manager calls it
    source: str = ""  # the host's file that names it already
    problem: str = ""  # why it is out of reach; empty: it answers, and knows this release of the distribution
    key: str = ""  # the file `gpg` in it: what packages shall be signed with, not believed yet


@dataclass(frozen=True)
class DockerRepository:
    """Docker's repository, or the one at `url`; None: nothing is missing here, or it has nothing for this system."""

    constant: ClassVar[bool] = False

    url: str | None = None

    def script(self) -> str:
        values = {"BASE": shlex.quote(self.url or ""), "HOME": HOME, "WHOLE": str(WHOLE), "CONNECT": str(CONNECT)}
        return re.sub("@([A-Z]+)@", lambda found: values[found.group(1)], _SCRIPT)

    def parse(self, output: str, status: int) -> RepositorySeen | None:
        if status != 0 or output.count("\n") < 5:
            return None
        url, suite, arch, source, problem, key = output.split("\n", 5)
        return RepositorySeen(url=url, suite=suite, arch=arch, source=source, problem=_why(problem, url), key=key)


def _why(problem: str, url: str) -> str:
    """The middle of what a downloader says, without its name and the address."""
    text = re.sub(rf"^.*?E: Failed to fetch |^curl: \(\d+\) |{re.escape(url)}\S*|E: Download Failed", "", problem)
    return " ".join(text.split())[:200] or problem.strip()
