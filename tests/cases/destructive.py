"""What no built-in module may ever run. Every case file is held against it, and so is a list of known offenders.

`prune` removes release folders and image tags, `package` and `apt` remove packages (their configuration and data stay):
each in one form of words that is spelled out here. Nothing else removes anything.
"""

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
_IMAGE_REMOVAL = re.compile(r"\bdocker[\w\s-]*\b(rmi|image\s+rm)\b[^\n;|&]*")


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
    if found := _IMAGE_REMOVAL.search(text):
        return f"removes images: {found.group()}"
    for found in _REMOVAL.finditer(text):
        if _RECURSIVE.match(found.group()):
            return f"removes {found['paths']} with all that is in it"
    return None


def without_pruning(text: str, *, root: str, project: str) -> str:
    """The text without what `prune` alone may do; unchanged if it does it in any other way.

    That is: remove one release's folder, and take away the names, unforced, that were this project's for that release
    or that its `pins` holds, and that no other release's `pins` does.
    """
    releases, name = re.escape(f"{root}/releases"), r"[0-9A-Za-z][0-9A-Za-z.-]*"
    words = (
        rf"tags=\$\(cut -f 2 {releases}/(?P<id>{name})/pins 2>/dev/null \| grep '\^{project}-' \|\| true\)",
        rf"rm -rf -- {releases}/(?P=id)",
        r"for tag in \$tags(?P<own>[^;\n]*); do",
        rf'  if cut -f 2 {releases}/\*/pins 2>/dev/null \| grep -qxF -- "\$tag"; then continue; fi',
        r'  docker image rm "\$tag" 2>/dev/null \|\| true',
        "done",
    )
    allowed = re.fullmatch("\n".join(words), text)
    own = rf"{project}-[a-z0-9_.-]+:"
    if allowed and all(re.fullmatch(own + re.escape(allowed["id"].lower()), tag) for tag in allowed["own"].split()):
        return ""
    return text


def without_removal(text: str) -> str:
    """The text without the removal of packages, as `package` and `apt` alone may do it: nothing is purged."""
    return "" if re.fullmatch(r"apt-get (-[yq] |-o [\w:]+=[\w-]+ )*remove( [a-z0-9][\w.+:=-]*)+\s*", text) else text
