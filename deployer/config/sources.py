"""What a release is made from: a project's folder as it is now, or as a git commit has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployer.config.compose_file import load_compose
from deployer.config.digests import Digests
from deployer.config.git import Checkout, read_checkout
from deployer.config.git_tree import export
from deployer.config.source_tree import IGNORE_FILE, load_tree, named
from deployer.errors import DeployerError, Place, ProjectError
from deployer.frozen import dataclass
from deployer.model.tree import Entry, Tree

ENV_FILE = ".env"
OWN_FOLDERS = ("/inventories/", "/playbooks/", "/.lab/")  # the tool's, with secrets maybe: in no release, in no image


@dataclass(frozen=True, kw_only=True)
class Ref:
    """The commit that is meant instead of the folder."""

    name: str  # as git understands it
    room: Path  # a folder of this run's own, for what the commit holds


@dataclass(frozen=True, kw_only=True)
class Source:
    """A project's files."""

    folder: Path  # where they are read
    tree: Tree
    checkout: Checkout
    ref: str | None = None
    left_out: tuple[str, ...] = ()  # what stays at home, folders with a slash at the end

    @contextmanager
    def errors(self) -> Iterator[None]:
        """An error that is raised inside names a commit's files as git does, not where they are read."""
        with _named_as(self.folder, self.ref):
            yield


class Sources:
    """The sources of one run; each folder is read once."""

    def __init__(self, ref: Ref | None = None) -> None:
        self._ref = ref
        self._known: dict[Path, Source] = {}

    def read(self, folder: Path) -> Source:
        """What would travel from a folder; raises ProjectError for what cannot, or is not there."""
        folder = folder.expanduser().resolve()
        if folder not in self._known:
            if not folder.is_dir():
                raise ProjectError(
                    f"{folder} is no folder", hint="set deploy_source to the folder with the compose file"
                )
            self._known[folder] = self._read(folder)
        return self._known[folder]

    def _read(self, folder: Path) -> Source:
        if self._ref is None:
            return self._taken(folder, read_checkout(folder))
        room = self._ref.room / str(len(self._known))
        room.mkdir()
        inside, checkout = export(folder, self._ref.name, room)
        with _named_as(inside, self._ref.name):
            return self._taken(inside, checkout, self._ref.name)

    def _taken(self, folder: Path, checkout: Checkout, ref: str | None = None) -> Source:
        load_compose(folder)  # a folder without one is refused before thousands of files are read
        left: list[str] = []
        digests = Digests(folder) if ref is None else None  # a commit's files have just been written
        tree = load_tree(folder, exclude=OWN_FOLDERS, on_left=left.append, digests=digests)
        if digests:
            digests.close()
        _check_submodules(tree, checkout, folder)
        return Source(
            folder=folder, tree=_with_env_file(tree), checkout=checkout, ref=ref, left_out=tuple(sorted(left))
        )


def _with_env_file(tree: Tree) -> Tree:
    """A project without an `.env` of its own finds the release's there: `env_file: .env` works as it does at home."""
    if ENV_FILE in tree.by_path:
        return tree
    link = Entry(path=ENV_FILE, kind="link", mode=0o777, target=f"../{ENV_FILE}")
    return Tree(tuple(sorted((*tree.entries, link), key=lambda entry: entry.path)))


def _check_submodules(tree: Tree, checkout: Checkout, folder: Path) -> None:
    """Refuse submodules of which only the empty folder is here."""
    filled = {entry.path.rpartition("/")[0] for entry in tree.entries} if checkout.submodules else set()
    empty = [path for path in checkout.submodules if path in tree.by_path and path not in filled]
    if empty:
        raise ProjectError(
            f"submodule {named(empty)} is an empty folder here",
            hint=f"git submodule update --init --recursive, or leave it out in {folder / IGNORE_FILE}",
        )


@contextmanager
def _named_as(folder: Path, ref: str | None) -> Iterator[None]:
    try:
        yield
    except DeployerError as error:
        if ref is not None:
            _rename(error, str(folder), ref)
        raise


def _rename(error: DeployerError, folder: str, ref: str) -> None:
    def of_commit(text: str) -> str:
        return text.replace(f"{folder}/", f"{ref}:").replace(folder, f"commit {ref}")

    error.message = of_commit(error.message)
    if error.place:
        error.place = Place(of_commit(error.place.path), error.place.line, error.place.column)
    if error.hint and folder in error.hint:
        error.hint = f"{of_commit(error.hint)}; --ref takes what the commit holds, without it the folder is deployed"
