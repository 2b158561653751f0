"""Which paths of a project folder stay at home: `.gitignore` and `.deployignore`, nested, as git reads them.

The matching is pathspec's; walking the folder and what becomes of a path is `source_tree`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pathspec import GitIgnoreSpec
from pathspec.pattern import RegexPattern

from deployer.errors import Place, ProjectError
from deployer.frozen import dataclass

FILES = (".gitignore", ".deployignore")  # the later one wins
REPOSITORY = ".git"
FOLDER_MARK = "ps_d"  # pathspec's name for the slash after a folder that matches


@dataclass(frozen=True)
class Layer:
    """The patterns of one folder, and how a path of the project reads from there."""

    spec: GitIgnoreSpec
    above: str = ""  # from this folder down to the project, with a trailing slash
    below: int = 0  # length of the way from the project down to this folder, slash included

    def verdict(self, path: str) -> bool | None:
        """Whether the path is ignored; None if no pattern speaks of it."""
        asked = self.above + path[self.below :]
        patterns = reversed(tuple(self.spec.patterns))
        return next((p.include for p in patterns if p.include is not None and _means(p, asked)), None)


@dataclass(frozen=True)
class Rules:
    """The patterns in force in one folder of a project, the strongest layer first."""

    layers: tuple[Layer, ...] = ()
    first: tuple[Layer, ...] = ()  # stronger than every file

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Whether a path, relative to the project, stays at home; the folders above it are known not to."""
        if path.rpartition("/")[2] == REPOSITORY:
            return True
        asked = f"{path}/" if folder else path
        verdicts = (layer.verdict(asked) for layer in (*self.first, *self.layers))
        return next((verdict for verdict in verdicts if verdict is not None), False)

    def entering(self, project: Path, path: str) -> Rules:
        """The rules inside a folder of the project; `path` is relative, "" the project itself."""
        spec = _read(project / path)
        if spec is None:
            return self
        return replace(self, layers=(Layer(spec, below=len(path) + 1 if path else 0), *self.layers))


def load_rules(project: Path, exclude: Sequence[str] = ()) -> Rules:
    """The rules of a project's top folder: `exclude`, then its own files, then those of the repository around it.

    Raises ProjectError, with the line, for a pattern that means nothing.
    """
    first = (Layer(_compile(exclude, Path("exclude"))),) if exclude else ()
    return Rules(tuple(_surrounding(project.resolve())), first).entering(project, "")


def _surrounding(project: Path) -> Iterator[Layer]:
    """The layers of the repository's folders above the project, nearest first; none if they ignore the project."""
    top = next((folder for folder in (project, *project.parents) if (folder / REPOSITORY).exists()), project)
    layers = []
    for folder in project.parents if top != project else ():
        if spec := _read(folder):
            layers.append(Layer(spec, above=project.relative_to(folder).as_posix() + "/"))
        if folder == top:
            break
    # whoever deploys an ignored folder (a build's output) means what is in it
    return iter(() if Rules(tuple(layers)).ignores("", folder=False) else layers)


def _read(folder: Path) -> GitIgnoreSpec | None:
    specs = [
        _compile(file.read_text(errors="surrogateescape").splitlines(), file)
        for file in (folder / name for name in FILES)
        if file.is_file()
    ]
    return GitIgnoreSpec(pattern for spec in specs for pattern in spec.patterns) if specs else None


def _means(pattern: RegexPattern, path: str) -> bool:
    """Whether the pattern speaks of the path itself.

    pathspec's own verdict includes what lies in a folder that matches. Here folders have been asked before, and a
    folder that one file lets in must not overrule what another says of the files in it.
    """
    if pattern.regex is None:
        return False
    marked = FOLDER_MARK in pattern.regex.groupindex
    for found in pattern.regex.finditer(path):
        mark = found.start(FOLDER_MARK) if marked else -1
        inside = mark == -1 and path.endswith("/") and found.end() == len(path) > 1  # `a/**` is not about `a/`
        if mark == len(path) - 1 or (mark == -1 and not inside):
            return True
    return False


def _compile(lines: Sequence[str], file: Path) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        number = next(n for n in range(1, len(lines) + 1) if not _means_something(lines[n - 1]))
        raise ProjectError(
            f"{lines[number - 1]!r} is not a pattern that git knows",
            place=Place(str(file), number),
            hint="write it as in https://git-scm.com/docs/gitignore, or remove the line",
        ) from None


def _means_something(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
