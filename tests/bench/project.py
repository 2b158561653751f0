"""The projects that are deployed: a small site, one of 2,000 files and 60 MB, one with a file of 200 MB.

All of them serve one Python file's text from an image that is built of the synced tree, so that a request says which
version a host is on.
"""

from __future__ import annotations

import random
from pathlib import Path

VERSION_FILE = "app/version.py"
LARGE_FILE = "data/model.bin"

COMPOSE = """\
services:
  web:
    build: .
    init: true
    restart: unless-stopped
    ports:
      - "${BENCH_PORT:-8080}:8080"
    healthcheck:
      test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/version.py"]
      interval: 10m
      timeout: 3s
      retries: 3
      start_period: 30s
      start_interval: 100ms
"""
DOCKERFILE = """\
FROM busybox:1
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-h", "/app"]
COPY app /app
"""


def version_text(version: str) -> str:
    """What a host serves that is on this version."""
    return f'VERSION = "{version}"\n'


def set_version(folder: Path, version: str) -> None:
    """Change the one file that says which version this is."""
    (folder / VERSION_FILE).write_text(version_text(version))


def write_project(
    folder: Path, *, modules: int = 60, module_size: int = 3_000, assets: int = 0, asset: int = 0
) -> Path:
    """Write a project of that many Python files and assets, sizes in bytes; the same bytes every time."""
    chance = random.Random(20)
    (folder / "app").mkdir(parents=True)
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    set_version(folder, "0")
    for number in range(modules):
        _write(folder / f"app/part{number // 50:02}/module{number:04}.py", _code(chance, module_size))
    for number in range(assets):
        _write(folder / f"static/{number // 25:02}/asset{number:03}.bin", chance.randbytes(asset))
    return folder


def write_big(folder: Path) -> Path:
    """2,000 files, 60 MB: 1,900 Python files and 97 assets that compress badly."""
    return write_project(folder, modules=1_900, module_size=8_000, assets=97, asset=460_000)


def write_large(folder: Path, megabytes: int) -> Path:
    """A project whose bytes are almost all in one file that compresses badly."""
    write_project(folder, modules=5)
    _write(folder / LARGE_FILE, b"")
    chance = random.Random(200)
    with (folder / LARGE_FILE).open("wb") as file:
        for _ in range(megabytes):
            file.write(chance.randbytes(1_000_000))
    return folder


def stir(file: Path, seed: int, *, size: int = 1_000_000) -> None:
    """Overwrite some bytes in the middle of a file with others."""
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 2)
        stream.write(random.Random(seed).randbytes(size))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _code(chance: random.Random, size: int) -> bytes:
    """Text that compresses about as well as Python does."""
    lines: list[str] = []
    length = 0
    while length < size:
        name, value = chance.choice(_WORDS), chance.randrange(10**6)
        lines.append(f"def {name}_{value}({chance.choice(_WORDS)}):\n    return {chance.choice(_WORDS)}({value})\n")
        length += len(lines[-1])
    return "".join(lines).encode()[:size]


_WORDS = ("account", "basket", "catalogue", "delivery", "entry", "filter", "gateway", "history", "invoice", "journal")
