"""The words of plays, blocks and tasks as JSON Schema: what `keyword_values` reads, and what an editor says of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deployer.config.keyword_values import ORDERS
from deployer.config.schema_types import FLAG, LATER, NAME, NUMBER, SCALARS, Json, described, ref

_NO_TEMPLATE = r"^(?![\s\S]*\{[{%#])"
_SIZE: Json = {"type": ["integer", "string", "null"], "pattern": rf"^\s*[0-9]+%?\s*$|{LATER}"}
_CONDITION: Json = {"type": ["string", "boolean"], "pattern": r"\S"}
_PATH: Json = {"type": "string"}
_TAG: Json = {"type": ["string", "integer"], "pattern": _NO_TEMPLATE}

KINDS: Mapping[str, Json] = {  # as the functions of the same names in keyword_values read them
    "any": {},
    "batch_number": {"type": ["integer", "string", "null"], "minimum": 1, "pattern": LATER},
    "conditions": {**_CONDITION, "type": ["string", "boolean", "array", "null"], "items": _CONDITION},
    "files": {
        "type": ["string", "array", "null"],
        "items": {"type": ["string", "array"], "items": _PATH, "minItems": 1},
    },
    "flag": {**FLAG, "type": [*FLAG["type"], "null"]},
    "flag_or_template": {**SCALARS[bool], "type": [*FLAG["type"], "null"]},
    "hosts": {
        "type": ["string", "integer", "array"],
        "pattern": r"\S",
        "items": {"type": ["string", "integer"]},
        "minItems": 1,
    },
    "loop_control": ref("loop_control"),
    "listed_loop": {"type": ["array", "string"], "pattern": LATER},
    "mapping": {"type": ["object", "null"]},
    "name_of_variable": {"type": ["string", "null"], "pattern": NAME},
    "number": {"type": ["number", "string", "null"], "minimum": 0, "pattern": f"{NUMBER}|{LATER}"},
    "any_number": {"type": ["number", "string", "null"], "pattern": f"{NUMBER}|{LATER}"},
    "once": {"enum": ["rollout", None]},
    "order": {"enum": [*ORDERS, None]},
    "percentage": {"type": ["number", "string", "null"], "minimum": 0, "maximum": 100, "pattern": LATER},
    "serial": {"type": [*_SIZE["type"], "array"], "pattern": _SIZE["pattern"], "items": _SIZE},
    "tags": {**_TAG, "type": ["string", "integer", "array", "null"], "items": _TAG},
    "text": {"type": ["string", "number", "null"]},
    "texts": {"type": ["string", "integer", "array", "null"], "items": {"type": ["string", "integer"]}},
    "steps": {"type": ["array", "null"], "items": ref("step")},
    "block_steps": {"type": "array", "items": ref("step"), "minItems": 1},
    "handlers": {"type": ["array", "null"], "items": ref("handler")},
    "variables": ref("variables"),
}
WORDS: Mapping[str, tuple[str, str]] = {  # word -> what it takes, and what it is
    "name": ("text", "What it is called in the output."),
    "vars": ("variables", "Variables for what is inside; they may be templates."),
    "environment": ("mapping", "Environment variables for what runs on the host."),
    "become": ("flag", "Run as another user, with sudo."),
    "become_user": ("text", "As whom; root without it."),
    "tags": ("tags", "Words for --tags and --skip-tags; `always` and `never` are known."),
    "any_errors_fatal": ("flag_or_template", "A failure on one host ends the play for all."),
    "check_mode": ("flag_or_template", "true: only look; false: act although the run is --check."),
    "diff": ("flag_or_template", "Show what changes in text, or do not, whatever the command line says."),
    "ignore_errors": ("flag_or_template", "Go on after a failure."),
    "ignore_unreachable": ("flag_or_template", "Go on where a host has gone."),
    "no_log": ("flag_or_template", "Say nothing of arguments and results."),
    "run_once": ("flag_or_template", "Only on the first host of a batch; what is registered is for all."),
    "throttle": ("number", "Hosts that do it at a time."),
    "timeout": ("number", "Seconds after which it has failed."),
    "hosts": ("hosts", "A pattern: `all`, `web`, `web:&eu:!web3`, `~web[12]`; or a list of them."),
    "serial": ("serial", 'Hosts in a batch: a number, a percentage, or a list of both: [1, "25%", "100%"].'),
    "order": ("order", "In which order the hosts are taken."),
    "max_fail_percentage": ("percentage", "Of a batch's hosts, how many may fail before it stops."),
    "pause_after": ("batch_number", "Number of the batch after which the rollout waits for `deploy promote`."),
    "vars_files": ("files", "Files of variables; in a list inside it, the first that is there."),
    "pre_tasks": ("steps", "Before `tasks`."),
    "tasks": ("steps", "What is done, in this order."),
    "post_tasks": ("steps", "After `tasks` and the handlers that they notified."),
    "after_batch": ("steps", "After each batch that changed something, on the hosts of all batches so far."),
    "handlers": ("handlers", "Done at the end, if a task that changed something has notified them."),
    "force_handlers": ("flag_or_template", "Also on hosts that have failed."),
    "gather_facts": ("flag", "Means nothing: facts are there where a template asks for them."),
    "when": ("conditions", "Expressions without braces, all of which must be true."),
    "delegate_to": ("text", "The host that does it instead."),
    "notify": ("texts", "Handlers to call if something has changed."),
    "block": ("block_steps", "Tasks that share what stands beside them."),
    "rescue": ("steps", "What is done when one of the block has failed."),
    "always": ("steps", "What is done whether it has failed or not."),
    "args": ("mapping", "Further arguments of the module."),
    "register": ("name_of_variable", "The variable that gets the result."),
    "loop": ("listed_loop", "Once for each item of a list: `item`."),
    "loop_control": ("loop_control", "How a loop goes."),
    "listen": ("texts", "Other names under which a handler is notified."),
    "changed_when": ("conditions", "Whether it has changed something."),
    "failed_when": ("conditions", "Whether it has failed."),
    "until": ("conditions", "Again until it is true."),
    "retries": ("any_number", "How often it is tried again; 3 without it."),
    "delay": ("any_number", "Seconds between two tries; 5 without it."),
    "once": ("once", "`rollout`: on one host of the whole rollout."),
}
LOOP_CONTROL: Mapping[str, tuple[str, str]] = {
    "loop_var": ("name_of_variable", "The variable's name instead of `item`."),
    "index_var": ("name_of_variable", "A variable with the number of the item, from 0."),
    "label": ("any", "What the output shows of an item."),
    "pause": ("number", "Seconds between two items."),
    "extended": ("flag_or_template", "Give `ansible_loop`: index, first, last, length …"),
    "extended_allitems": ("flag_or_template", "With `ansible_loop.allitems`."),
    "break_when": ("conditions", "Leave out what is left once it is true."),
}
PATH: Json = {"type": "string", "pattern": _NO_TEMPLATE}  # of a file that is imported


def words(names: Iterable[str]) -> dict[str, Json]:
    """The schemas of these words."""
    return {name: described(KINDS[kind], text) for name in names for kind, text in [WORDS[name]]}


def loop_control() -> Json:
    """The words of `loop_control`."""
    properties = {name: described(KINDS[kind], text) for name, (kind, text) in LOOP_CONTROL.items()}
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}
