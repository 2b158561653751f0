"""A host with one project, and the project's source, for tests of the sync."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deployer.config.source_tree import load_tree
from deployer.engine.sync import apply_sync
from deployer.facts.releases import InstalledReleases
from deployer.model.action import Sync
from deployer.model.connection import Result
from deployer.model.release import Installed, Release
from deployer.model.release_json import release_digest
from deployer.modules.project_sync import ProjectSync
from deployer.protocols import Remote

ENV = {"SECRET": "it's $ecret"}


@dataclass
class Host:
    """A host with one project, and the project's source."""

    remote: Remote
    root: Path
    source: Path
    deploys: int = 0

    def look(self) -> Installed:
        fact = InstalledReleases(str(self.root))
        result = self.remote.run(fact.script())
        assert len(result.stdout) < 4096
        assert result.stderr == ""
        return fact.parse(result.stdout, result.status or 0)

    def plan(self, name: str | None = None) -> list[Sync]:
        """The actions that bring the source as it is now; a new id for new content, as the playbook makes it."""
        tree = load_tree(self.source)
        blank = Release(id="", project="shop", root=str(self.root), compose_files=("compose.yaml",))
        digest = release_digest(tree.digest, blank, ENV)
        seen = self.look()
        same = seen.serving and seen.serving.digest == digest
        name = name or (seen.current if same else f"2026010{self.deploys + 1}T000000Z-abcdef{self.deploys}")
        module = ProjectSync(
            source=str(self.source), tree=tree, release=replace(blank, id=name or "", digest=digest), env=ENV
        )
        (fact,) = module.facts()
        return list(module.plan({fact: seen}))  # type: ignore[arg-type, list-item]

    def deploy(self, **rest: Any) -> tuple[Path, Result]:
        (action,) = self.plan()
        result = apply_sync(self.remote, action, **rest)
        self.switch(action.release.id)
        return Path(action.release.path), result

    def switch(self, name: str) -> None:
        self.deploys += 1
        (self.root / "current").unlink(missing_ok=True)
        (self.root / "current").symlink_to(f"releases/{name}")

    def sent(self, work: Callable[[], Any]) -> int:
        """Bytes that the work puts on the wire."""
        before = self.remote.traffic().bytes_out
        work()
        return self.remote.traffic().bytes_out - before

    def leftovers(self) -> list[str]:
        return [path.name for path in (self.root / "releases").glob(".*")]


def mode(path: Path) -> str:
    return oct(path.lstat().st_mode & 0o7777)


def inode(path: Path) -> int:
    return path.lstat().st_ino


class OnPath:
    """A remote whose programs are those of one folder."""

    def __init__(self, remote: Remote, folder: Path) -> None:
        self._remote = remote
        self._path = f"PATH={folder}; export PATH\n"

    def run(self, script: str, **more: Any) -> Result:
        return self._remote.run(self._path + script, **more)

    def stream(self, script: str, source: Any, **more: Any) -> Result:
        return self._remote.stream(self._path + script, source, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._remote, name)


def arrived(host: Host, release: Path) -> bool:
    """Whether all is as in the source, the files' times too; busybox's tar leaves folders and links their own."""
    here, there = load_tree(host.source), load_tree(release / "project")
    files = [[entry for entry in tree.entries if entry.kind == "file"] for tree in (here, there)]
    return here.digest == there.digest and files[0] == files[1]
