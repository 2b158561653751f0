"""A project's folder as a commit holds it, written from git's objects: neither work tree nor index is touched.

Contents are the commit's bytes: no filter, no line ending and no attribute changes them.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from deployer.config.git import GITLINK, Checkout, git, own_environment
from deployer.config.ignore import FILES, REPOSITORY
from deployer.errors import ProjectError
from deployer.frozen import dataclass

CHUNK = 256 * 1024  # bytes
LINK, EXECUTABLE = "120000", "100755"


@dataclass(frozen=True)
class _Blob:
    """A file, link or submodule of a commit."""

    mode: str
    object: str
    path: str


@dataclass(frozen=True, kw_only=True)
class _Commit:
    """A commit, seen from a folder of its repository."""

    top: Path
    prefix: str  # from there to the folder, without a slash at the end
    id: str
    branch: str | None
    time: int

    def blobs(self) -> list[_Blob]:
        """What the folder holds; raises ProjectError if the commit has no such folder."""
        try:
            return list(_listed(git(self.top, "ls-tree", "-r", "-z", "--full-tree", f"{self.id}:{self.prefix}")))
        except subprocess.SubprocessError:
            hint = f"git log --oneline -- {self.prefix} shows the commits that have it"
            raise ProjectError(f"commit {self.id[:10]} has no folder {self.prefix}", hint=hint) from None

    def ignore_files(self) -> list[_Blob]:
        """The ignore files of the folders above, whose rules hold in the folder too."""
        above = [str(folder) for folder in PurePosixPath(self.prefix).parents] if self.prefix else []
        names = [os.path.normpath(f"{folder}/{name}") for folder in above for name in FILES]
        found = _listed(git(self.top, "ls-tree", "-z", "--full-tree", self.id, "--", *names)) if names else ()
        return [blob for blob in found if blob.mode not in (LINK, GITLINK)]


def export(folder: Path, ref: str, room: Path) -> tuple[Path, Checkout]:
    """Write the folder as `ref` has it into `room`, under its own name; where it is, and of which commit.

    Submodules are left as empty folders, and named. Raises ProjectError if there is no repository, commit or folder,
    or git has not all of it.
    """
    commit = _find(folder, ref)
    top = room / (commit.top.name or "project")
    (top / REPOSITORY).mkdir(parents=True)  # ends the search for rules further up
    inside = top / commit.prefix
    inside.mkdir(parents=True, exist_ok=True)
    blobs = commit.blobs()
    try:
        with _objects(commit.top) as objects:
            _write(objects, commit, commit.ignore_files(), top)
            _write(objects, commit, blobs, inside)
    except OSError as error:
        raise ProjectError(
            f"commit {commit.id[:10]} cannot be written to {room}: {(error.strerror or str(error)).lower()}",
            hint=f"df -h {room}; TMPDIR names another place",
        ) from None
    submodules = tuple(blob.path for blob in blobs if blob.mode == GITLINK)
    return inside, Checkout(commit=commit.id, branch=commit.branch, submodules=submodules)


def _find(folder: Path, ref: str) -> _Commit:
    try:
        top = Path(git(folder, "rev-parse", "--show-toplevel"))
        prefix = git(folder, "rev-parse", "--show-prefix").removesuffix("/")
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", b"") or b"").decode(errors="replace").strip() or str(error)
        raise ProjectError(
            f"--ref {ref}: git cannot read {folder}: {said.removeprefix('fatal: ')}",
            hint="deploy_source must lie in the repository that has the commit; without --ref the folder is deployed",
        ) from None
    try:
        if ref.startswith("-"):
            raise ValueError
        name = git(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        full = git(folder, "rev-parse", "--symbolic-full-name", ref)
        time = git(folder, "rev-list", "-1", "--format=%ct", name).splitlines()[-1]
    except (ValueError, subprocess.SubprocessError):
        hint = "git fetch --all --tags, if it was made elsewhere; git log --oneline --all shows the commits"
        raise ProjectError(f"--ref {ref}: the repository {top} has no such commit", hint=hint) from None
    branch = full.removeprefix("refs/heads/") if full.startswith("refs/heads/") else None
    return _Commit(top=top, prefix=prefix, id=name, branch=branch, time=int(time))


def _listed(text: str) -> Iterator[_Blob]:
    for entry in filter(None, text.split("\0")):
        about, _, path = entry.partition("\t")
        mode, _, name = about.split(" ")
        yield _Blob(mode, name, path)


@contextmanager
def _objects(top: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One git that answers for all objects."""
    with subprocess.Popen(
        ["git", "-C", str(top), "cat-file", "--batch"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=own_environment(),
    ) as process:  # fmt: skip
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _write(objects: subprocess.Popen[bytes], commit: _Commit, blobs: Iterable[_Blob], folder: Path) -> None:
    """The blobs below a folder, links last: so no file is ever written through one."""
    for blob in sorted(blobs, key=lambda one: one.mode == LINK):
        path = folder / blob.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if blob.mode == GITLINK:
            path.mkdir()
        elif blob.mode == LINK:
            os.symlink(b"".join(_content(objects, blob)), os.fsencode(path))
        else:
            with open(path, "xb") as file:
                file.writelines(_content(objects, blob))
            path.chmod(0o755 if blob.mode == EXECUTABLE else 0o644)
        os.utime(path, (commit.time, commit.time), follow_symlinks=False)
    for made in {parent for blob in blobs for parent in (folder / blob.path).parents if folder in parent.parents}:
        made.chmod(0o755)


def _content(objects: subprocess.Popen[bytes], blob: _Blob) -> Iterator[bytes]:
    asked, answers = _pipes(objects)
    asked.write(f"{blob.object}\n".encode())
    asked.flush()
    head = answers.readline().split()
    if len(head) != 3:
        hint = "git fetch, or git fsck: the repository is not whole"
        raise ProjectError(f"git has not the content of {blob.path!r}", hint=hint)
    left = int(head[2])
    while left:
        chunk = answers.read(min(CHUNK, left))
        if not chunk:
            raise ProjectError(f"git ended in the middle of {blob.path!r}", hint="git fsck: is the repository whole?")
        left -= len(chunk)
        yield chunk
    answers.read(1)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
