"""Templates compiled and run: what they come to, and which variables they ask for.

Compiled templates are kept. Which values hold templates and what the results are for is left to `language`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateAssertionError, TemplateSyntaxError, meta, nodes

from deployer.config.keywords import is_template
from deployer.config.lookups import known
from deployer.config.rendering import rendering
from deployer.config.scope import Scope
from deployer.config.template_environment import AnsibleEnvironment, new_environment
from deployer.config.template_errors import told
from deployer.config.template_files import about, checked, is_file_template, split_head
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import NOWHERE, Place, PlaybookError

LOOKUPS = ("lookup", "query", "q")
APPLY = {  # filters that apply others: what they apply, and the argument that names it
    "map": ("filter", 0), "select": ("test", 0), "reject": ("test", 0), "selectattr": ("test", 1),
    "rejectattr": ("test", 1),
}  # fmt: skip


class Templates:
    """The compiled templates of one run; may be used by several threads."""

    def __init__(self, vault: Keyring = NO_KEYS) -> None:
        self.vault = vault
        self.env = new_environment()
        self._compiled: dict[tuple[str, bool], Template] = {}
        self._conditions: dict[str, Template] = {}
        self._files: dict[tuple[str, str], Template] = {}
        self._names: dict[str, frozenset[str]] = {}

    def check(self, text: str, place: Place = NOWHERE, *, condition: bool = False) -> None:
        """Raise PlaybookError if the text cannot be compiled."""
        with told({}, place):
            self._condition(text) if condition else self._compile(text)

    def evaluate(self, text: str, scope: Scope) -> Any:
        """The value of a template: a lone value's own, else text. Raises what Jinja2 does."""
        with rendering(scope):
            return _ended(text, _run(self._compile(text), scope))

    def condition(self, text: str, scope: Scope) -> Any:
        """The value of a bare expression. Raises what Jinja2 does."""
        with rendering(scope):
            return _run(self._condition(text), scope)

    def file(
        self, text: str, scope: Scope, path: Path, folders: tuple[Path, ...], options: Mapping[str, Any], *, shown: str
    ) -> Any:
        """What a template file comes to, with its own variables beside the others. Raises what Jinja2 does."""
        if not is_file_template(text, options):
            return text
        managed = {name: one for name, one in scope.variables.items() if name == "ansible_managed"}
        own = Scope(self, {**scope.variables, **about(path, shown), **managed})
        with rendering(own, folders):
            return _ended(text, _run(self._compile_file(text, options), own), options.get("newline_sequence", "\n"))

    def tree(self, text: str, *, condition: bool = False) -> nodes.Template:
        """The syntax tree of a template or a condition; raises PlaybookError if it cannot be compiled."""
        bare = condition and not is_template(text)
        with told({}, NOWHERE):
            return _checked(self.env, self.env.parse(_braced(text) if bare else _escaped(self.env, text)))

    def file_tree(self, text: str, place: Place) -> nodes.Template:
        """The syntax tree of a template file, its lines numbered as there; raises PlaybookError as `tree` does."""
        with told({}, place, file=True):
            source, said = split_head(text)
            env: Any = self.env.overlay(**checked(said))
            return _numbered(env, source, first=1 + text.count("\n") - source.count("\n"))

    def value(self, expression: nodes.Expr, scope: Scope) -> Any:
        """The value of an expression of a tree. Raises what Jinja2 does."""
        tree = nodes.Template([nodes.Output([expression], lineno=1)], lineno=1)
        tree.set_environment(self.env)
        with rendering(scope):
            return _run(self.env.from_string(tree), scope)

    def names(self, text: str, *, condition: bool = False) -> frozenset[str]:
        """The variables that a template asks for, those that it sets itself left out."""
        source = _braced(text) if condition and not is_template(text) else text
        if source not in self._names:
            with told({}, NOWHERE):
                found = meta.find_undeclared_variables(self.env.parse(source))
            self._names[source] = frozenset(found) - self.env.globals.keys()
        return self._names[source]

    def _condition(self, text: str) -> Template:
        if text not in self._conditions:
            source = text if is_template(text) else _braced(text)
            if not _is_lone_expression(self.env.parse(source)):
                hint = "write it bare, without `{{ }}`: `x == 'y'`"
                raise PlaybookError("a condition must be one expression", hint=hint)
            self._conditions[text] = self._compile(source, escape=is_template(text))
        return self._conditions[text]

    def _compile(self, text: str, *, escape: bool = True) -> Template:
        key = (text, escape)
        if key not in self._compiled:
            source = _escaped(self.env, text) if escape else text
            self._compiled[key] = self.env.from_string(_checked(self.env, self.env.parse(source)))
        return self._compiled[key]

    def _compile_file(self, text: str, options: Mapping[str, Any]) -> Template:
        key = (text, repr(options))
        if key not in self._files:
            source, said = split_head(text)
            env: Any = self.env.overlay(**checked({**options, **said}))
            self._files[key] = env.from_string(_numbered(env, source, first=1 + text.count("\n") - source.count("\n")))
        return self._files[key]


def _braced(condition: str) -> str:
    return "{{ " + condition + " }}"


def _is_lone_expression(tree: nodes.Template) -> bool:
    """Whether the template is nothing but `{{ expression }}`."""
    output = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(output, nodes.Output) or len(output.nodes) != 1:
        return False
    return not isinstance(output.nodes[0], nodes.TemplateData)


def _numbered(env: AnsibleEnvironment, source: str, *, first: int) -> nodes.Template:
    """The syntax tree of a template whose first line has this number."""
    try:
        tree = _checked(env, env.parse(source))
    except TemplateSyntaxError as error:
        error.lineno += first - 1
        raise
    for node in tree.find_all(nodes.Node):
        node.lineno = node.lineno and node.lineno + first - 1
    return tree


def _checked(env: AnsibleEnvironment, tree: nodes.Template) -> nodes.Template:
    """The tree; raises for filters, tests and lookups that do not exist, those in a branch not taken included."""
    for what, kinds, there in (("filter", nodes.Filter, env.filters), ("test", nodes.Test, env.tests)):
        for node in tree.find_all(kinds):
            if node.name not in there:
                raise TemplateAssertionError(f"No {what} named '{node.name}'.", node.lineno)
            _check_applied(node, env)
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in LOOKUPS:
            _check_lookup(call)
    return tree


def _check_applied(node: Any, env: AnsibleEnvironment) -> None:
    """Raise for a filter or test that `map` and its like are to apply and that does not exist."""
    what, at = APPLY.get(node.name, ("", 0))
    word = node.args[at] if what and len(node.args) > at else None
    there = env.filters if what == "filter" else env.tests
    if isinstance(word, nodes.Const) and word.value not in there:
        raise TemplateAssertionError(f"No {what} named '{word.value}'.", node.lineno)


def _check_lookup(call: nodes.Call) -> None:
    words = [one.value for one in call.args if isinstance(one, nodes.Const)]
    if call.args and isinstance(call.args[0], nodes.Const):
        known(words[0])
    if any(isinstance(word, str) and is_template(word) for word in words):
        hint = "leave out the inner `{{ }}`: `lookup('file', folder + '/name')`"
        raise PlaybookError("a template inside the words of a lookup", hint=hint)


def _escaped(env: AnsibleEnvironment, text: str) -> str:
    r"""The template with backslashes of strings inside `{{ }}` doubled, so that '\1' is one in a regular expression."""
    if "\\" not in text or "{{" not in text:
        return text
    inside, parts = False, []
    for _line, part, value in env.overlay(keep_trailing_newline=True).lex(text):
        inside = part == "variable_begin" or (inside and part != "variable_end")
        parts.append(value.replace("\\", "\\\\") if inside and part == "string" else value)
    return "".join(parts)


def _run(template: Template, scope: Scope) -> Any:
    context = template.new_context(scope, shared=True)  # type: ignore[arg-type]
    return template.environment.concat(template.root_render_func(context))


def _ended(text: str, result: Any, newline: str = "\n") -> Any:
    """The result, text with at least as many newlines at its end as the template has."""
    if not isinstance(result, str):
        return result
    missing = _newlines(text) - _newlines(result)
    return result + newline * missing if missing > 0 else result


def _newlines(text: str) -> int:
    return len(text) - len(text.rstrip("\n"))
