"""A git checkout on a host, and what its repository has for it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import unquote

from deployer.frozen import dataclass

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

_LOGIN = re.compile(r"(?P<scheme>https?://)(?P<login>[^/?#]*)@(?P<host>[^/?#@]+)")
_HELPER = """!f() { printf 'username=%s\\npassword=%s\\n' "$DEPLOY_GIT_USER" "$DEPLOY_GIT_PASSWORD"; }; f"""

_SCRIPT = """\
command -v git >/dev/null && echo git=yes
[ -e "$dest" ] && [ -n "$(ls -A -- "$dest")" ] && echo occupied=yes
if [ -e "$dest/.git" ]; then
  echo "head=$(git -C "$dest" rev-parse --verify HEAD)"
  echo "branch=$(git -C "$dest" symbolic-ref --quiet --short HEAD)"
  echo "url=$(git -C "$dest" config --get "remote.$remote.url")"
  echo "modified=$(git -C "$dest" status --porcelain --untracked-files=no | wc -l)"
  echo "ahead=$(git -C "$dest" rev-list --count HEAD --not --remotes --tags)"
fi
"""
_ASK = """\
if refs=$(git ls-remote -- "$repo" HEAD "refs/heads/$version" "refs/tags/$version" "refs/tags/$version^{}" 2>&1); then
  printf '%s\\n' "$refs" | sed 's/^\\([0-9a-f]*\\)\\t/ref \\1 /'
else
  printf '%s\\n' "$refs" | sed 's/^/error=/'
fi
"""


def without_login(repo: str) -> str:
    """The URL as it may stand in a process list and in `.git/config`."""
    found = _LOGIN.match(repo)
    return f"{found['scheme']}{found['host']}{repo[found.end() :]}" if found else repo


def git_environment(repo: str, ssh: str) -> Mapping[str, str]:
    """What git is told that nobody else may see, and how it calls ssh; it asks no person."""
    found = _LOGIN.match(repo)
    user, _, password = found["login"].partition(":") if found else ("", "", "")
    login = {"DEPLOY_GIT_USER": unquote(user), "DEPLOY_GIT_PASSWORD": unquote(password)} if found else {}
    return {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": ssh, **login}


def git_function(repo: str) -> str:
    """Shell that defines `git` as one that gives the URL's login to its server, and to no other."""
    options = ["-c", "safe.directory=*", "-c", "advice.detachedHead=false"]
    if found := _LOGIN.match(repo):
        helper = f"credential.{found['scheme']}{found['host']}.helper="
        options += ["-c", helper, "-c", helper + _HELPER]
    return f'git() {{ command git {shlex.join(options)} "$@"; }}'


@dataclass(frozen=True, kw_only=True)
class CheckoutSeen:
    """A folder that is or shall be a checkout."""

    git: bool = True  # the host has git
    occupied: bool = False  # something is in the folder
    head: str = ""  # commit that is checked out; empty: it is no checkout
    branch: str = ""  # empty: none, HEAD is detached
    url: str = ""  # of the remote
    modified: int = 0  # files that are tracked and changed
    ahead: int = 0  # commits that no remote and no tag has
    wanted: str = ""  # the commit that the repository has for the version; empty: it has none, or was not asked
    kind: str = ""  # of the version there: branch, tag, HEAD
    error: str = ""  # why the repository has given no answer


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """What is in a folder, and which commit a repository has for a version; always an answer.

    The repository is asked over the network, by the host and without any question to a person.
    """

    constant: ClassVar[bool] = False

    repo: str  # URL; what it says before an @ is told to that server alone, and shows in no process list
    dest: str
    version: str = "HEAD"
    remote: str = "origin"
    ssh: str = "ssh -o BatchMode=yes"  # how git calls ssh

    def script(self) -> str:
        values = {"repo": without_login(self.repo), "dest": self.dest, "version": self.version, "remote": self.remote}
        lines = [f"{name}={shlex.quote(value)}" for name, value in values.items()]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in git_environment(self.repo, self.ssh).items()]
        lines.append(git_function(self.repo))
        ask = "" if COMMIT.fullmatch(self.version) else _ASK
        return "\n".join(lines) + f"\n{_SCRIPT}{ask}true"

    def parse(self, output: str, status: int) -> CheckoutSeen:
        lines = output.splitlines()
        said = dict(line.split("=", 1) for line in lines if re.match(r"[a-z]+=", line))
        refs = {name: commit for _, commit, name in (line.split(" ", 2) for line in lines if line.startswith("ref "))}
        kind, wanted = self._found(refs)
        return CheckoutSeen(
            git="git" in said, occupied="occupied" in said, head=said.get("head", ""), branch=said.get("branch", ""),
            url=said.get("url", ""), modified=int(said.get("modified", "0")), ahead=int(said.get("ahead") or "0"),
            wanted=wanted, kind=kind, error=said.get("error", ""),
        )  # fmt: skip

    def _found(self, refs: dict[str, str]) -> tuple[str, str]:
        """What the version is in the repository, and its commit."""
        if COMMIT.fullmatch(self.version):
            return "commit", self.version
        if self.version == "HEAD":
            return "HEAD", refs.get("HEAD", "")
        for kind, name in (("branch", "heads/{}"), ("tag", "tags/{}^{{}}"), ("tag", "tags/{}")):
            if found := refs.get("refs/" + name.format(self.version)):
                return kind, found
        return "", ""
