"""What is left of a failed story: the commands with their output, and what each host has to say."""

from __future__ import annotations

import re
from pathlib import Path

from host_engine import PROJECT_LABEL
from story import Project

from deployer.errors import LabError
from deployer.lab.host import LabHost

_LOOKS = (
    "ls -laR {root} 2>&1 | head -200",
    "cat {root}/.deploy/history.log",
    "docker ps --all",
    "docker volume ls; docker network ls; docker image ls",
    "journalctl --no-pager --lines 80 --unit ssh --unit docker",
)
_LOGS = (
    "for id in $(docker ps --all --quiet --filter label=" + PROJECT_LABEL + "={project}); do "
    "docker inspect --format '=== {{{{.Name}}}} {{{{json .State}}}}' $id; "
    "docker logs --timestamps --tail 100 $id 2>&1; done"
)


def leave_evidence(folder: Path, test: str, project: Project) -> Path:
    """Write artifacts/<test>/ and return it; secrets of stories are throw-away values, so nothing is left out."""
    place = folder / re.sub(r"[^\w.-]+", "_", test)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{project.name}.commands.txt").write_text("\n\n".join(str(run) for run in project.runs))
    if project.inventory.exists():
        (place / f"{project.name}.inventory.yml").write_text(project.inventory.read_text())
    for name, host in project.fleet.hosts.items():
        (place / f"{project.name}.{name}.txt").write_text(_account(host, project))
    return place


def _account(host: LabHost, project: Project) -> str:
    parts = []
    for look in (*_LOOKS, _LOGS):
        command = look.format(root=project.root, project=project.name)
        try:
            parts.append(f"# {command}\n{host.exec(command)[1]}")
        except LabError as error:
            parts.append(f"# {command}\n{error}")
    return "\n".join(parts)
