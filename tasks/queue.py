"""Create tasks: the one module that inserts them.

A task is accepted once its row is committed; the wake-up that follows may be lost without harm.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.forms import Form

from maintenance import gate
from tasks import clock, conf, kinds, wake
from tasks.models import ServerTask

PRIORITIZE = "tasks.prioritize_servertask"
# A time typed to the minute may lie behind by the time it arrives.
BEHIND_ALLOWED = timedelta(minutes=1)
DESCRIPTION_LENGTH = ServerTask._meta.get_field("description").max_length or 200


class ArgumentsRefused(Exception):  # noqa: N818 a state of the world
    """The kind's form refuses the arguments; ``form`` says why, field by field."""

    def __init__(self, form: Form) -> None:
        self.form = form
        super().__init__(" ".join(_worded(form)))


class BadSchedule(Exception):  # noqa: N818 a state of the world
    """The times make no sense; ``field`` names the one to change."""

    def __init__(self, words: str, *, field: str = "queue_time") -> None:
        self.field = field
        super().__init__(words)


def enqueue(
    kind: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    person: Any = None,
    queue_time: datetime | None = None,
    queue_time_expiry: datetime | None = None,
    parent: ServerTask | None = None,
    rerun_of: ServerTask | None = None,
    prioritized: bool = False,
    description: str | None = None,
    token: str | None = None,
) -> ServerTask:
    """Create a task, now or for ``queue_time``, and wake a worker once it is committed.

    ``person`` is who asks, by whom permission and gate are asked; None is the server itself, or the
    task ``parent``, whose person the child belongs to. ``token`` marks one filled-in form: the same
    person's second task with it is the first.

    Raises ``UnknownTaskKind``, ``PermissionDenied``, ``ArgumentsRefused``, ``BadSchedule`` and
    ``maintenance.gate.InMaintenanceMode``.
    """
    declared = kinds.get(kind)
    _check_permission(declared, person, prioritized=prioritized)
    cleaned = clean(declared, arguments or {})
    owner = person if person is not None else getattr(parent, "person", None)
    with transaction.atomic():
        now = clock.now()
        starts, expires = schedule(queue_time, queue_time_expiry, now=now)
        if person is not None:
            gate.check(person)
        task = ServerTask(
            kind=kind,
            description=(description or declared.description(cleaned))[:DESCRIPTION_LENGTH],
            arguments=cleaned,
            person=owner,
            person_name=_name_of(person) if person is not None else _name_from(parent),
            is_system=declared.is_system,
            parent=parent,
            rerun_of=rerun_of,
            created=now,
            queue_time=starts,
            queue_time_expiry=expires,
            is_prioritized=prioritized,
            concurrency_key=declared.concurrency_key(cleaned),
            token=token or None,
        )
        stored = _insert(task)
        if starts <= now:
            transaction.on_commit(wake.request, robust=True)
    return stored


def rerun(task: ServerTask, *, person: Any, token: str | None = None) -> ServerTask:
    """Queue the work of ``task`` again, now and with the same arguments. Raises as ``enqueue``."""
    return enqueue(
        task.kind,
        task.arguments,
        person=person,
        rerun_of=task,
        description=task.description,
        token=token,
    )


def enqueue_occurrence(kind: str, occurrence: datetime | None) -> ServerTask | None:
    """Queue one beat of a system kind, at most once; None if that is done or one is under way.

    Without ``occurrence`` the task belongs to no beat: a start of the server asks for it.
    """
    declared = kinds.get(kind)
    if ServerTask.objects.filter(kind=kind).not_completed().exists():
        return None
    if occurrence and ServerTask.objects.filter(kind=kind, occurrence=occurrence).exists():
        return None
    now = clock.now()
    task = ServerTask(
        kind=kind,
        description=declared.description({})[:DESCRIPTION_LENGTH],
        is_system=True,
        occurrence=occurrence,
        created=now,
        queue_time=now,
        queue_time_expiry=now + conf.UNSCHEDULED_EXPIRY,
        concurrency_key=declared.concurrency_key({}),
    )
    try:
        # One statement, unless in a test's transaction: a scheduler that is stopped in the middle
        # of two would keep all others waiting for whether its row will be there.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            task.save(force_insert=True)
    except IntegrityError:  # another scheduler was first
        return None
    transaction.on_commit(wake.request, robust=True)
    return task


def clean(kind: kinds.TaskKind, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as they are kept. Raises ``ArgumentsRefused``."""
    form = kind.form_class(data=dict(arguments))
    unknown = sorted(set(arguments) - set(form.fields))
    if unknown:
        form.full_clean()
        form.add_error(None, f"{kind.name} has no argument {', '.join(unknown)[:200]}.")
    if not form.is_valid():
        raise ArgumentsRefused(form)
    return kind.clean(form)


def schedule(
    queue_time: datetime | None, queue_time_expiry: datetime | None, *, now: datetime
) -> tuple[datetime, datetime]:
    """Return when a task may start at the earliest and at the latest. Raises ``BadSchedule``."""
    for field, value in (("queue_time", queue_time), ("queue_time_expiry", queue_time_expiry)):
        if value is not None and value.tzinfo is None:
            raise BadSchedule("The time has no time zone.", field=field)
    if queue_time is not None and queue_time < now - BEHIND_ALLOWED:
        raise BadSchedule("The time lies in the past.")
    if queue_time is not None and queue_time > now + conf.FURTHEST_AHEAD:
        raise BadSchedule(f"The time lies more than {conf.FURTHEST_AHEAD.days} days ahead.")
    starts = max(queue_time or now, now)
    default = conf.UNSCHEDULED_EXPIRY if queue_time is None else conf.SCHEDULED_EXPIRY
    expires = queue_time_expiry or starts + default
    if expires <= starts:
        raise BadSchedule(
            "The time by which it must start lies before its time.", field="queue_time_expiry"
        )
    if expires > now + conf.FURTHEST_AHEAD + conf.UNSCHEDULED_EXPIRY:
        raise BadSchedule(
            "The time by which it must start lies too far ahead.", field="queue_time_expiry"
        )
    return starts, expires


def _check_permission(kind: kinds.TaskKind, person: Any, *, prioritized: bool) -> None:
    if person is None:
        return
    if kind.permission is None or not person.has_perm(kind.permission):
        raise PermissionDenied(f"You may not queue the task kind {kind.name}.")
    if prioritized and not person.has_perm(PRIORITIZE):
        raise PermissionDenied("You may not move tasks to the top.")


def _insert(task: ServerTask) -> ServerTask:
    """Store a new task, or find the one that the same form has made before."""
    if task.token is None:
        task.save(force_insert=True)
        return task
    try:
        with transaction.atomic():
            task.save(force_insert=True)
    except IntegrityError:
        first = ServerTask.objects.filter(person=task.person, token=task.token).first()
        if first is None:
            raise
        return first
    return task


def _name_of(person: Any) -> str:
    return str(person.get_username())


def _name_from(parent: ServerTask | None) -> str:
    return parent.person_name if parent is not None else ""


def _worded(form: Form) -> list[str]:
    words = []
    for name, errors in form.errors.items():
        label = form[name].label if name in form.fields else ""
        words += [f"{label}: {error}" if label else str(error) for error in errors]
    return words
