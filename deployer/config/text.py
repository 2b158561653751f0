"""YAML as Ansible reads it (1.1, safe tags only), with the place of every key and item kept for later errors.

What the text means is left to whoever asked for it: inventories, playbooks and variables share this reader.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable, Hashable, Iterable
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from deployer.config.files import read_text
from deployer.config.vault_keys import Keyring
from deployer.errors import NOWHERE, ConfigError, Place
from deployer.model.encrypted import VAULT_IN_JSON, Encrypted

STANDARD = "tag:yaml.org,2002:"
MOST_VALUES = 500_000  # keys and values of one file, what its aliases stand for included
WORTH_REREADING = 1_000_000  # characters; the readable words of an error are worth that much reading again
Warn = Callable[[str, Place], None]
HINTS = (  # a part of the parser's own words, and what most often is behind it
    ("\\t", "indent with spaces: YAML allows no tabs"),
    ("mapping values are not allowed", "quote a value that holds ': ', or check the indentation"),
    ("found unexpected end of stream", "close the quote or the bracket"),
    ("single document", "keep one document in a file: remove the second `---`"),
    ("could not find expected ':'", "write `key: value`, with a space after the colon"),
    ("did not find expected", "check the indentation and the quotes of this line and the one above"),
    ("expected ',' or", "close the bracket, or quote a value that holds any of [ ] { } : ,"),
    ("expected the node content", "close the bracket, or quote the value"),
    ("not a possible", "quote the value if it is meant as text"),
    ("is not supported here", "write the value without a tag"),
    ("values", "split the file, or let a script print the inventory as JSON"),
    ("recursive", "an alias cannot stand inside what it names"),
    ("expected <block end>", "check the indentation: items of one level start in one column"),
    ("undefined alias", "define the anchor `&name` above its use"),
    ("{{", 'quote a value that starts with a template: "{{ … }}"'),
)


class Mapping(dict[Any, Any]):
    """A YAML mapping: equal to a plain dict; `place` is where it starts, `places` where each key stands."""

    place: Place = NOWHERE
    places: dict[Any, Place]

    def __init__(self, content: Iterable[tuple[Any, Any]] = (), *, places: dict[Any, Place] | None = None) -> None:
        super().__init__(content)
        self.places = places or {}

    def take(self, other: dict[Any, Any]) -> None:
        """Update from another mapping, places included."""
        self.update(other)
        self.places.update({key: place_of(other, key) for key in other})


class Listing(list[Any]):
    """A YAML sequence: equal to a plain list; `place` is where it starts, `places` where each item does."""

    place: Place = NOWHERE
    places: list[Place]


def load_yaml(
    path: Path | str,
    text: str | None = None,
    error: type[ConfigError] = ConfigError,
    *,
    warn: Warn | None = None,
    vault: Keyring | None = None,
) -> Any:
    """The one document of a file, or of `text` if given; None if it is empty.

    Mappings come as Mapping, sequences as Listing, dates as ISO strings, `!vault` values as Encrypted; every value of a
    file that is encrypted as a whole counts as a secret. Raises `error` with file, line and column for a file that
    cannot be read, broken YAML, tags other than YAML's own, more values than MOST_VALUES, and a key given twice; with
    `warn`, that is told there, and the later value wins, as in Ansible.
    """
    source = read_text(path, error, vault) if text is None else text
    found = _document(path, source, error, warn)
    if VAULT_IN_JSON in source and _is_json(source):
        found = with_vaults(found)
    if vault is not None and str(path) in vault.files:
        vault.keep_out(found)
    return found


def with_vaults(value: Any, place: Place = NOWHERE) -> Any:
    """What was read from JSON, with `{"__ansible_vault": …}` as the encrypted value that it stands for."""
    if isinstance(value, dict):
        text = value.get(VAULT_IN_JSON)
        if len(value) == 1 and isinstance(text, str):
            return Encrypted(text, place_of(value) if isinstance(value, Mapping) else place)
        value.update({key: with_vaults(one, place) for key, one in value.items()})
    elif isinstance(value, list):
        value[:] = [with_vaults(one, place) for one in value]
    return value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _document(path: Path | str, source: str, error: type[ConfigError], warn: Warn | None) -> Any:
    try:
        return _load(_fast_loader(), source, path, warn)
    except yaml.YAMLError as broken:
        if type(broken) is yaml.MarkedYAMLError or len(source) > WORTH_REREADING:
            raise _refusal(broken, source, path, error) from None
    except RecursionError:
        raise error("broken YAML: nested too deeply", place=Place(str(path)), hint="flatten the file") from None
    try:
        return _load(PlacedLoader, source, path, warn)  # its words are the better ones
    except yaml.YAMLError as broken:
        raise _refusal(broken, source, path, error) from None


def _load(loader_class: type[PlacedLoader], source: str, path: Path | str, warn: Warn | None) -> Any:
    collects = gc.isenabled()
    gc.disable()  # a document of many nodes and no garbage: a third of the time
    loader = None
    try:
        loader = loader_class(source)
        loader.file, loader.warn = str(path), warn
        return loader.get_single_data()
    finally:
        if loader is not None:
            loader.dispose()
        if collects:
            gc.enable()


def _refusal(broken: yaml.YAMLError, source: str, path: Path | str, error: type[ConfigError]) -> ConfigError:
    if isinstance(broken, yaml.MarkedYAMLError):
        return error(_words(broken), place=_place_of_error(broken, path), hint=_hint(broken))
    position = getattr(broken, "position", 0)
    found = re.search(r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", source)
    position = found.start() if found else min(position, len(source) - 1)
    return error(
        f"broken YAML: character U+{ord(source[position]):04X} is not allowed",
        place=_place_at(source, position, path),
        hint="remove it, or write it as an escape in a double-quoted string",
    )


def place_of(value: Any, key: Any = None) -> Place:
    """Where a loaded mapping or list starts, or where one of its keys or items stands; NOWHERE if unknown."""
    if key is None:
        return getattr(value, "place", NOWHERE)
    try:
        place: Place = value.places[key]
    except (AttributeError, LookupError, TypeError):
        return getattr(value, "place", NOWHERE)
    return place


def nearest(word: object, words: Iterable[object]) -> str | None:
    """The one of `words` that `word` was most likely meant to be, or None."""
    known = {str(one).lower(): str(one) for one in words}
    close = get_close_matches(str(word).lower(), known, n=1)
    return known[close[0]] if close else None


def kind_of(value: Any) -> str:
    """What a value is, in a person's words; never the value itself."""
    kinds = {dict: "a mapping", list: "a list", str: "a string", bool: "true or false", int: "a number"}
    if value is None:
        return "nothing"
    if isinstance(value, Encrypted):
        return "an encrypted value"
    return next((words for kind, words in kinds.items() if isinstance(value, kind)), "a number")


class PlacedLoader(yaml.SafeLoader):
    """PyYAML's safe loader that keeps places and refuses what would be lost or guessed."""

    file = "?"
    warn: Warn | None = None
    values = 0
    has_aliases = False

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.values += 1
        if self.values > MOST_VALUES:
            raise yaml.MarkedYAMLError(
                problem=f"more than {MOST_VALUES} values",
                problem_mark=self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        self.has_aliases = self.has_aliases or self.check_event(yaml.AliasEvent)
        return super().compose_node(parent, index)

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None and self.has_aliases and _weight(node, {}) > MOST_VALUES:
            raise yaml.MarkedYAMLError(
                problem=f"its aliases stand for more than {MOST_VALUES} values", problem_mark=node.start_mark
            )
        return node

    def at(self, node: yaml.Node) -> Place:
        return _place_of_mark(node.start_mark, self.file)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        self.refuse_duplicates(node)
        return node

    def refuse_duplicates(self, node: yaml.MappingNode) -> None:
        seen: dict[tuple[str, str], yaml.Node] = {}
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            first = seen.setdefault((key.tag, key.value), key)
            if first is not key:
                line = first.start_mark.line + 1 if first.start_mark else 0
                self.twice(f"key '{key.value}' is given twice, first in line {line}", key)

    def twice(self, problem: str, key: yaml.Node) -> None:
        if self.warn is None:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        self.warn(f"{problem}: the later one counts", self.at(key))

    def placed_mapping(self, node: yaml.MappingNode) -> Mapping:
        _expect_kind(node, yaml.MappingNode, "a mapping")
        self.flatten_mapping(node)
        result = Mapping()
        result.place = self.at(node)
        for key_node, value_node in node.value:
            key = self.key(key_node)
            result[key] = self.construct_object(value_node, deep=True)
            result.places[key] = self.at(key_node)
        return result

    def key(self, node: yaml.Node) -> Hashable:
        if not isinstance(node, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(
                problem="a key must be a plain word, not a mapping or a list; is this an unquoted {{ template }}?",
                problem_mark=node.start_mark,
            )
        key: Hashable = self.construct_object(node)
        return key

    def placed_list(self, node: yaml.SequenceNode) -> Listing:
        _expect_kind(node, yaml.SequenceNode, "a list")
        result = Listing(self.construct_object(child, deep=True) for child in node.value)
        result.place, result.places = self.at(node), [self.at(child) for child in node.value]
        return result

    def scalar(self, node: yaml.ScalarNode) -> Any:
        """PyYAML's own construction; its ValueErrors (a 13th month, say) get a place."""
        _expect_kind(node, yaml.ScalarNode, "a plain value")
        try:
            return getattr(self, f"construct_yaml_{SCALARS[node.tag]}")(node)
        except (ValueError, LookupError, AttributeError):  # their words quote the value, which may be a secret
            raise yaml.MarkedYAMLError(
                problem=f"not a possible {SCALARS[node.tag]}", problem_mark=node.start_mark
            ) from None

    def date(self, node: yaml.ScalarNode) -> str:
        text: str = self.scalar(node).isoformat()
        return text

    def encrypted(self, node: yaml.Node) -> Encrypted:
        """A value that ansible-vault has encrypted, opened by whoever uses it."""
        _expect_kind(node, yaml.ScalarNode, "an encrypted text")
        return Encrypted(node.value, self.at(node))

    def unknown_tag(self, node: yaml.Node) -> None:
        tag = node.tag.replace(STANDARD, "!!")
        raise yaml.MarkedYAMLError(problem=f"tag {tag} is not supported here", problem_mark=node.start_mark)


@lru_cache
def _fast_loader() -> type[PlacedLoader]:
    """The same loader with libyaml's parser; nodes are composed in Python, where deep nesting is an exception."""
    if not yaml.__with_libyaml__:
        return PlacedLoader
    from yaml.cyaml import CParser  # type: ignore[attr-defined]

    class FastLoader(CParser, PlacedLoader):
        def __init__(self, stream: str) -> None:
            CParser.__init__(self, stream)
            yaml.composer.Composer.__init__(self)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)

        get_single_node = PlacedLoader.get_single_node
        check_node = yaml.composer.Composer.check_node
        get_node = yaml.composer.Composer.get_node

    return FastLoader


def _weight(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for when each alias is written out; at most a little above MOST_VALUES."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = 1  # for a node inside itself, which the constructor refuses
        total = 1
        for child in node.value:
            pair = child if isinstance(child, tuple) else (child,)
            total = min(total + sum(_weight(one, known) for one in pair), MOST_VALUES + 1)
        known[id(node)] = total
    return known[id(node)]


SCALARS = {STANDARD + tag: tag for tag in ("null", "bool", "int", "float", "str", "timestamp")}

PlacedLoader.yaml_constructors = {
    **dict.fromkeys(SCALARS, PlacedLoader.scalar),
    STANDARD + "value": PlacedLoader.construct_yaml_str,  # a lone `=`
    STANDARD + "timestamp": PlacedLoader.date,
    STANDARD + "map": PlacedLoader.placed_mapping,
    STANDARD + "seq": PlacedLoader.placed_list,
    **dict.fromkeys(("!vault", "!vault-encrypted"), PlacedLoader.encrypted),
    None: PlacedLoader.unknown_tag,
}


def _expect_kind(node: yaml.Node, kind: type[yaml.Node], words: str) -> None:
    if not isinstance(node, kind):
        raise yaml.MarkedYAMLError(problem=f"tag {node.tag} expects {words}", problem_mark=node.start_mark)


def _words(broken: yaml.MarkedYAMLError) -> str:
    """The parser's problem in one line; ours need no 'broken YAML' before them."""
    problem = broken.problem or broken.context or "cannot be parsed"
    if problem.startswith("but "):  # the first half of the sentence is in the context
        problem = f"{broken.context}, {problem}"
    problem = " ".join(problem.split())
    ours = type(broken) is yaml.MarkedYAMLError
    return problem if ours else f"broken YAML: {problem}"


def _hint(broken: yaml.MarkedYAMLError) -> str:
    problem = f"{broken.context or ''} {broken.problem or ''}"
    if "given twice" in problem:
        return "remove one of the two"
    return next((hint for part, hint in HINTS if part in problem), "check the indentation and the quotes around here")


def _place_of_mark(mark: Any, path: Path | str) -> Place:
    return Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))


def _place_of_error(broken: yaml.MarkedYAMLError, path: Path | str) -> Place:
    return _place_of_mark(broken.problem_mark or broken.context_mark, path)


def _place_at(source: str, position: int, path: Path | str) -> Place:
    before = source[:position]
    return Place(str(path), before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
