"""What a module's arguments name and only the engine can get: files of this machine, the values of expressions.

Got here, so that modules stay decisions.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from deployer.engine.ports import Language, Variables
from deployer.errors import Place, PlaybookError
from deployer.protocols import Module


def read_inputs(module: Module, language: Language, variables: Variables, *, place: Place) -> Module:
    """The module with all its inputs: `loaded` from `reads`, `results` from `conditions`, `value` from `evaluates`.

    Raises PlaybookError if there is no such file, or an expression is wrong.
    """
    conditions: str | None = getattr(module, "conditions", None)
    if conditions:
        told = getattr(module, conditions)
        tests = (told,) if isinstance(told, str | bool) else tuple(told)
        results = tuple(language.test((one,), variables, place=place) for one in tests)
        return replace(module, results=results)  # type: ignore[type-var]
    evaluates: str | None = getattr(module, "evaluates", None)
    if evaluates and getattr(module, evaluates):
        value = language.render(f"{{{{ {getattr(module, evaluates)} }}}}", variables, place=place)
        return replace(module, value=value)  # type: ignore[type-var]
    return _with_file(module, language, variables, place=place)


def _with_file(module: Module, language: Language, variables: Variables, *, place: Place) -> Module:
    """The module with the file that its `reads` argument names, as bytes; templates are rendered.

    A relative path is looked for beside the playbook.
    """
    name: str | None = getattr(module, "reads", None)
    source: Any = getattr(module, name) if name else None
    if not source:
        return module
    path = Path(str(variables.get("playbook_dir", "."))) / Path(source).expanduser()
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise PlaybookError(
            f"{path}: {wrong.strerror}", place=place, hint="paths are relative to the playbook"
        ) from None
    if getattr(module, "templated", False):
        content = language.render_file(content.decode(), variables, place=Place(str(path))).encode()
    return replace(module, loaded=content)  # type: ignore[type-var]
