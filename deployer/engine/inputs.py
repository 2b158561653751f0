"""Files of this machine that a module's arguments name: read here, so that modules stay decisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from deployer.engine.ports import Language, Variables
from deployer.errors import Place, PlaybookError
from deployer.protocols import Module


def read_inputs(module: Module, language: Language, variables: Variables, *, place: Place) -> tuple[Module, bool]:
    """The module with the file that its `reads` argument names, as bytes in `loaded`; and whether that is a secret.

    What is encrypted is opened, but for a module that says `decrypt: false`; templates are rendered. A relative path
    is looked for beside the playbook. Raises PlaybookError if there is no such file.
    """
    name: str | None = getattr(module, "reads", None)
    source: Any = getattr(module, name) if name else None
    if not source:
        return module, False
    path = Path(str(variables.get("playbook_dir", "."))) / Path(source).expanduser()
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise PlaybookError(
            f"{path}: {wrong.strerror}", place=place, hint="paths are relative to the playbook"
        ) from None
    opened = language.decrypted(content, str(path)) if getattr(module, "decrypt", True) else content
    secret, content = opened is not content, opened
    if getattr(module, "templated", False):
        content = language.render_file(content.decode(), variables, place=Place(str(path))).encode()
    return replace(module, loaded=content), secret  # type: ignore[type-var]
