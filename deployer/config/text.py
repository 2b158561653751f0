"""YAML as Ansible reads it (1.1, safe tags only), with the place of every key and item kept for later errors.

What the text means is left to whoever asked for it: inventories, playbooks and variables share this reader.
"""

from __future__ import annotations

import gc
import json
import re
from pathlib import Path
from typing import Any

import yaml

from deployer.config.files import read_text
from deployer.config.values import Mapping, place_of
from deployer.config.vault_keys import Keyring
from deployer.config.yaml_loader import PlacedLoader, Warn, fast_loader, place_of_mark
from deployer.errors import NOWHERE, ConfigError, Place
from deployer.model.encrypted import VAULT_IN_JSON, Encrypted
from deployer.model.literal import UNSAFE_IN_JSON, Literal

WORTH_REREADING = 1_000_000  # characters; the readable words of an error are worth that much reading again
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
    if (VAULT_IN_JSON in source or UNSAFE_IN_JSON in source) and _is_json(source):
        found = with_marked(found)
    if vault is not None and str(path) in vault.files:
        vault.keep_out(found)
    return found


def with_marked(value: Any, place: Place = NOWHERE) -> Any:
    """What was read from JSON, with what `{"__ansible_vault": …}` and `{"__ansible_unsafe": …}` stand for."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(text := value.get(VAULT_IN_JSON), str):
            return Encrypted(text, place_of(value) if isinstance(value, Mapping) else place)
        if len(value) == 1 and isinstance(text := value.get(UNSAFE_IN_JSON), str):
            return Literal(text)
        value.update({key: with_marked(one, place) for key, one in value.items()})
    elif isinstance(value, list):
        value[:] = [with_marked(one, place) for one in value]
    return value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _document(path: Path | str, source: str, error: type[ConfigError], warn: Warn | None) -> Any:
    try:
        return _load(fast_loader(), source, path, warn)
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


def _place_of_error(broken: yaml.MarkedYAMLError, path: Path | str) -> Place:
    return place_of_mark(broken.problem_mark or broken.context_mark, path)


def _place_at(source: str, position: int, path: Path | str) -> Place:
    before = source[:position]
    return Place(str(path), before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
