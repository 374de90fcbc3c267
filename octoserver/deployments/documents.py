"""Read a project from YAML within limits, and write one: a readable file, without any secret.

Anchors and aliases are refused, so that a small file stays small; what is wrong is said with its
line and column.
"""

from collections.abc import Callable, Mapping
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from octoserver.deployments import plaintext
from octoserver.deployments.errors import BadDocument
from octoserver.deployments.forms import LARGEST_SCRIPT, LONGEST_TIME_LIMIT, MOST_RETRIES
from octoserver.deployments.models import Condition, Shell

FORMAT = 1
LARGEST = 4 * 1024 * 1024
OTHER_ENDS = frozenset("\r\x85\u2028\u2029")
MOST_EVENTS, DEEPEST = 50_000, 8
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Document = dict[str, Any]


class Marked(dict[str, Any]):
    """A part of a document that knows where it stands, and each of its values."""

    mark: Any = None
    marks: dict[str, Any]


def load(text: bytes) -> Document:
    """Return the project that ``text`` describes, checked in shape. Raises ``BadDocument``."""
    if len(text) > LARGEST:
        raise BadDocument(f"The file has more than {LARGEST:,} bytes, which is the most.")
    words = plaintext.decoded(text)
    try:
        _be_harmless(words)
        node = yaml.compose(words, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        problem = f"This is not YAML: {error.problem or error.context}."
        raise BadDocument(problem, error.problem_mark or error.context_mark) from None
    except yaml.YAMLError as error:
        raise BadDocument(f"This is not YAML: {str(error).splitlines()[0]}.") from None
    if node is None:
        raise BadDocument("The file is empty.")
    return _document(node)


def dump(document: Document) -> str:
    """Return a document as YAML that people can read and git can compare."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def _be_harmless(text: str) -> None:
    """Walk the file's events, which takes no more memory however it is nested."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadDocument("Anchors and aliases are not taken.", event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise BadDocument("This is nested too deep to be a project.", event.start_mark)
        if number > MOST_EVENTS:
            raise BadDocument("The file has too many parts to be a project.", event.start_mark)


class _Dumper(yaml.SafeDumper):
    """Writes scripts as blocks, and lists indented."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> ScalarNode:
    # Of other ends of lines, a block would make plain ones.
    style = '"' if OTHER_ENDS & set(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)

Reader = Callable[[Node], Any]


def _document(node: Node) -> Document:
    # First of all, since another format may have other keys.
    _mapping(node, {"format": _format}, required=("format",), rest=True)
    parts = {
        "format": _format,
        "project": _project,
        "environments": _list(_string(50)),
        "process": _list(_step),
        "variables": _list(_variable),
        "runbooks": _list(_runbook),
        "triggers": _list(_trigger),
    }
    document = _mapping(node, parts, required=("format", "project"))
    for name in ("environments", "process", "variables", "runbooks", "triggers"):
        document.setdefault(name, [])
    return document


def _project(node: Node) -> Document:
    fields = {
        "name": _string(100),
        "slug": _string(60),
        "description": _string(10_000),
        "promotes_in_order": _boolean,
        "environments": _list(_string(50)),
    }
    found = _mapping(node, fields, required=("name", "slug"))
    return _filled(found, {"description": "", "promotes_in_order": True, "environments": []})


def _step(node: Node) -> Document:
    fields = {
        "name": _string(60),
        "shell": _choice(Shell.values),
        "script": _script,
        "condition": _choice(Condition.values),
        "time_limit": _integer(1, LONGEST_TIME_LIMIT),
        "retries": _integer(0, MOST_RETRIES),
        "environments": _list(_string(50)),
    }
    found = _mapping(node, fields, required=("name", "script"))
    return _filled(
        found,
        {
            "shell": "bash", "condition": "success", "time_limit": 3600, "retries": 0,
            "environments": [],
        },
    )  # fmt: skip


def _variable(node: Node) -> Document:
    fields = {
        "name": _string(100),
        "value": _string(LARGEST_SCRIPT),
        "sensitive": _boolean,
        "environments": _list(_string(50)),
        "steps": _list(_string(200)),
    }
    found = _mapping(node, fields, required=("name",))
    if found.get("sensitive") and "value" in found:
        raise BadDocument("A sensitive variable has no value in a file.", node.start_mark)
    if not found.get("sensitive") and "value" not in found:
        raise BadDocument("The key “value” is missing.", node.start_mark)
    return _filled(found, {"sensitive": False, "environments": [], "steps": []})


def _runbook(node: Node) -> Document:
    fields = {"name": _string(100), "description": _string(10_000), "process": _list(_step)}
    found = _mapping(node, fields, required=("name",))
    return _filled(found, {"description": "", "process": []})


def _trigger(node: Node) -> Document:
    fields = {
        "name": _string(100),
        "cron": _string(100),
        "time_zone": _string(60),
        "environment": _string(50),
        "runbook": _string(100),
        "enabled": _boolean,
    }
    found = _mapping(node, fields, required=("name", "cron", "time_zone", "environment"))
    return _filled(found, {"runbook": "", "enabled": True})


def _filled(found: Document, defaults: Document) -> Document:
    for name, value in defaults.items():
        found.setdefault(name, value)
    return found


def _mapping(
    node: Node,
    fields: Mapping[str, Reader],
    *,
    required: tuple[str, ...] = (),
    rest: bool = False,
) -> Document:
    """Read a mapping whose keys are known; with ``rest`` leave out those that are not."""
    if not isinstance(node, MappingNode):
        raise BadDocument(f"Here must be the keys {', '.join(fields)}.", node.start_mark)
    found = Marked()
    found.mark, found.marks = node.start_mark, {}
    for key, value in node.value:
        name = _string(100)(key)
        if name in found:
            raise BadDocument(f"The key “{name}” stands here twice.", key.start_mark)
        if name in fields:
            found[name] = fields[name](value)
            found.marks[name] = value.start_mark
        elif not rest:
            known = ", ".join(fields)
            raise BadDocument(f"“{name}” is no key here; these are: {known}.", key.start_mark)
    missing = [name for name in required if name not in found]
    if missing:
        raise BadDocument(f"The key “{missing[0]}” is missing.", node.start_mark)
    return found


def _list(reader: Reader) -> Reader:
    def read(node: Node) -> list[Any]:
        if not isinstance(node, SequenceNode):
            raise BadDocument("Here must be a list.", node.start_mark)
        return [reader(each) for each in node.value]

    return read


def _scalar(node: Node, *kinds: str) -> str:
    if not isinstance(node, ScalarNode):
        raise BadDocument("Here must be a single value.", node.start_mark)
    if kinds and node.tag.rpartition(":")[2] not in kinds:
        raise BadDocument(
            f"“{node.value[:40]}” is not what belongs here; text may need quotes.", node.start_mark
        )
    return str(node.value)


def _string(longest: int) -> Reader:
    def read(node: Node) -> str:
        text = _scalar(node, "str")
        if len(text) > longest:
            raise BadDocument(f"This has more than {longest:,} characters.", node.start_mark)
        if "\0" in text:
            raise BadDocument("This holds the character NUL.", node.start_mark)
        return text

    return read


def _script(node: Node) -> str:
    text: str = _string(LARGEST_SCRIPT)(node)
    if not text.strip():
        raise BadDocument("The step has no script.", node.start_mark)
    return text


def _boolean(node: Node) -> bool:
    return _scalar(node, "bool").lower() in {"true", "yes", "on"}


def _integer(smallest: int, largest: int) -> Reader:
    def read(node: Node) -> int:
        text = _scalar(node, "int")
        if not text.isdigit() or len(text) > 9 or not smallest <= int(text) <= largest:
            words = f"“{text[:20]}” is not between {smallest} and {largest}."
            raise BadDocument(words, node.start_mark)
        return int(text)

    return read


def _format(node: Node) -> int:
    text = _scalar(node)
    if text != str(FORMAT):
        words = f"This is format “{text[:20]}”, and this server reads format {FORMAT}."
        raise BadDocument(words, node.start_mark)
    return FORMAT


def _choice(values: list[str]) -> Reader:
    def read(node: Node) -> str:
        text = _scalar(node, "str")
        if text not in values:
            raise BadDocument(f"“{text[:40]}” is none of {', '.join(values)}.", node.start_mark)
        return text

    return read
