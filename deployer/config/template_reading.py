"""What a template needs to be rendered, read from its syntax tree: nothing is run.

A branch that is known not to be taken needs nothing; what `is defined` or `default` asks for need not be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

Decide = Callable[[nodes.Expr], object]  # an expression's value; None: nobody knows
DEFAULTS = ("default", "d")
DEFINED = ("defined", "undefined")
SPECIAL = frozenset({"loop", "self", "super", "caller", "varargs", "kwargs"})  # Jinja2's own, in blocks and macros


@dataclass
class Reading:
    """What was found: names that are needed, and those that are asked whether they are defined, with their lines."""

    decide: Decide
    is_known: Callable[[str], bool]
    own: frozenset[str] = frozenset()  # what the template, or one that includes it, sets itself
    needs: dict[str, int] = field(default_factory=dict)
    tested: set[str] = field(default_factory=set)
    files: list[tuple[str, int]] = field(default_factory=list)  # templates that it includes
    lookups: list[str] = field(default_factory=list)  # templates that it looks up

    def read(self, tree: nodes.Template) -> None:
        """Take in a template or a condition."""
        self.own |= set_names(tree) | SPECIAL
        self.walk(tree)

    def walk(self, node: nodes.Node) -> None:
        """Take in a part of it."""
        step = next((step for kind, step in STEPS.items() if isinstance(node, kind)), None)
        step(self, node) if step else self.each(node.iter_child_nodes())

    def each(self, found: Iterable[nodes.Node]) -> None:
        for node in found:
            self.walk(node)

    def value(self, expression: Any) -> object:
        """What an expression comes to, if that is known and hangs on nothing that the template sets."""
        return None if names(expression) & self.own else self.decide(expression)

    def name(self, node: nodes.Name) -> None:
        if node.ctx == "load" and node.name not in self.own:
            self.needs.setdefault(node.name, node.lineno)

    def filtered(self, node: nodes.Filter) -> None:
        if node.node is None or node.name.rpartition(".")[2] not in DEFAULTS:
            self.each(node.iter_child_nodes())
        elif not all(self.is_known(name) or name in self.own for name in names(node.node)):
            self.each(node.args)  # the default is what counts

    def test(self, node: nodes.Test) -> None:
        if node.name in DEFINED:
            self.tested |= names(node.node)
        else:
            self.each(node.iter_child_nodes())

    def both(self, node: nodes.And | nodes.Or) -> None:
        self.walk(node.left)
        left = self.value(node.left)
        if left is None or bool(left) is isinstance(node, nodes.And):
            self.walk(node.right)

    def choice(self, node: nodes.CondExpr) -> None:
        self.walk(node.test)
        test = self.value(node.test)
        if test is None or test:
            self.walk(node.expr1)
        if node.expr2 is not None and (test is None or not test):
            self.walk(node.expr2)

    def branch(self, node: nodes.If) -> None:
        self.walk(node.test)
        test = self.value(node.test)
        if test is None or test:
            self.each(node.body)
        if test is None or not test:
            self.each((*node.elif_, *node.else_))

    def loop(self, node: nodes.For) -> None:
        self.walk(node.iter)
        items = self.value(node.iter)
        if items is None or items:
            self.each((*node.body, *([node.test] if node.test else ())))
        self.each(node.else_)

    def file(self, node: nodes.Include | nodes.Extends | nodes.Import | nodes.FromImport) -> None:
        optional = isinstance(node, nodes.Include) and node.ignore_missing
        if isinstance(node.template, nodes.Const) and isinstance(node.template.value, str) and not optional:
            self.files.append((node.template.value, node.lineno))
        self.each(node.iter_child_nodes())

    def call(self, node: nodes.Call) -> None:
        words = [one.value if isinstance(one, nodes.Const) else None for one in node.args]
        if isinstance(node.node, nodes.Name) and words[:1] == ["template"]:
            self.lookups += [word for word in words[1:] if isinstance(word, str)]
        self.each(node.iter_child_nodes())


STEPS: Mapping[type[nodes.Node], Callable[[Reading, Any], None]] = {
    nodes.Name: Reading.name,
    nodes.Filter: Reading.filtered,
    nodes.Test: Reading.test,
    nodes.And: Reading.both,
    nodes.Or: Reading.both,
    nodes.CondExpr: Reading.choice,
    nodes.If: Reading.branch,
    nodes.For: Reading.loop,
    nodes.Include: Reading.file,
    nodes.Extends: Reading.file,
    nodes.Import: Reading.file,
    nodes.FromImport: Reading.file,
    nodes.Call: Reading.call,
}


def names(node: nodes.Node) -> frozenset[str]:
    """The variables in an expression."""
    found = {one.name for one in node.find_all(nodes.Name)}
    return frozenset(found | ({node.name} if isinstance(node, nodes.Name) else set()))


def set_names(tree: nodes.Node) -> frozenset[str]:
    """What a template sets: with `set`, `for`, `with`, macros and imports."""
    return frozenset(_set_names(tree))


def _set_names(tree: nodes.Node) -> Iterator[str]:
    yield from (node.name for node in tree.find_all(nodes.Name) if node.ctx != "load")
    yield from (node.name for node in tree.find_all(nodes.Macro))
    yield from (node.target for node in tree.find_all(nodes.Import))
    for node in tree.find_all(nodes.FromImport):
        yield from (one if isinstance(one, str) else one[1] for one in node.names)
