"""The loader behind `text`: YAML 1.1 with safe tags only, every place kept, and bounded.

Its errors are PyYAML's; a plain MarkedYAMLError is in words of this file's own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from deployer.config.values import Listing, Mapping
from deployer.errors import Place
from deployer.model.encrypted import Encrypted
from deployer.model.literal import Literal

STANDARD = "tag:yaml.org,2002:"
MOST_VALUES = 500_000  # keys and values of one file, what its aliases stand for included
Warn = Callable[[str, Place], None]


def place_of_mark(mark: Any, path: Path | str) -> Place:
    """Where PyYAML says that something is; only the file if it does not."""
    return Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))


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
        return place_of_mark(node.start_mark, self.file)

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

    def unsafe(self, node: yaml.Node) -> Any:
        """A value that is no template, nor is anything in it; a quoted number is a number here, as to Ansible."""
        if isinstance(node, yaml.ScalarNode):
            tag = self.resolve(yaml.ScalarNode, node.value, (True, False))  # type: ignore[no-untyped-call]
        else:
            tag = STANDARD + ("map" if isinstance(node, yaml.MappingNode) else "seq")
        plain = copy(node)
        plain.tag = str(tag)
        return made_literal(self.construct_object(plain, deep=True))

    def unknown_tag(self, node: yaml.Node) -> None:
        tag = node.tag.replace(STANDARD, "!!")
        raise yaml.MarkedYAMLError(problem=f"tag {tag} is not supported here", problem_mark=node.start_mark)


@lru_cache
def fast_loader() -> type[PlacedLoader]:
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
    "!unsafe": PlacedLoader.unsafe,
    None: PlacedLoader.unknown_tag,
}


def made_literal(value: Any) -> Any:
    """The same value, mappings and lists themselves, in which no text is a template."""
    if isinstance(value, str):
        return Literal(value)
    if isinstance(value, dict):
        value.update({key: made_literal(one) for key, one in value.items()})
    elif isinstance(value, list):
        value[:] = map(made_literal, value)
    return value


def _expect_kind(node: yaml.Node, kind: type[yaml.Node], words: str) -> None:
    if not isinstance(node, kind):
        raise yaml.MarkedYAMLError(problem=f"tag {node.tag} expects {words}", problem_mark=node.start_mark)
