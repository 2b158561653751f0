"""What no built-in module may ever run. Every case file is held against it, and so is a list of known offenders."""

from __future__ import annotations

import re

from deployer.model.action import Action, Run, Script

_FORBIDDEN = {
    "removes volumes": r"docker[\w\s-]*\bvolume\s+(rm|remove|prune)\b",
    "removes networks": r"docker[\w\s-]*\bnetwork\s+(rm|remove|prune)\b",
    "prunes": r"\b(system|container|image|builder|buildx)\s+prune\b",
    "takes a project down": r"\bdocker(-compose|\s+compose)\b[^\n;|&]*\sdown\b",
    "removes volumes with containers": r"\bdocker\b[^\n;|&]*\brm\b[^\n;|&]*\s(-[a-z]*v[a-z]*|--volumes)\b",
    "renews anonymous volumes": r"--renew-anon-volumes|\bup\b[^\n;|&]*\s-V\b",
    "forces an image away": r"docker[\w\s-]*\b(rmi|image\s+rm)\b[^\n;|&]*\s(-f|--force)\b",
    "makes a file system": r"\bmkfs(\.\w+)?\b|\bwipefs\b",
    "writes over a disk": r"\bdd\b[^\n;|&]*\bof=",
    "drops a database": r"(?i)\bdrop\s+(database|schema|table)\b",
    "deletes what it finds": r"\bfind\b[^\n;|]*\s-delete\b",
    "removes packages": r"\bapt(-get)?\b[^\n;|&]*\s(remove|purge|autoremove)\b",
}

_REMOVAL = re.compile(r"\brm\s+(?:-\S+\s+)*(?P<paths>[^\n;|&]*)")
_RECURSIVE = re.compile(r"\brm\s+(?:-\S+\s+)*-\w*[rR]|\brm\b[^\n;|&]*\s--recursive\b")
# One release folder, our own room on the host, or a temporary name of ours: nothing else is removed with its content.
_OURS = re.compile(
    r"""(/releases['"]?/[^/\s]+|/\.deploy/[^/\s]+|\.deploy-tmp\S*|\.incoming\S*|\$(\{)?(tmp|temp|work)\b\S*)['"]?$"""
)


def text_of(action: Action) -> str:
    """All shell that an action brings to a host."""
    if isinstance(action, Run):
        return " ".join(action.argv) + "\n" + (action.stdin or "")
    return action.text if isinstance(action, Script) else ""


def offence(text: str) -> str | None:
    """What a piece of shell would destroy; None: nothing that we know of."""
    for what, pattern in _FORBIDDEN.items():
        if re.search(pattern, text):
            return what
    for found in _REMOVAL.finditer(text):
        if not _RECURSIVE.match(found.group()):
            continue
        strange = [
            path for path in found["paths"].split() if not path.startswith(("-", ">", "2>")) and not _OURS.search(path)
        ]
        if strange:
            return f"removes {strange[0]} with all that is in it"
    return None
