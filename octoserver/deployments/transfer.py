"""Export a project to a document and import one: says first what changes, then all or nothing."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from octoserver.deployments import (
    history,
    processes,
    projects,
    snapshots,
    triggers,
    variables,
)
from octoserver.deployments.documents import FORMAT, Document
from octoserver.deployments.errors import BadDocument, Refused
from octoserver.deployments.models import Environment, Project, Runbook, Step, Trigger


class _Undone(Exception):  # noqa: N818 takes everything back
    pass


def export(project: Project) -> Document:
    """Return a project as a document; sensitive variables are there by name only."""
    names = dict(Environment.objects.values_list("pk", "name"))
    return {
        "format": FORMAT,
        "project": history.of_project(project),
        "environments": [row.name for row in Environment.objects.in_order()],
        "process": _exported_steps(project, None),
        "variables": [_exported_variable(row, names) for row in snapshots.of_variables(project)],
        "runbooks": [
            {
                "name": runbook.name,
                "description": runbook.description,
                "process": _exported_steps(project, runbook),
            }
            for runbook in project.runbooks.all()
        ],
        "triggers": [
            {
                "name": row.name,
                "cron": row.cron,
                "time_zone": row.time_zone,
                "environment": row.environment.name,
                "runbook": row.runbook.name if row.runbook else "",
                "enabled": row.is_enabled,
            }
            for row in project.triggers.select_related("environment", "runbook")
        ],
    }


def _exported_steps(project: Project, runbook: Runbook | None) -> list[Document]:
    steps = [history.of_step(step) for step in processes.of(project, runbook)]
    return [{name: step[name] for name in step if name != "position"} for step in steps]


def _exported_variable(row: Document, names: dict[int, str]) -> Document:
    value = {"sensitive": True} if row["is_sensitive"] else {"value": row["value"]}
    scopes = {"environments": [names[pk] for pk in row["environments"]], "steps": row["steps"]}
    return {"name": row["name"], **value, **{name: them for name, them in scopes.items() if them}}


def preview(document: Document) -> list[str]:
    """Return what importing would change, having changed nothing. Raises as ``carry_out``."""
    lines: list[str] = []
    try:
        with transaction.atomic():
            lines = _Import(document).carry_out()
            raise _Undone
    except _Undone:
        return lines


def carry_out(document: Document, *, foretold: list[str] | None = None) -> list[str]:
    """Make the project what the document says, and return what changed.

    Raises ``BadDocument``, also if that is anything else than was ``foretold``; then nothing was
    changed.
    """
    with transaction.atomic():
        lines = _Import(document).carry_out()
        if foretold is not None and lines != foretold:
            raise BadDocument("The project was changed meanwhile, so this would do something else.")
    return lines


@contextmanager
def _at(part: Any, field: str = "") -> Iterator[None]:
    """Say where in the document stands what a writer refuses: at its field, or at this one."""
    try:
        yield
    except Refused as refusal:
        raise BadDocument(str(refusal), _mark(part, refusal.field, field)) from None


def _mark(part: Any, *fields: str) -> Any:
    """Return where the value of one of the fields stands, or else the part that has them."""
    marks = getattr(part, "marks", {})
    found = [marks[field] for field in fields if field in marks]
    return found[0] if found else getattr(part, "mark", None)


class _Import:
    """One import, by the same writers that the pages call."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.project = Project()

    def carry_out(self) -> list[str]:
        slug = self.document["project"]["slug"]
        rows = Project.objects.select_for_update()
        self.project = rows.filter(slug=slug).first() or Project()
        before = export(self.project) if self.project.pk else {}
        places = set(Environment.objects.values_list("name", flat=True))
        self.make_environments(places)
        self.make_project(self.document["project"])
        self.make_runbooks()
        self.make_steps(None, self.document["process"])
        self.make_variables()
        self.make_triggers()
        self.remove_the_rest()
        added = [f"+ environment {name}" for name in self.document["environments"]]
        new = [line for line in added if line[14:] not in places]
        return new + _differences(before, export(self.project))

    def make_environments(self, known: Iterable[str]) -> None:
        for name in dict.fromkeys(self.document["environments"]):
            if name not in known:
                with _at(self.document, "environments"):
                    projects.save_environment(Environment(), person=None, name=name)

    def make_project(self, part: Any) -> None:
        used = _environments(part["environments"], part)
        with _at(part):
            projects.save(self.project, person=None, **{**part, "environments": used})

    def make_runbooks(self) -> None:
        for part in _distinct(self.document["runbooks"]):
            found = Runbook.objects.filter(project=self.project, name__iexact=part["name"]).first()
            with _at(part):
                runbook = projects.save_runbook(
                    found or Runbook(project=self.project),
                    person=None,
                    name=part["name"],
                    description=part["description"],
                )
            self.make_steps(runbook, part["process"])

    def make_steps(self, runbook: Runbook | None, parts: list[Any]) -> None:
        # Whatever its capitals: names that differ in no more are the same.
        old = {step.name.lower(): step for step in processes.of(self.project, runbook)}
        rows: list[Step] = []
        for part in _distinct(parts):
            step = old.pop(part["name"].lower(), None) or Step(
                project=self.project, runbook=runbook
            )
            fields = {**part, "environments": _environments(part["environments"], part)}
            with _at(part):
                processes.be_few(len(rows) + 1)
                # Those that are to go are there still.
                rows.append(processes.save(step, person=None, is_counted=False, **fields))
        # Those that are not in the document go last, and later altogether.
        projects.renumber([*rows, *old.values()])

    def make_variables(self) -> None:
        parts = self.document["variables"]
        steps = {
            snapshots.step_path(step): step
            for step in Step.objects.filter(project=self.project).select_related("runbook")
        }
        rows = [
            {
                "name": part["name"],
                "value": part.get("value", ""),
                "is_sensitive": part["sensitive"],
                "environments": _environments(part["environments"], part),
                "steps": [_known(steps, path, "steps", part) for path in part["steps"]],
            }
            for part in parts
        ]
        try:
            variables.replace(self.project, rows, person=None)
        except Refused as refusal:
            part = parts[refusal.row] if refusal.row is not None else None
            raise BadDocument(str(refusal), _mark(part, refusal.field)) from None

    def make_triggers(self) -> None:
        runbooks = {runbook.name: runbook for runbook in self.project.runbooks.all()}
        for part in _distinct(self.document["triggers"]):
            found = Trigger.objects.filter(project=self.project, name__iexact=part["name"]).first()
            (place,) = _environments([part["environment"]], part, "environment")
            name = part["runbook"]
            with _at(part):
                triggers.save(
                    found or Trigger(project=self.project),
                    person=None,
                    name=part["name"],
                    cron=part["cron"],
                    time_zone=part["time_zone"],
                    environment=place,
                    runbook=_known(runbooks, name, "runbook", part) if name else None,
                    is_enabled=part["enabled"],
                )

    def remove_the_rest(self) -> None:
        """Remove what the document does not name, last, when nothing refers to it any more."""
        kept = {part["name"] for part in self.document["triggers"]}
        for trigger in self.project.triggers.exclude(name__in=kept):
            triggers.delete(trigger, person=None)
        self.remove_steps(None, self.document["process"])
        parts = {part["name"]: part for part in self.document["runbooks"]}
        for runbook in self.project.runbooks.all():
            if runbook.name in parts:
                self.remove_steps(runbook, parts[runbook.name]["process"])
            else:
                with _at(self.document, "runbooks"):
                    projects.delete_runbook(runbook, person=None)

    def remove_steps(self, runbook: Runbook | None, parts: list[Any]) -> None:
        kept = {part["name"] for part in parts}
        for step in processes.of(self.project, runbook).exclude(name__in=kept):
            with _at(self.document):
                processes.delete(step, person=None)


def _distinct(parts: list[Any]) -> list[Any]:
    """Return the parts, whose names must differ in more than their capitals."""
    seen: set[str] = set()
    for part in parts:
        if part["name"].lower() in seen:
            raise BadDocument(f"“{part['name']}” stands here twice.", _mark(part, "name"))
        seen.add(part["name"].lower())
    return parts


def _environments(names: list[str], part: Any, field: str = "environments") -> list[Environment]:
    known = {row.name: row for row in Environment.objects.all()}
    return [_known(known, name, field, part) for name in names]


def _known(rows: dict[str, Any], name: str, field: str, part: Any) -> Any:
    if name not in rows:
        raise BadDocument(f"There is no {field.rstrip('s')} “{name}”.", _mark(part, field))
    return rows[name]


def _differences(before: Document, after: Document) -> list[str]:
    """Return a line for each part of a project that was added, changed or removed."""
    old, new = _parts(before), _parts(after)
    lines = []
    for name in dict.fromkeys([*old, *new]):
        if name not in old:
            lines.append(f"+ {name}")
        elif name not in new:
            lines.append(f"- {name}")
        elif old[name] != new[name]:
            changed = [key for key in new[name] if new[name][key] != old[name].get(key)]
            lines.append(f"~ {name}: {', '.join(changed)}")
    return lines


def _parts(document: Document) -> dict[str, Document]:
    """Return the parts of an exported project by what they are called in a list of changes."""
    if not document:
        return {}
    found = {f"project {document['project']['slug']}": document["project"]}
    order = [step["name"] for step in document["process"]]
    found["the process"] = {"order of steps": order}
    for step in document["process"]:
        found[f"step {step['name']}"] = step
    for row in document["variables"]:
        scope = ", ".join([*row.get("environments", []), *row.get("steps", [])])
        found[f"variable {row['name']}" + (f" in {scope}" if scope else "")] = row
    for runbook in document["runbooks"]:
        found[f"runbook {runbook['name']}"] = runbook
    for trigger in document["triggers"]:
        found[f"trigger {trigger['name']}"] = trigger
    return found
