"""Images from Dockerfiles of ours, tagged by a hash of all that goes into them: the second run builds nothing."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import field
from importlib import resources

import docker
from docker.errors import APIError, BuildError, ImageNotFound

from deployer.errors import LabError
from deployer.frozen import dataclass
from deployer.lab.control import control_proxies
from deployer.lab.lock import alone
from deployer.lab.names import read_named_addresses
from deployer.lab.privilege import Say

LABEL = "deployer.lab"  # on everything of ours in an engine that may be somebody else's


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A build context with a Dockerfile, and the image that it starts FROM (as build argument BASE)."""

    name: str
    files: Mapping[str, bytes] = field(repr=False)
    base: str = ""

    @property
    def tag(self) -> str:
        return f"deployer-lab/{self.name}:{self._digest()}"

    def _digest(self) -> str:
        digest = hashlib.sha256(self.base.encode())
        for path, content in sorted(self.files.items()):
            digest.update(f"\0{path}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:12]


def load_recipe(name: str, *, base: str = "", extra: Mapping[str, bytes] | None = None) -> Recipe:
    """Return the recipe in the folder `recipes/NAME`, with `extra` files added to its context."""
    folder = resources.files("deployer.lab") / "recipes" / name
    files = {item.name: item.read_bytes() for item in folder.iterdir() if item.is_file()}
    return Recipe(name=name, base=base, files=files | dict(extra or {}))


def ensure_built(client: docker.DockerClient, recipe: Recipe, say: Say) -> str:
    """Return the recipe's tag, built unless the engine has it; raises LabError with the build's last lines."""
    if has_image(client, recipe.tag):
        return recipe.tag
    with alone(recipe.tag):
        if not has_image(client, recipe.tag):
            say(f"building image {recipe.name}")
            _build(client, recipe)
    return recipe.tag


def has_image(client: docker.DockerClient, tag: str) -> bool:
    """Tell whether the engine has an image under this name."""
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True


def pack(files: Mapping[str, bytes], *, owner: Mapping[str, int] | None = None) -> bytes:
    """Return the files as a tar; scripts are executable, what lies in a `.ssh` is private."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path, content in sorted(files.items()):
            info = tarfile.TarInfo(path)
            info.size = len(content)
            info.mode = 0o755 if content.startswith(b"#!") else 0o600 if "/.ssh/" in path else 0o644
            info.uid = info.gid = (owner or {}).get(path, 0)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _build(client: docker.DockerClient, recipe: Recipe) -> None:
    arguments = control_proxies() | ({"BASE": recipe.base} if recipe.base else {})
    try:
        client.images.build(
            fileobj=io.BytesIO(pack(recipe.files)),
            custom_context=True,
            tag=recipe.tag,
            buildargs=arguments,
            labels={LABEL: "image"},
            extra_hosts=read_named_addresses(),
            rm=True,
            forcerm=True,
        )
    except BuildError as error:
        raise LabError(f"image {recipe.name} cannot be built\n{_last_lines(error)}") from error
    except APIError as error:
        raise LabError(f"image {recipe.name} cannot be built: {error.explanation}") from error


def _last_lines(error: BuildError, count: int = 15) -> str:
    text = "".join(str(part.get("stream", "")) for part in error.build_log if isinstance(part, dict))
    return "\n".join([*text.strip().splitlines()[-count:], f"… {str(error)[-200:]}"])
