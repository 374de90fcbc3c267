"""Check that the database is what the code expects: migrations, constraints, rows that fit."""

import re
from collections.abc import Callable, Container, Iterator
from datetime import timedelta

from django.apps import apps
from django.db import connection, models
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from tasks import kinds
from tasks.execution import Execution
from tasks.models import LogChunk, ServerTask
from tasks.sentences import kept

Problems = Iterator[str]
# How Django names the constraints of a table that it makes in SQLite.
NAMED = re.compile(r'CONSTRAINT "([^"]+)"')
PROBLEM_FOUND = kept(gettext_noop("1 problem found."))
PROBLEMS_FOUND = kept(gettext_noop("%(number)s problems found."))


@kinds.register
class SystemIntegrityCheck(kinds.TaskKind):
    """Only reads. Each finding is a line of its log; one is enough to fail it."""

    name = "SystemIntegrityCheck"
    label = _("Check system integrity")
    is_system = True
    idempotent = True
    interval = timedelta(hours=24)
    at_start = True

    def execute(self, run: Execution) -> None:
        found = 0
        for title, check in CHECKS:
            run.raise_if_canceled()
            problems = list(check())
            found += len(problems)
            run.log.info(
                f"{title}: {f'{len(problems)} problems' if problems else 'as it should be'}."
            )
            for problem in problems:
                run.log.error(problem)
        if found:
            words = PROBLEMS_FOUND if found > 1 else PROBLEM_FOUND
            raise kinds.Failure(words % {"number": found})


def migrations() -> Problems:
    """Name what ``migrate`` would do, and what is applied that this version does not know."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    yield from (f"{step.app_label}.{step.name} is not applied." for step, _ in plan)
    known = set(executor.loader.graph.nodes)
    apps_here = {config.label for config in apps.get_app_configs()}
    for label, name in sorted(set(executor.loader.applied_migrations) - known):
        if label in apps_here and not _is_replaced(executor, (label, name)):
            yield f"{label}.{name} is applied, but this version does not know it."


def constraints() -> Problems:
    """Name the constraints that the code declares and the database lacks."""
    with connection.cursor() as cursor:
        for model in _own_models():
            there = _constraints_of(cursor, model._meta.db_table)
            for constraint in model._meta.constraints:
                if constraint.name not in there:
                    yield f"The constraint {constraint.name} is missing."


def foreign_keys() -> Problems:
    """Name the rows that point to rows that are not there."""
    for model in _own_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and field.related_model != model:
                yield from _orphans(model, field)


def engine() -> Problems:
    """Ask the engine itself; only SQLite has an answer that is quick enough."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA quick_check(10)")
            yield from (f"SQLite: {row[0]}" for row in cursor.fetchall() if row[0] != "ok")


def logs() -> Problems:
    """Name the newest tasks whose log has a gap."""
    newest = ServerTask.objects.completed().newest()[:100]
    for task in newest:
        expected = 1
        chunks = LogChunk.objects.after(task, 0).values_list("first_line", "line_count")
        for first_line, line_count in chunks:
            if first_line != expected:
                yield f"The log of {task.name} has a gap before line {first_line}."
            expected = first_line + line_count


CHECKS: list[tuple[str, Callable[[], Problems]]] = [
    ("Migrations", migrations),
    ("Constraints", constraints),
    ("Rows that point to others", foreign_keys),
    ("The database's own check", engine),
    ("Task logs", logs),
]


def _own_models() -> list[type[models.Model]]:
    return [model for label in ("tasks", "maintenance") for model in _models_of(label)]


def _models_of(label: str) -> list[type[models.Model]]:
    return list(apps.get_app_config(label).get_models()) if apps.is_installed(label) else []


def _constraints_of(cursor: CursorWrapper, table: str) -> Container[str]:
    """Return the names of a table's constraints.

    On SQLite from the words that made it: Django parses them in Python, for 0.1 to 0.2 seconds in
    which the other threads of a worker that starts come late.
    """
    if connection.vendor != "sqlite":
        return connection.introspection.get_constraints(cursor, table)
    cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = %s", [table])
    found = set()
    for kind, name, words in cursor.fetchall():
        found |= set(NAMED.findall(words)) if kind == "table" else {name}
    return found


def _orphans(model: type[models.Model], field: models.ForeignKey[object, object]) -> Problems:
    target = field.related_model
    there = Exists(target._default_manager.filter(pk=OuterRef(field.attname)))
    rows = model._default_manager.filter(~there, **{f"{field.name}__isnull": False})
    for pk in rows.values_list("pk", flat=True)[:10]:
        yield f"{model.__name__} {pk} points to a {target.__name__} that is not there."


def _is_replaced(executor: MigrationExecutor, key: tuple[str, str]) -> bool:
    return any(key in migration.replaces for migration in executor.loader.replacements.values())
