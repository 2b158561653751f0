"""Arguments of a build: Docker writes them into the image's history, so a secret must not be one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from deployer.config.interpolation import used_names
from deployer.errors import Place, ProjectError
from deployer.model.project import ComposeProject


def build_variables(build: Any) -> Iterator[str]:
    """The variables whose values a `build` section takes as arguments."""
    args = build.get("args") if isinstance(build, dict) else None
    pairs = args.items() if isinstance(args, dict) else [str(one).partition("=")[::2] for one in args or ()]
    for name, value in pairs:
        if value in (None, ""):  # taken from the environment
            yield str(name)
        else:
            yield from used_names(str(value))


def check_build_arguments(compose: ComposeProject, secrets: Collection[str], place: Place) -> None:
    """Refuse a secret as an argument of a build; raises ProjectError at `place`."""
    for service in compose.services.values():
        for name in service.build_variables:
            if name in secrets:
                raise ProjectError(
                    f"service {service.name} takes {name} as a build argument: whoever has the image can read it",
                    place=place,
                    hint="take it as a build secret: `secrets` below `build`, and RUN --mount=type=secret in the "
                    "Dockerfile; or allow it: -e deploy_allow=build-argument",
                )
