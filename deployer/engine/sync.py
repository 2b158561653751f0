"""Brings a new release folder to a host: what it has already as hard links, the rest in one stream, verified there.

A release appears whole or not at all; the folders of other releases are read and never written. Of large files that
have changed only blocks are sent: see `patches`. What arrived of a transfer that was interrupted stays on the host for
the next one: see `parts`.
"""

from __future__ import annotations

import hashlib
import secrets
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import replace

from deployer import cache
from deployer.engine.lease import FENCED
from deployer.engine.manifest import (
    BYTES,
    FOLDER,
    SHORT,
    parse_listing,
    render_listing,
    render_manifest,
    render_modes,
    unpack_listing,
    verifiable,
    verified,
)  # fmt: skip
from deployer.engine.parcel import Parcel
from deployer.engine.parts import Head, look_at_parts
from deployer.engine.patches import Patch, excerpts, look_for_patches, render_mending
from deployer.engine.receive import RECEIVE
from deployer.engine.sync_failure import EXISTS, FULL, PLENTY, SPOILED, failure, some
from deployer.errors import FencedError
from deployer.frozen import dataclass
from deployer.model.action import Sync
from deployer.model.connection import Result
from deployer.model.release_json import to_json
from deployer.model.tree import Entry, Tree
from deployer.protocols import OnBytes, Remote
from deployer.rollout.space import BLOCK

LISTED, LISTINGS = "releases", 20  # what hosts were sent, kept here
KNOWN = "="
TOLD = 200  # spoiled files that a host names at most

# A host whose listing has the digest that is known here already says so, and sends none.
FETCH = f"""\
LC_ALL=C; export LC_ALL
cd {{base}} || exit 1
list() {{{{ cat modes; cut -c 1-{SHORT},65- manifest | sed -n '/^.\\{{{{{SHORT}\\}}}}  {FOLDER[:-1]}\\//p'; }}}}
case $(list | sha256sum) in {{digest}}*) echo {KNOWN} ;; *) list | gzip -c | base64 ;; esac
"""


@dataclass(frozen=True, kw_only=True)
class _Errand:
    """One sync to one host."""

    remote: Remote
    action: Sync
    become: str | None
    on_bytes: OnBytes | None
    prologue: str

    def fetch(self) -> Tree:
        """The files of the base release as its manifest names them; none if it is gone or unreadable."""
        if self.action.base is None:
            return Tree()
        base = shlex.quote(f"{self.action.release.root}/releases/{self.action.base}")
        known = cache.read(LISTED, self.action.base) or b""
        script = FETCH.format(base=base, digest=hashlib.sha256(known).hexdigest())
        answer = self.remote.run(script, become=self.become).stdout
        return parse_listing(known if answer.strip() == KNOWN else unpack_listing(answer))

    def room(self, link: Mapping[str, str], head: Head | None, patches: Sequence[Patch]) -> Mapping[str, int]:
        """The kilobytes and inodes that the release takes beside what is there, and what stands for no limit."""
        new = [entry for entry in self.action.tree.entries if entry.path not in link]
        size = sum(-(-entry.size // BLOCK) * BLOCK for entry in new) - (head.size if head else 0)
        size += sum(one.size for one in excerpts(patches).values())
        inodes = len(new) + len(self.action.files) + len(patches)
        return {"kilobytes": max(0, size // 1024), "inodes": inodes, "plenty": PLENTY}

    def send(
        self, link: Mapping[str, str], base: Tree, head: Head | None = None, patches: Sequence[Patch] = ()
    ) -> Result:
        """The host's answer to the whole stream; `base` are the files of the base release, as they were fetched."""
        kept = self._kept(link, base)
        beside, digest = _beside(self.action, kept, base)
        parcel = Parcel(
            host=self.remote.name,
            source=self.action.source,
            tree=self.action.tree,
            kept=kept.keys(),
            link=link,
            excerpts={**excerpts(patches), **({head.path: head.excerpt} if head else {})},
            beside=beside,
        )
        script, stream = self._script(link, kept, digest, head, patches), parcel.stream(self.on_bytes)
        result = self.remote.stream(script, stream, become=self.become, timeout=self.action.timeout)
        if result.ok:
            self._remember(kept)
        return result

    def _script(
        self, link: Mapping[str, str], kept: Collection[str], digest: str, head: Head | None, patches: Sequence[Patch]
    ) -> str:
        """What the host does with the stream; `digest` is the manifest's, when it is whole."""
        release, parts = self.action.release, self.action.parts
        used = _folders((*link.values(), *([head.place] if head else ())))
        words = {
            "root": release.root, "id": release.id, "tmp": f".tmp-{release.id}-{secrets.token_hex(4)}",
            "base": self.action.base or "" if kept else "", "parts": " ".join(parts),
            "head": head.path if head else "", "from_": head.place if head else "",
            "linked": " ".join(sorted(_folders(place for path, place in link.items() if path not in kept))),
        }  # fmt: skip
        return RECEIVE.format(
            **{name: shlex.quote(value) for name, value in words.items()}, **self.room(link, head, patches),
            prologue=self.prologue, mending=render_mending(patches), digest=digest, folder=FOLDER,
            useless=" ".join(shlex.quote(part) for part in parts if part not in used),
            mode=f"{self.action.tree.by_path[head.path].mode:o}" if head else "",
            exists=EXISTS, spoiled=SPOILED, told=TOLD, full=FULL,
        )  # fmt: skip

    def _remember(self, kept: Mapping[str, Entry]) -> None:
        """Keep the listing of what was sent, for the release that comes after it."""
        made = [*_added(self.action, kept), *kept.values()]
        cache.keep(LISTED, self.action.release.id, lambda: render_listing(made), most=LISTINGS, anew=False)

    def _kept(self, link: Mapping[str, str], base: Tree) -> Mapping[str, Entry]:
        """The files that are where they were in the base release, by path, in the order of its manifest."""
        tree = self.action.tree.by_path
        own = f"{self.action.base}/{FOLDER}"
        return {one.path: tree[one.path] for one in base.entries if link.get(one.path) == f"{own}{one.path}"}


def apply_sync(
    remote: Remote, action: Sync, *, become: str | None = None, on_bytes: OnBytes | None = None, prologue: str = ""
) -> Result:
    """Make the release folder; `on_bytes` hears the bytes of changed files that have been sent.

    `prologue` is shell that may refuse the whole transfer before it begins.

    Files of the base that someone has changed on the host are named in the result's output and sent in full. Raises
    TransferError if the release could not be made. If the transfer was interrupted, what arrived is kept for the next
    one; else nothing of it is left on the host.
    """
    errand = _Errand(remote=remote, action=action, become=become, on_bytes=on_bytes, prologue=prologue)
    parts = look_at_parts(remote, action, become)
    base = errand.fetch()
    send, link = delta(action.tree, {action.base or "": base, **parts.trees})
    head = parts.head(action, send)
    rest = [entry for entry in send if head is None or entry.path != head.path]
    patches = look_for_patches(remote, action, base, rest, become)
    result = errand.send(link, base, head, patches)
    there = {**link, **{patch.entry.path: patch.place for patch in patches}}
    if head:
        there[head.path] = head.place
    if result.status == SPOILED and (spoiled := _spoiled(result.stdout, there)):
        result = errand.send({path: place for path, place in link.items() if path not in spoiled}, base)
        result = replace(result, stdout=_told(action, spoiled)) if result.ok else result
    if result.status == FENCED:
        raise FencedError("this run's lock has run out or was taken over", host=remote.name)
    if not result.ok:
        raise failure(remote.name, action, result)
    return result


def delta(tree: Tree, known: Mapping[str, Tree]) -> tuple[tuple[Entry, ...], Mapping[str, str]]:
    """The files to send as data, and those that are there: path here to place there, moved files included.

    `known` are trees by the name of the folder that has them; the first one that has a file gives it.
    """
    same: dict[tuple[str, str, int], str] = {}
    there: dict[tuple[str, int], str] = {}
    for folder, entry in ((folder, entry) for folder, one in known.items() for entry in one.entries):
        if entry.kind == "file":
            place = f"{folder}/{FOLDER}{entry.path}"
            same.setdefault((entry.path, entry.sha256[:SHORT], entry.mode), place)
            there.setdefault((entry.sha256[:SHORT], entry.mode), place)
    link: dict[str, str] = {}
    send: list[Entry] = []
    for entry in (entry for entry in tree.entries if entry.kind == "file"):
        short = entry.sha256[:SHORT]
        found = same.get((entry.path, short, entry.mode)) or there.get((short, entry.mode))
        if found is None or not verifiable(entry.path):
            send.append(entry)
        else:
            link[entry.path] = found
    return tuple(send), link


def _beside(action: Sync, kept: Mapping[str, Entry], base: Tree) -> tuple[Mapping[str, tuple[bytes, int]], str]:
    """The tool's own files, and the digest of the whole manifest; release.json comes last: the stream is whole.

    Of the manifest only those lines travel that the base has not.
    """
    release = (to_json(action.release) + "\n").encode(), 0o600
    own = {**action.files, "release.json": release}
    digests = {name: hashlib.sha256(own[name][0]).hexdigest() for name in own}
    added = _added(action, kept)
    lines = render_manifest(added, digests)
    drop = "".join(f"{number}\n" for number, one in enumerate(base.entries, 1) if one.path not in kept)
    return {
        **action.files,
        "manifest": (lines, 0o600),
        **({"drop": (drop.encode(), 0o600)} if kept else {}),
        "modes": (render_modes([*added, *kept.values()]), 0o600),
        "release.json": release,
    }, hashlib.sha256(lines + render_manifest(kept.values(), {})).hexdigest()


def _folders(places: Iterable[str]) -> Set[str]:
    """The releases and parts that places lie in."""
    return {place.partition("/")[0] for place in places}


def _added(action: Sync, kept: Collection[str]) -> Sequence[Entry]:
    """The files whose lines the manifest has before those of the base."""
    return [entry for entry in verified(action.tree) if entry.path not in kept]


def _spoiled(output: str, link: Mapping[str, str]) -> Mapping[str, str]:
    """The part of `link` that sha256sum calls wrong; all of it if a line names none of its files."""
    known: dict[str, set[str]] = {}
    for path in link:  # bytes that are no text look alike in the host's answer
        known.setdefault(f"{FOLDER}{path}".encode(errors=BYTES).decode(errors="replace"), set()).add(path)
    named = [known.get(line.rpartition(": FAILED")[0], set()) for line in output.splitlines()]
    if not all(named) or len(named) >= TOLD:
        return link
    return {path: link[path] for paths in named for path in paths}


def _told(action: Sync, spoiled: Mapping[str, str]) -> str:
    base = f"{action.base}/{FOLDER}"
    changed = [place.removeprefix(base) for place in spoiled.values() if place.startswith(base)]
    return f"changed on the host in release {action.base}, so sent in full: {some(changed)}\n" if changed else ""
