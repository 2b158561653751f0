"""Filters on paths, as the system of the machine that deploys reads them; `win_…` as Windows does."""

from __future__ import annotations

import glob
import ntpath
import os.path
from collections.abc import Callable, Mapping
from typing import Any

from deployer.config.operands import expect


def _on_text(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that takes text and nothing else."""

    def on_text(value: Any, *args: Any, **options: Any) -> Any:
        return call(expect(name, value, str), *args, **options)

    return on_text


def path_join(paths: Any) -> str:
    parts: list[str] = [paths] if isinstance(paths, str) else list(expect("path_join", paths, list))
    return os.path.join(parts[0], *parts[1:])


def commonpath(paths: Any) -> str:
    common: str = os.path.commonpath(expect("commonpath", paths, list))
    return common


def fileglob(pattern: str) -> list[str]:
    return [path for path in glob.glob(pattern) if os.path.isfile(path)]


_PATHS: Mapping[str, Callable[..., Any]] = {
    "basename": os.path.basename, "dirname": os.path.dirname, "expanduser": os.path.expanduser,
    "expandvars": os.path.expandvars, "realpath": os.path.realpath, "relpath": os.path.relpath,
    "splitext": os.path.splitext, "normpath": os.path.normpath, "fileglob": fileglob,
    "win_basename": ntpath.basename, "win_dirname": ntpath.dirname, "win_splitdrive": ntpath.splitdrive,
}  # fmt: skip

FILTERS: Mapping[str, Callable[..., Any]] = {
    **{name: _on_text(name, call) for name, call in _PATHS.items()},
    "path_join": path_join,
    "commonpath": commonpath,
}
