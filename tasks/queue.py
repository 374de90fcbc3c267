"""Create tasks: the one module that inserts them.

A task is accepted once its row is committed; the wake-up that follows may be lost without harm.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.forms import Form
from django.utils import translation
from django.utils.translation import gettext as _

from maintenance import gate
from tasks import admission, clock, conf, kinds, rows, wake
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
    task = ServerTask(
        kind=kind,
        description=(description or _described(declared, cleaned))[:DESCRIPTION_LENGTH],
        arguments=cleaned,
        person=owner,
        person_name=_name_of(person) if person is not None else _name_from(parent),
        is_system=declared.is_system,
        parent=parent,
        rerun_of=rerun_of,
        is_prioritized=prioritized,
        concurrency_key=declared.concurrency_key(cleaned),
        token=token or None,
    )
    # A person's needs the transaction that the gate holds the door of.
    with nullcontext() if person is None and token is None else transaction.atomic():
        after = _times(task, queue_time, queue_time_expiry)
        if person is not None:
            gate.check(person)
        stored = _insert(task, expires_after=after)
        if stored.queue_time <= stored.created:
            transaction.on_commit(wake.request, robust=True)
    return stored


def rerun(
    task: ServerTask, *, person: Any, token: str | None = None, keeps_time: bool = False
) -> ServerTask:
    """Queue the work of ``task`` again, with the same arguments: now, or for the times it had.

    Raises as ``enqueue``.
    """
    admission.be_open(person, task)
    return enqueue(
        task.kind,
        task.arguments,
        person=person,
        rerun_of=task,
        description=task.description,
        queue_time=task.queue_time if keeps_time else None,
        queue_time_expiry=task.queue_time_expiry if keeps_time else None,
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
        description=_described(declared, {})[:DESCRIPTION_LENGTH],
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
        words = _("%(kind)s has no argument %(names)s.")
        form.add_error(None, words % {"kind": kind.name, "names": ", ".join(unknown)[:200]})
    if not form.is_valid():
        raise ArgumentsRefused(form)
    return kind.clean(form)


def schedule(
    queue_time: datetime | None, queue_time_expiry: datetime | None, *, now: datetime
) -> tuple[datetime, datetime]:
    """Return when a task may start at the earliest and at the latest. Raises ``BadSchedule``."""
    for field, value in (("queue_time", queue_time), ("queue_time_expiry", queue_time_expiry)):
        if value is not None and value.tzinfo is None:
            raise BadSchedule(_("The time has no time zone."), field=field)
    if queue_time is not None and queue_time < now - BEHIND_ALLOWED:
        raise BadSchedule(_("The time lies in the past."))
    if queue_time is not None and queue_time > now + conf.FURTHEST_AHEAD:
        words = _("The time lies more than %(days)d days ahead.")
        raise BadSchedule(words % {"days": conf.FURTHEST_AHEAD.days})
    starts = max(queue_time or now, now)
    default = conf.UNSCHEDULED_EXPIRY if queue_time is None else conf.SCHEDULED_EXPIRY
    expires = queue_time_expiry or starts + default
    if expires <= starts:
        raise BadSchedule(
            _("The time by which it must start lies before its time."), field="queue_time_expiry"
        )
    if expires > now + conf.FURTHEST_AHEAD + conf.UNSCHEDULED_EXPIRY:
        raise BadSchedule(
            _("The time by which it must start lies too far ahead."), field="queue_time_expiry"
        )
    return starts, expires


def _times(
    task: ServerTask, queue_time: datetime | None, queue_time_expiry: datetime | None
) -> timedelta | None:
    """Set the times that were asked for; else return how long after now the task expires."""
    if queue_time is None and queue_time_expiry is None:
        return conf.UNSCHEDULED_EXPIRY
    now = task.created = clock.now()
    task.queue_time, task.queue_time_expiry = schedule(queue_time, queue_time_expiry, now=now)
    return None


def _described(kind: kinds.TaskKind, arguments: Mapping[str, Any]) -> str:
    """Describe the task in the server's language: it is kept, whoever reads it."""
    with translation.override(settings.LANGUAGE_CODE):
        return str(kind.description(arguments))


def _check_permission(kind: kinds.TaskKind, person: Any, *, prioritized: bool) -> None:
    if person is None:
        return
    if kind.permission is None or not person.has_perm(kind.permission):
        words = _("You may not queue the task kind %(kind)s.")
        raise PermissionDenied(words % {"kind": kind.name})
    if prioritized and not person.has_perm(PRIORITIZE):
        raise PermissionDenied(_("You may not move tasks to the top."))


def _insert(task: ServerTask, *, expires_after: timedelta | None) -> ServerTask:
    """Store a new task, or find the one that the same form has made before."""
    if task.token is None:
        rows.insert(task, expires_after=expires_after)
        return task
    try:
        with transaction.atomic():
            rows.insert(task, expires_after=expires_after)
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
