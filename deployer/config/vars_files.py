"""Files of variables: `vars_files` of a play for one host, and those of a folder that `include_vars` names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deployer.config.keywords import kind
from deployer.config.text import load_yaml
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import Place, PlaybookError
from deployer.model.playbook import Play
from deployer.model.vars_source import VarsSource


def load_vars_files(play: Play, render: Callable[[str], Any], folder: str, vault: Keyring = NO_KEYS) -> dict[str, Any]:
    """The variables of the files, the first of each entry that is there, later ones winning; paths may be
    templates over what is known of the host before the run.

    Raises PlaybookError if none of an entry's files is there, and for one that is no mapping.
    """
    found: dict[str, Any] = {}
    for alternatives in play.vars_files:
        names = [str(render(one)) for one in alternatives]
        places = [Path(folder, below, name) for name in names for below in ("vars", "")]
        path = next((one for one in places if one.is_file()), None)
        if path is None:
            raise PlaybookError(
                f"vars_files: {' or '.join(names)}: there is no such file",
                place=play.place,
                hint="paths are relative to the playbook; a list in the list means: the first that exists",
            )
        found |= load_vars(path, vault)
    return found


def load_vars(path: Path, vault: Keyring = NO_KEYS) -> dict[str, Any]:
    """The variables of one file; raises PlaybookError if it is no mapping."""
    content = load_yaml(path, error=PlaybookError, vault=vault)
    if not isinstance(content, Mapping | None):
        hint = "write `name: value` lines"
        message = f"a file of variables must be a mapping, got {kind(content)}"
        raise PlaybookError(message, place=Place(str(path)), hint=hint)
    return dict(content or {})


def files_in(folder: Path, source: VarsSource, place: Place) -> list[Path]:
    """The files of a folder and below that `source` means, by the folders' names, then by their own.

    Raises PlaybookError for what is no folder, and for a file of another extension unless these are passed over.
    """
    if not folder.is_dir():
        raise PlaybookError(f"{folder}: there is no such folder", place=place, hint="`dir` is relative to its own file")
    walked = sorted((Path(root), sorted(names)) for root, _, names in os.walk(folder, followlinks=True))
    levels = source.depth or float("inf")
    near = [(root, names) for root, names in walked if len(root.relative_to(folder).parts) < levels]
    found = [root / name for root, names in near for name in names if _is_meant(name, source)]
    for path in found:
        if path.suffix[1:] not in source.extensions and not source.ignores_others:
            expected = ", ".join(source.extensions)
            hint = "leave it out with ignore_files, or all such with ignore_unknown_extensions: true"
            raise PlaybookError(f"{path} does not end with one of: {expected}", place=place, hint=hint)
    return [path for path in found if path.suffix[1:] in source.extensions]


def _is_meant(name: str, source: VarsSource) -> bool:
    if source.matching and not re.search(source.matching, name):
        return False
    return not any(re.search(f"{pattern}$", name) for pattern in source.ignored)
