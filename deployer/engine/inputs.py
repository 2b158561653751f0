"""What a module must know beside its arguments and the host: read here, so that modules stay decisions."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deployer.engine.ports import Language, Variables
from deployer.errors import Place, PlaybookError
from deployer.model.loaded import Loaded
from deployer.protocols import Module

MOST_FILES = 2000  # of a folder that `copy` takes
MOST_OF_A_FOLDER = 64 * 2**20  # bytes


def read_inputs(module: Module, language: Language, variables: Variables, *, place: Place) -> tuple[Module, bool]:
    """The module with the variables that it asks for in `given` and the file that its `reads` argument names.

    The file's bytes come in `loaded`: what is encrypted is opened, but for a module that says `decrypt: false`,
    templates are rendered. The second value says whether they are a secret. One that `keeps` a file here is told its
    `place`, and the digest of what is `kept` there. A relative path is looked for beside the playbook. Raises
    PlaybookError if there is no such file.
    """
    given: Mapping[str, str] = getattr(module, "given", {})  # field -> variable
    if given:
        told = {field: variables[name] for field, name in given.items() if name in variables}
        module = replace(module, **told)  # type: ignore[type-var]
    if getattr(module, "keeps", False):
        path = _beside(variables, module.here())  # type: ignore[attr-defined]
        module = replace(module, place=str(path.absolute()), kept=_digest(path))  # type: ignore[type-var]
    module = _with_variables(module, language, variables, place)
    return _with_file(module, language, variables, place)


def _beside(variables: Variables, path: str) -> Path:
    """A path of this machine; a relative one is looked for beside the playbook."""
    return Path(str(variables.get("playbook_dir", "."))) / Path(path).expanduser()


def _digest(path: Path) -> str | None:
    """The SHA-1 digest of a file of this machine; None: there is none that can be read."""
    try:
        return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
    except OSError:
        return None


def _with_variables(module: Module, language: Language, variables: Variables, place: Place) -> Module:
    """The module with the variables of its `source` if it `loads` any, templates as they are."""
    if not getattr(module, "loads", False):
        return module
    folder = str(variables.get("playbook_dir", "."))
    loaded, files = language.load_vars(module.source(), folder, place=place)  # type: ignore[attr-defined]
    return replace(module, loaded=loaded, files=files)  # type: ignore[type-var]


def _with_file(module: Module, language: Language, variables: Variables, place: Place) -> tuple[Module, bool]:
    name: str | None = getattr(module, "reads", None)
    source: Any = getattr(module, name) if name else None
    if not source:
        return module, False
    path = _beside(variables, source)
    if path.is_dir() and getattr(module, "reads_folders", False):
        return _with_folder(module, language, path, place)
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise PlaybookError(
            f"{path}: {wrong.strerror}", place=place, hint="paths are relative to the playbook"
        ) from None
    opened = language.decrypted(content, str(path)) if getattr(module, "decrypt", True) else content
    secret, content = opened is not content, opened
    if getattr(module, "templated", False):
        content = _rendered(module, content.decode(), language, variables, Place(str(path)))
    more = {"loaded_mode": stat.S_IMODE(path.stat().st_mode)} if hasattr(module, "loaded_mode") else {}
    return replace(module, loaded=content, **more), secret  # type: ignore[type-var]


def _with_folder(module: Module, language: Language, folder: Path, place: Place) -> tuple[Module, bool]:
    """The module with all that is in a folder; links are followed. Raises PlaybookError for too much of it."""
    tree: list[Loaded] = []
    size, secret = 0, False
    for path in sorted(folder.rglob("*")):
        if not (path.is_dir() or path.is_file()):
            raise PlaybookError(f"{path} is neither a file nor a folder", place=place, hint="leave it out of `src`")
        content = None if path.is_dir() else path.read_bytes()
        size += len(content or b"")
        if size > MOST_OF_A_FOLDER or len(tree) >= MOST_FILES:
            raise PlaybookError(
                f"{folder} holds more than {MOST_FILES} files or {MOST_OF_A_FOLDER >> 20} MB",
                place=place,
                hint="a project is synced by project_sync; archives travel with unarchive",
            )
        opened = content
        if content is not None and getattr(module, "decrypt", True):
            opened = language.decrypted(content, str(path))
            secret = secret or opened is not content
        tree.append(Loaded(str(path.relative_to(folder)), opened, stat.S_IMODE(path.stat().st_mode)))
    return replace(module, tree=tuple(tree)), secret  # type: ignore[type-var]


def _rendered(module: Module, text: str, language: Language, variables: Variables, place: Place) -> bytes:
    """A template file's content, with the options of Jinja2 that the module's arguments give."""
    given = {name: getattr(module, name) for name in getattr(module, "tuned", ())}
    options = {name: value for name, value in given.items() if value is not None}
    if "newline_sequence" in options:
        options["newline_sequence"] = options["newline_sequence"].replace("\\r", "\r").replace("\\n", "\n")
    encoding = getattr(module, getattr(module, "coded", ""), "utf-8")
    try:
        return language.render_file(text, variables, place=place, **options).encode(encoding)
    except UnicodeEncodeError as wrong:
        bad = wrong.object[wrong.start]
        hint = "use another output_encoding"
        raise PlaybookError(f"{bad!r} cannot be written in {encoding}", place=place, hint=hint) from None
