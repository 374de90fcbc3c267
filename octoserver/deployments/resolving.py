"""Say which value a variable has in an environment and a step, and follow references.

The most specific scope wins: step and environment, then step, then environment, then everywhere.
``#{Name}`` in a value stands for another variable's; ``##{`` is a plain ``#{``. A sensitive value
is taken as it is, since a password may contain anything; what refers to one is sensitive itself.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from octoserver.deployments import vault
from octoserver.deployments.snapshots import applies
from tasks.masking import MASK
from tasks.sentences import kept

REFERENCE = re.compile(r"(#?)#\{([^{}\n]{1,200})\}")
OUTPUT = re.compile(r"Octopus\.Action\[([^\[\]]{1,100})\]\.Output\.([A-Za-z_][A-Za-z0-9_]{0,99})")
# The kernel takes 128 KiB as one string of an environment, and 2 MiB as all of it.
LARGEST, LARGEST_TOGETHER = 64 * 1024, 1024 * 1024
# As many references, one leading to the next, are followed.
DEEPEST = 50
# What the server itself says to every step; see docs/deployments.md.
BUILT_IN = (
    "Octopus.Project.Name",
    "Octopus.Project.Slug",
    "Octopus.Environment.Name",
    "Octopus.Release.Number",
    "Octopus.Deployment.Id",
    "Octopus.Runbook.Name",
    "Octopus.Step.Name",
    "Octopus.Task.Id",
    "Octoserver.Files",
)


# What is wrong with a reference.
BAD = kept(_("The variable %(name)s %(why)s"))
TOO_LARGE = kept(_("makes them all together larger than %(limit)s."))
CIRCLE = kept(_("refers to itself: %(circle)s."))
TOO_DEEP = kept(_("leads along more than %(deepest)s references."))
NO_VALUE = kept(_("is sensitive and has no value yet."))
UNREADABLE = kept(_("cannot be read: %(error)s."))
TOO_LONG = kept(_("comes to more than %(most)s KiB."))
UNKNOWN = kept(_("refers to #{%(wanted)s}, which has no value here."))


class BadReference(Exception):  # noqa: N818 a state of the world
    """A reference leads nowhere or in a circle; ``name`` is the variable that holds it."""

    def __init__(self, name: str, words: str) -> None:
        self.name = name
        super().__init__(gettext(BAD) % {"name": name, "why": words})


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What a variable comes to, and the row of the snapshot that it came from."""

    name: str
    value: str
    is_sensitive: bool
    row: Mapping[str, Any] | None = None
    # How many other rows of the name apply here and are less specific.
    hidden: int = 0

    @property
    def shown(self) -> str:
        return MASK if self.is_sensitive else self.value


def rank(row: Mapping[str, Any]) -> tuple[bool, bool]:
    """Return how specific a row's scope is."""
    return bool(row["steps"]), bool(row["environments"])


def references(value: str) -> list[str]:
    return [match[2].strip() for match in REFERENCE.finditer(value) if not match[1]]


def step_of(wanted: str) -> str:
    """Return the step whose output a reference names; nothing if it names none."""
    output = OUTPUT.fullmatch(wanted)
    return output[1] if output else ""


def resolve(
    rows: Iterable[Mapping[str, Any]],
    *,
    environment: int,
    step: str | None = None,
    given: Mapping[str, str] | None = None,
    secret: Mapping[str, str] | None = None,
    reveal: bool = False,
) -> dict[str, Resolved]:
    """Return every variable that has a value here, by name.

    ``given`` are values that the server knows, ``secret`` such ones that are sensitive. Sensitive
    values of the rows stay masked unless ``reveal``. A reference to an output that is not there yet
    stays as it is written. Raises ``BadReference`` and ``vault.Unreadable``.
    """
    return _Resolution(
        _chosen(rows, environment=environment, step=step), given or {}, secret or {}, reveal
    ).all()


def _chosen(
    rows: Iterable[Mapping[str, Any]], *, environment: int, step: str | None
) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows that apply by name, the most specific first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        in_step = not row["steps"] or (step is not None and step in row["steps"])
        if in_step and applies(row["environments"], environment):
            found.setdefault(row["name"], []).append(row)
    return {name: sorted(those, key=rank, reverse=True) for name, those in found.items()}


class _Resolution:
    """One walk along the references."""

    def __init__(
        self,
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
        given: Mapping[str, str],
        secret: Mapping[str, str],
        reveal: bool,
    ) -> None:
        self.rows, self.reveal = rows, reveal
        self.done: dict[str, Resolved] = {
            **{name: _plain(name, value) for name, value in given.items()},
            **{
                name: Resolved(name=name, value=value, is_sensitive=True)
                for name, value in secret.items()
            },
        }
        self.under_way: list[str] = []

    def all(self) -> dict[str, Resolved]:
        together = 0
        for name in self.rows:
            together += _size(name, self.one(name).value)
            if together > LARGEST_TOGETHER:
                limit = f"{LARGEST_TOGETHER // 1024:,} KiB"
                raise BadReference(name, gettext(TOO_LARGE) % {"limit": limit})
        return dict(sorted(self.done.items()))

    def one(self, name: str) -> Resolved:
        if name in self.done:
            return self.done[name]
        if name in self.under_way:
            circle = " → ".join([*self.under_way[self.under_way.index(name) :], name])
            raise BadReference(name, gettext(CIRCLE) % {"circle": circle})
        if len(self.under_way) >= DEEPEST:
            first = self.under_way[0]
            raise BadReference(first, gettext(TOO_DEEP) % {"deepest": DEEPEST})
        self.under_way.append(name)
        self.done[name] = self.worked_out(name)
        self.under_way.pop()
        return self.done[name]

    def worked_out(self, name: str) -> Resolved:
        row, *others = self.rows[name]
        if row["is_sensitive"]:
            value, is_sensitive = self.opened(name, row["value"]), True
        else:
            value, is_sensitive = self.expanded(name, row["value"])
        return Resolved(
            name=name, value=value, is_sensitive=is_sensitive, row=row, hidden=len(others)
        )

    def opened(self, name: str, token: str) -> str:
        if not self.reveal:
            return MASK
        if not token:
            raise BadReference(name, gettext(NO_VALUE))
        try:
            return vault.unseal(token)
        except vault.Unreadable as error:
            raise BadReference(name, gettext(UNREADABLE) % {"error": error}) from None

    def expanded(self, name: str, text: str) -> tuple[str, bool]:
        """Return a value with its references followed, and whether it became sensitive."""
        parts, done, is_sensitive = [], 0, False
        room = LARGEST - _size("", text)
        for match in REFERENCE.finditer(text):
            parts.append(text[done : match.start()])
            done = match.end()
            if match[1]:
                parts.append(match[0][1:])
                continue
            target = self.target(name, match[2].strip())
            parts.append(match[0] if target is None else target.value)
            room -= _size("", parts[-1])
            if room < 0:
                # Otherwise a few that refer to each other could fill the memory.
                raise BadReference(name, gettext(TOO_LONG) % {"most": LARGEST // 1024})
            is_sensitive |= target is not None and target.is_sensitive
        return "".join([*parts, text[done:]]), is_sensitive

    def target(self, name: str, wanted: str) -> Resolved | None:
        if wanted in self.done or wanted in self.rows:
            return self.one(wanted)
        if wanted in BUILT_IN or OUTPUT.fullmatch(wanted):
            return None
        raise BadReference(name, gettext(UNKNOWN) % {"wanted": wanted})


def _size(name: str, value: str) -> int:
    """Return how many bytes of a step's environment a variable takes."""
    return len(name) + len(value.encode("utf-8", "replace")) + 2


def _plain(name: str, value: str) -> Resolved:
    return Resolved(name=name, value=value, is_sensitive=False)
