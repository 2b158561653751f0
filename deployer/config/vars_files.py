"""`vars_files` of a play, for one host: the first file of each entry that is there; later ones win."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deployer.config.keywords import kind
from deployer.config.text import load_yaml
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import Place, PlaybookError
from deployer.model.playbook import Play


def load_vars_files(play: Play, render: Callable[[str], Any], folder: str, vault: Keyring = NO_KEYS) -> dict[str, Any]:
    """The variables of the files; paths may be templates over what is known of the host before the run.

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
