"""Create, change and delete variables: the one module that does, and that seals sensitive ones."""

import re
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from octoserver.deployments import changes, history, resolving, snapshots, vault
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Environment, Project, Step, Variable
from tasks.masking import SHORTEST

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}", re.ASCII)
# Names with which a step would not see variables but change how its shell works.
RESERVED = re.compile(
    r"octo(pus|server)([._-].*)?|ld_.*|dyld_.*|bash_.*|env|ifs|path|home|shellopts|bashopts|ps4|"
    r"tmpdir|pwd|oldpwd|python(path|home|startup|inspect)",
    re.IGNORECASE,
)
# The kernel takes 128 KiB as one string of an environment.
LARGEST = 64 * 1024
# As many in a project: each change is checked against all the others.
MOST = 1_000


def save(
    variable: Variable,
    *,
    person: Any,
    name: str,
    value: str | None,
    is_sensitive: bool,
    environments: Iterable[Environment] = (),
    steps: Iterable[Step] = (),
) -> Variable:
    """Store a new variable, or change one; ``value`` None keeps a sensitive value.

    Raises ``Refused`` for what could not be resolved: an unknown or circular reference, or two
    values that would be equally specific somewhere.
    """
    environments, steps = list(environments), list(steps)
    with changes.by(person):
        # Two changes at once could each be right and make a circle together.
        Project.objects.select_for_update().get(pk=variable.project_id)
        before = history.of_variable(Variable.objects.get(pk=variable.pk)) if variable.pk else None
        check_name(name)
        stored = _stored(variable, value, is_sensitive=is_sensitive)
        row = {
            "name": name,
            "value": stored,
            "is_sensitive": is_sensitive,
            "environments": [environment.pk for environment in environments],
            "steps": [snapshots.step_path(step) for step in steps],
        }
        others = _others(variable)
        if not variable.pk and len(others) >= MOST:
            raise Refused(
                _("A project has %(most)s variables at most.")
                % {"most": number_format(MOST, force_grouping=True)}
            )
        check(row, others, step_paths(variable.project))
        if before and before["name"] != name:
            _be_unneeded(before["name"], [row, *others])
        variable.name, variable.value, variable.is_sensitive = name, stored, is_sensitive
        variable.save()
        variable.environments.set(environments)
        variable.steps.set(steps)
        after = history.of_variable(Variable.objects.get(pk=variable.pk))
        if before == after and is_sensitive and value is not None:
            before = {**before, "value": "an earlier value"} if before else None
        history.record(
            person,
            history.VARIABLE % {"name": name},
            project=variable.project,
            before=before,
            after=after,
        )
    return variable


def delete(variable: Variable, *, person: Any) -> None:
    """Delete a variable. Raises ``Refused`` if another one refers to it and would lose it."""
    with changes.by(person):
        Project.objects.select_for_update().get(pk=variable.project_id)
        variable = Variable.objects.select_related("project").get(pk=variable.pk)
        _be_unneeded(variable.name, _others(variable))
        history.record(
            person,
            history.VARIABLE % {"name": variable.name},
            project=variable.project,
            before=history.of_variable(variable),
        )
        variable.delete()


def _be_unneeded(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise ``Refused`` if one of the rows that are left refers to a name that none of them has."""
    if any(row["name"] == name for row in rows):
        return
    for row in rows:
        if not row["is_sensitive"] and name in resolving.references(row["value"]):
            raise Refused(
                _("The variable %(variable)s refers to %(name)s: change that first.")
                % {"variable": row["name"], "name": name}
            )


def environment_name(name: str) -> str:
    """Return the name under which a step's environment has a variable."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise Refused(
            _(
                "A name is made of letters, digits, dots, dashes and underscores, and begins with"
                " a letter."
            ),
            field="name",
        )
    if RESERVED.fullmatch(name):
        raise Refused(
            _("The name %(name)s is reserved: it has a meaning of its own.") % {"name": name},
            field="name",
        )


def check_value(value: str, *, is_sensitive: bool) -> None:
    if "\0" in value:
        raise Refused(_("A value cannot hold the character NUL."), field="value")
    if len(value.encode("utf-8", "replace")) > LARGEST:
        raise Refused(
            _("A value has %(most)s KiB at most.") % {"most": LARGEST // 1024}, field="value"
        )
    if is_sensitive and len(value.strip()) < SHORTEST:
        raise Refused(
            _(
                "A sensitive value has %(shortest)s characters at least: a shorter one could"
                " not be told from ordinary words in a log, and so not be masked."
            )
            % {"shortest": SHORTEST},
            field="secret",
        )


def check(
    row: Mapping[str, Any], others: Sequence[Mapping[str, Any]], paths: Iterable[str]
) -> None:
    """Raise ``Refused`` if a row does not go with the others of its project."""
    for other in others:
        _be_unambiguous(row, other)
    graph = _graph([*others, row])
    _be_known(row["name"], graph, paths)
    circle = _circle(row["name"], graph)
    if circle:
        raise Refused(
            _("It refers to itself: %(circle)s.") % {"circle": " → ".join(circle)}, field="value"
        )


def _check_all(rows: Sequence[Mapping[str, Any]], paths: Iterable[str]) -> None:
    """Raise ``Refused``, with the number of the row, if rows do not go with each other."""
    graph, paths = _graph(rows), list(paths)
    alike: dict[str, list[Mapping[str, Any]]] = {}
    circle = _any_circle(graph)
    for number, row in enumerate(rows):
        try:
            check_name(row["name"])
            if not row["is_sensitive"]:  # those are sealed, and were looked at when they were
                check_value(row["value"], is_sensitive=False)
            same = alike.setdefault(environment_name(row["name"]), [])
            for other in same:
                _be_unambiguous(row, other)
            same.append(row)
            _be_known(row["name"], graph, paths)
            if row["name"] in circle:
                raise Refused(
                    _("It refers to itself: %(circle)s.") % {"circle": " → ".join(circle)},
                    field="value",
                )
        except Refused as refusal:
            refusal.row = number
            raise


def _graph(rows: Sequence[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return which names the values of a name refer to, whatever their scopes."""
    graph: dict[str, set[str]] = {}
    for row in rows:
        wanted = graph.setdefault(row["name"], set())
        if not row["is_sensitive"]:
            wanted.update(resolving.references(row["value"]))
    return graph


def _be_known(name: str, graph: Mapping[str, set[str]], paths: Iterable[str]) -> None:
    unknown = sorted(graph[name].difference(graph, resolving.BUILT_IN))
    if not unknown:
        return
    steps = {path.rpartition("/")[2] for path in paths}
    for wanted in unknown:
        if resolving.step_of(wanted) not in steps:
            raise Refused(
                _("It refers to #{%(wanted)s}, which there is not.") % {"wanted": wanted},
                field="value",
            )


def _any_circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the names along one circle of references, the first again at its end; or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        along: list[str] = error.args[1]
        return along[::-1]
    return []


def _be_unambiguous(row: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    if row["name"] != other["name"]:
        if environment_name(row["name"]) == environment_name(other["name"]):
            raise Refused(
                _("%(name)s would be the same in a step's environment.") % {"name": other["name"]},
                field="name",
            )
        return
    if resolving.rank(row) == resolving.rank(other) and all(
        _meet(row[scope], other[scope]) for scope in ("environments", "steps")
    ):
        raise Refused(
            _(
                "Another value of %(name)s holds in the same scope, and neither is more"
                " specific: narrow one of them."
            )
            % {"name": row["name"]},
            field="environments",
        )


def _meet(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return (not one and not other) or bool(set(one) & set(other))


def _circle(start: str, graph: Mapping[str, set[str]]) -> list[str]:
    """Return a way along references from a name to itself; empty if there is none."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop()
        for name in graph.get(way[-1], ()):
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _stored(variable: Variable, value: str | None, *, is_sensitive: bool) -> str:
    """Return the value as it is stored. Raises ``Refused``."""
    if value is None:
        if not (variable.pk and variable.is_sensitive and is_sensitive):
            raise Refused(_("A value is needed."), field="secret" if is_sensitive else "value")
        return variable.value
    check_value(value, is_sensitive=is_sensitive)
    return vault.seal(value) if is_sensitive else value


def _others(variable: Variable) -> list[dict[str, Any]]:
    rows = Variable.objects.filter(project=variable.project_id).exclude(pk=variable.pk)
    return [
        snapshots.of_variable(row)
        for row in rows.prefetch_related("environments", "steps__runbook")
    ]


def step_paths(project: Project) -> list[str]:
    return [
        snapshots.step_path(step)
        for step in Step.objects.filter(project=project).select_related("runbook")
    ]


def replace(project: Project, rows: Sequence[dict[str, Any]], *, person: Any) -> None:
    """Make these the variables of a project; a sensitive one keeps the value of its scope.

    Each row has ``name``, ``value``, ``is_sensitive``, ``environments`` and ``steps``. Raises
    ``Refused``, whose ``row`` is the number of the row that is wrong.
    """
    with changes.by(person):
        Project.objects.select_for_update().get(pk=project.pk)
        existing = Variable.objects.filter(project=project)
        old = [snapshots.of_variable(variable) for variable in existing]
        kept = {_scope(row): row["value"] for row in old if row["is_sensitive"]}
        new = [_plain(row, kept) for row in rows]
        paths = step_paths(project)
        if len(new) > MOST:
            raise Refused(
                _("A project has %(most)s variables at most.")
                % {"most": number_format(MOST, force_grouping=True)}
            )
        _check_all(new, paths)
        if sorted(map(_scope_and_value, new)) == sorted(map(_scope_and_value, old)):
            return
        existing.delete()
        for row, plain in zip(rows, new, strict=True):
            variable = Variable.objects.create(
                project=project,
                name=plain["name"],
                value=plain["value"],
                is_sensitive=plain["is_sensitive"],
            )
            variable.environments.set(row["environments"])
            variable.steps.set(row["steps"])
        history.record(
            person,
            history.VARIABLES,
            project=project,
            before={"variables": history.of_variables(old)},
            after={"variables": history.of_variables(new)},
        )


def _plain(row: Mapping[str, Any], kept: Mapping[Any, str]) -> dict[str, Any]:
    plain = {
        "name": row["name"],
        "value": row["value"],
        "is_sensitive": row["is_sensitive"],
        "environments": sorted(environment.pk for environment in row["environments"]),
        "steps": sorted(map(snapshots.step_path, row["steps"])),
    }
    if row["is_sensitive"]:
        plain["value"] = kept.get(_scope(plain), "")
    return plain


def _scope(row: Mapping[str, Any]) -> tuple[str, tuple[int, ...], tuple[str, ...]]:
    return row["name"], tuple(row["environments"]), tuple(row["steps"])


def _scope_and_value(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return *_scope(row), row["value"], row["is_sensitive"]
