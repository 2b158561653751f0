"""`git`: a checkout on the host. What there is, and what the repository has, is the fact's to say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from deployer.facts.git import Checkout, CheckoutSeen, git_environment, git_function, without_login
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError, check_absolute
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("git")
@dataclass(frozen=True, kw_only=True)
class Git:
    """Make sure that a folder is a checkout of a version of a git repository, with the host's git.

    Changed files and commits that no remote has are never thrown away, unless `force` says so. `register` gives the
    commits as `before` and `after`. User and password in the URL are given to its server alone: they show in no process
    list, and do not stand in the checkout's `.git/config`.

    Examples:
        - name: The texts of the site
          git:
            repo: https://example.org/shop.git
            dest: /srv/shop

        - name: A library in one version
          git:
            repo: https://example.org/library.git
            dest: /srv/library
            version: v1.4.0
            depth: 1
    """

    aliases: ClassVar[Mapping[str, str]] = {"name": "repo"}

    repo: str  # URL, as `git clone` takes it
    dest: str  # absolute path of the checkout
    version: str = "HEAD"  # branch, tag or commit; HEAD is the repository's own branch
    remote: str = "origin"  # what the repository is called in the checkout
    update: bool = True  # false: leave a checkout that is there as it is
    clone: bool = True  # false: make none where there is none
    force: bool = False  # throw away changed files and commits of this checkout
    depth: int | None = None  # only so many commits
    single_branch: bool = False  # only the version's history
    recursive: bool = True  # submodules too
    key_file: str | None = None  # absolute path of a private key on the host
    accept_hostkey: bool = False  # believe the key of a server that is not known yet
    accept_newhostkey: bool = False  # the same

    def __post_init__(self) -> None:
        check_absolute("dest", self.dest)
        if self.key_file is not None:
            check_absolute("key_file", self.key_file)
        if self.repo.startswith("-") or not self.repo:
            raise ArgumentRefusedError(f"repo: {self.repo!r} is none", hint="such as https://example.org/shop.git")
        if not re.fullmatch(r"(?!-)[^\s~^:?*\[\\]+", self.version):
            raise ArgumentRefusedError(
                f"version: {self.version!r} is none", hint="a branch, a tag or a whole commit id"
            )
        if not re.fullmatch(r"\w[\w.-]*", self.remote):
            raise ArgumentRefusedError(f"remote: {self.remote!r} is no name", hint="such as origin")

    def facts(self) -> tuple[Fact[Any], ...]:
        return (self._fact(),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        found = seen[self._fact()]
        if not found.git:
            raise HostRefusedError("there is no git on this host", hint="install it first: package: {name: git}")
        if not found.head:
            yield from self._clone(found)
        elif self.update:
            yield from self._update(found)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The commits before and after."""
        found = seen[self._fact()]
        after = found.head
        if done:
            printed = done[-1].output.split()
            after = printed[-1] if done[-1].status == 0 and printed else found.wanted
        moved = bool(found.url) and found.url != self._url and self.update
        return {"before": found.head or None, "after": after or None, "remote_url_changed": moved}

    def _clone(self, found: CheckoutSeen) -> Iterator[Action]:
        if not self.clone:
            return
        if found.occupied:
            raise HostRefusedError(
                f"{self.dest} is there and is no checkout", hint=f"move it away by hand: mv {self.dest} {self.dest}.old"
            )
        self._check_wanted(found)
        branch = ["--branch", self.version] if found.kind in ("branch", "tag") else []
        depth = ["--depth", str(self.depth)] if self.depth else []
        single = ["--single-branch"] if self.single_branch else ["--no-single-branch"] if self.depth else []
        clone = ["clone", "--quiet", "--origin", self.remote, *branch, *depth, *single, "--", self._url, self.dest]
        text = f"git {shlex.join(clone)}\ncd -- {shlex.quote(self.dest)}\n"
        if found.kind == "commit":
            text += f"{self._fetch_commit(depth)}git checkout --quiet --detach {self.version}\n"
        yield self._script(text, label=f"git clone {self._url} to {self.dest}", because=f"{self.dest} is no checkout")

    def _update(self, found: CheckoutSeen) -> Iterator[Action]:
        if found.modified and not self.force:
            raise HostRefusedError(
                f"Local modifications exist in the destination: {self.dest} (force=no)",
                hint="commit them elsewhere, or say force: true to throw them away",
            )
        self._check_wanted(found)
        if found.head == found.wanted and found.url == self._url and not found.modified:
            return
        if found.branch and found.ahead and not self.force:
            raise HostRefusedError(
                f"{self.dest} has {found.ahead} commit(s) that {self.remote} has not",
                hint="push them, or say force: true to leave them behind",
            )
        depth = ["--depth", str(self.depth)] if self.depth else []
        text = f"cd -- {shlex.quote(self.dest)}\n"
        if found.url != self._url:
            text += f"git {shlex.join(['remote', 'set-url' if found.url else 'add', self.remote, self._url])}\n"
        text += f"git {shlex.join(['fetch', '--quiet', '--tags', '--force', *depth, self.remote])}\n"
        text += self._switch(found, depth)
        yield self._script(text, label=f"git update {self.dest} to {self.version}", because=self._why(found))

    def _switch(self, found: CheckoutSeen, depth: list[str]) -> str:
        """Shell that checks the version out, in a clean checkout or by force."""
        if found.kind == "branch":
            there = f"refs/remotes/{self.remote}/{self.version}"
            fetch = ["fetch", "--quiet", *depth, self.remote, f"+refs/heads/{self.version}:{there}"]
            checkout = ["checkout", "--quiet", "--force", "-B", self.version, there]
            return f"git {shlex.join(fetch)}\ngit {shlex.join(checkout)}\n"
        if found.kind == "HEAD" and found.branch:
            return f"git {shlex.join(['reset', '--quiet', '--hard', found.wanted])}\n"
        prefix = self._fetch_commit(depth) if found.kind == "commit" else ""
        return f"{prefix}git checkout --quiet --force --detach {found.wanted}\n"

    def _fetch_commit(self, depth: list[str]) -> str:
        """Shell that fetches a commit which came with no branch."""
        fetch = shlex.join(["fetch", "--quiet", *depth, self.remote, self.version])
        return f"git cat-file -e {self.version}^{{commit}} 2>/dev/null || git {fetch}\n"

    def _script(self, text: str, *, label: str, because: str) -> Script:
        submodules = (
            "[ ! -e .gitmodules ] || git submodule --quiet update --init --recursive\n" if self.recursive else ""
        )
        return Script(
            text=f"{git_function(self.repo)}\n{text}{submodules}git rev-parse HEAD", label=label, because=because,
            env=git_environment(self.repo, self._ssh()), answers=True, timeout=1800,
        )  # fmt: skip

    def _check_wanted(self, found: CheckoutSeen) -> None:
        if found.error:
            raise HostRefusedError(
                f"{self._url} gives no answer: {found.error}", hint="can this host reach it, and may it read it?"
            )
        if not found.wanted:
            raise HostRefusedError(f"{self._url} has no {self.version}", hint="a branch, a tag or a whole commit id")

    def _why(self, found: CheckoutSeen) -> str:
        if found.modified:
            return f"{found.modified} file(s) are changed, and force is asked for"
        return (
            f"it is at {found.head[:12]}" if found.head != found.wanted else f"the remote is {found.url or 'another'}"
        )

    @property
    def _url(self) -> str:
        return without_login(self.repo)

    def _ssh(self) -> str:
        key = f" -i {shlex.quote(self.key_file)} -o IdentitiesOnly=yes" if self.key_file else ""
        accept = " -o StrictHostKeyChecking=accept-new" if self.accept_hostkey or self.accept_newhostkey else ""
        return f"ssh -o BatchMode=yes{key}{accept}"

    def _fact(self) -> Checkout:
        return Checkout(repo=self.repo, dest=self.dest, version=self.version, remote=self.remote, ssh=self._ssh())
