"""Say which value a variable has in an environment and a step, and follow references.

The most specific scope wins: step and environment, then step, then environment, then everywhere.
``#{Name}`` in a value stands for another variable's; ``##{`` is a plain ``#{``. A sensitive value
is taken as it is, since a password may contain anything; what refers to one is sensitive itself.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from octoserver.deployments import vault
from octoserver.deployments.snapshots import applies
from tasks.masking import MASK

REFERENCE = re.compile(r"(#?)#\{([^{}\n]{1,200})\}")
OUTPUT = re.compile(r"Octopus\.Action\[([^\[\]]{1,100})\]\.Output\.([A-Za-z_][A-Za-z0-9_]{0,99})")
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


class BadReference(Exception):  # noqa: N818 a state of the world
    """A reference leads nowhere or in a circle; ``name`` is the variable that holds it."""

    def __init__(self, name: str, words: str) -> None:
        self.name = name
        super().__init__(f"The variable {name} {words}")


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
        for name in self.rows:
            self.one(name)
        return dict(sorted(self.done.items()))

    def one(self, name: str) -> Resolved:
        if name in self.done:
            return self.done[name]
        if name in self.under_way:
            circle = " → ".join([*self.under_way[self.under_way.index(name) :], name])
            raise BadReference(name, f"refers to itself: {circle}.")
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
            raise BadReference(name, "is sensitive and has no value yet.")
        try:
            return vault.unseal(token)
        except vault.Unreadable as error:
            raise BadReference(name, f"cannot be read: {error}.") from None

    def expanded(self, name: str, text: str) -> tuple[str, bool]:
        """Return a value with its references followed, and whether it became sensitive."""
        parts, done, is_sensitive = [], 0, False
        for match in REFERENCE.finditer(text):
            parts.append(text[done : match.start()])
            done = match.end()
            if match[1]:
                parts.append(match[0][1:])
                continue
            target = self.target(name, match[2].strip())
            parts.append(match[0] if target is None else target.value)
            is_sensitive |= target is not None and target.is_sensitive
        return "".join([*parts, text[done:]]), is_sensitive

    def target(self, name: str, wanted: str) -> Resolved | None:
        if wanted in self.done or wanted in self.rows:
            return self.one(wanted)
        if wanted in BUILT_IN or OUTPUT.fullmatch(wanted):
            return None
        raise BadReference(name, f"refers to #{{{wanted}}}, which has no value here.")


def _plain(name: str, value: str) -> Resolved:
    return Resolved(name=name, value=value, is_sensitive=False)
