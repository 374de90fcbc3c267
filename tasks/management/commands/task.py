"""``manage.py task``: queue, look at and cancel tasks from a shell.

Exit codes: 0 done, 1 refused or failed, 2 wrong use.
"""

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from maintenance.gate import InMaintenanceMode
from tasks import bulk, kinds, lifecycle, queue, times, waiting
from tasks import log as tasklog
from tasks.models import Hold, ServerTask, State
from tasks.querysets import NAME
from tasks.templatetags import task_tags

REFUSED, WRONG_USE = 1, 2
ADD = "tasks.add_servertask"
# The largest script is 1 MiB; a larger file is not read to find that out.
LARGEST_FILE = 4 * 1024 * 1024
AS_HELP = "as this person, with their permissions, and not in maintenance mode"


def moment(text: str) -> datetime:
    """Read a time to come."""
    try:
        return times.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def kind(text: str) -> kinds.TaskKind:
    """Read the name of a task kind."""
    try:
        return kinds.get(text)
    except kinds.UnknownTaskKind as error:
        raise argparse.ArgumentTypeError(f"{error} See: manage.py task kinds.") from None


def name(text: str) -> str:
    """Read the name of a task."""
    if not NAME.match(text):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no task: write ServerTasks-42.")
    return text


def argument(text: str) -> tuple[str, str]:
    """Read ``name=value``, or ``name=@file`` for what a file holds."""
    name, separator, value = text.partition("=")
    if not (name and separator):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no argument: write name=value.")
    return name, _file(value[1:]) if value.startswith("@") else value


def _file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise argparse.ArgumentTypeError(f"The file {path!r} cannot be read: {reason}.") from None
    if len(content) > LARGEST_FILE:
        raise argparse.ArgumentTypeError(f"The file {path!r} is too large for an argument.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise argparse.ArgumentTypeError(f"The file {path!r} is not text in UTF-8.") from None


def count(text: str) -> int:
    """Read how many tasks to list."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 10_000):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 1 to 10000.")
    return int(text)


class Command(BaseCommand):
    help = "Queue, list, show and cancel tasks."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        _declare_enqueue(actions.add_parser("enqueue", help="queue a task, now or for later"))
        listing = actions.add_parser("list", help="list tasks, the newest first")
        listing.add_argument("--state", choices=State.values)
        listing.add_argument("--limit", type=count, default=50, metavar="NUMBER")
        show = actions.add_parser("show", help="show a task")
        show.add_argument("task", type=name, metavar="ServerTasks-ID")
        show.add_argument("--log", action="store_true", help="print its log as well")
        cancel = actions.add_parser("cancel", help="cancel a task")
        cancel.add_argument("task", type=name, metavar="ServerTasks-ID")
        cancel.add_argument("--as", dest="username", metavar="USER", help=AS_HELP)
        actions.add_parser("held", help="list tasks that expired while no scheduler ran")
        decide = actions.add_parser("decide", help="start such tasks anyway, or let them expire")
        decide.add_argument("names", type=name, nargs="+", metavar="ServerTasks-ID")
        choice = decide.add_mutually_exclusive_group(required=True)
        choice.add_argument("--start-by", type=moment, metavar="TIME", help="the latest start: +4h")
        choice.add_argument("--let-expire", action="store_true")
        decide.add_argument("--as", dest="username", metavar="USER", help=AS_HELP)
        actions.add_parser("kinds", help="list the task kinds and their arguments")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, f"_{action}")(**options)
        except (queue.ArgumentsRefused, queue.BadSchedule, bulk.TooMany) as error:
            raise CommandError(str(error), returncode=WRONG_USE) from None
        except (InMaintenanceMode, PermissionDenied) as error:
            raise CommandError(str(error), returncode=REFUSED) from None
        except DatabaseError as error:
            reason = next(iter(str(error).strip().splitlines()), "no answer")
            raise CommandError(
                f"The database did not do it: {reason}", returncode=REFUSED
            ) from None

    def _enqueue(
        self,
        *,
        kind: kinds.TaskKind,
        arguments: list[tuple[str, str]],
        at: datetime | None,
        expires: datetime | None,
        username: str | None,
        **options: Any,
    ) -> None:
        person = _person(username)
        if person is not None and not person.has_perm(ADD):
            raise PermissionDenied(f"{username} may not queue tasks.")
        task = queue.enqueue(
            kind.name,
            dict(arguments),
            person=person,
            queue_time=at,
            queue_time_expiry=expires,
        )
        self.stdout.write(task.name)

    def _list(self, *, state: str | None, limit: int, **options: Any) -> None:
        for task in ServerTask.objects.in_state(state).newest()[:limit]:
            time = _time(task.start_time or task.completed_time or task.queue_time)
            columns = (task.name, task.state, time, task.kind, task_tags.queued_by(task))
            self.stdout.write("\t".join([*columns, task_tags.plain(task.description)]))

    def _show(self, *, task: str, log: bool, **options: Any) -> None:
        found = _task(task)
        for label, value in _facts(found):
            if value:
                self.stdout.write(f"{label + ':':<12} {value}")
        if log:
            for part in tasklog.raw(found):
                self.stdout.write(task_tags.plain(part), ending="")

    def _cancel(self, *, task: str, username: str | None, **options: Any) -> None:
        found = _task(task)
        if not lifecycle.cancel(found, person=_person(username)):
            found.refresh_from_db()
            state = "being canceled" if found.state == State.CANCELLING else "completed"
            raise CommandError(f"{found.name} is already {state}.", returncode=REFUSED)
        found.refresh_from_db()
        self.stdout.write(f"{found.name} is {found.state}.")

    def _held(self, **options: Any) -> None:
        for hold in Hold.objects.open():
            times = (_time(hold.task.queue_time_expiry), _time(hold.decide_by))
            columns = (hold.task.name, *times, task_tags.plain(hold.task.description))
            self.stdout.write("\t".join(columns))

    def _decide(
        self, *, names: list[str], start_by: datetime | None, username: str | None, **options: Any
    ) -> None:
        person = _person(username)
        pks = [_task(each).pk for each in names]
        if start_by is None:
            outcome = bulk.let_expire(pks, person=person)
        else:
            outcome = bulk.start_anyway(pks, expiry=start_by, person=person)
        for each in outcome.changed:
            self.stdout.write(f"{each.name} is {each.state}.")
        if outcome.unchanged:
            names = [each.name for each in outcome.unchanged]
            words = f"Not held for a decision: {', '.join(names)}."
            raise CommandError(words, returncode=REFUSED)

    def _kinds(self, **options: Any) -> None:
        for kind in kinds.all():
            names = " ".join(_signature(kind))
            self.stdout.write(f"{kind.name}\t{kind.label}\t{names}".rstrip())


def _declare_enqueue(parser: CommandParser) -> None:
    parser.add_argument("kind", type=kind, metavar="KIND")
    parser.add_argument(
        "--argument", type=argument, action="append", default=[], dest="arguments",
        metavar="NAME=VALUE", help="may be given several times; NAME=@FILE reads the file",
    )  # fmt: skip
    parser.add_argument("--at", type=moment, metavar="TIME", help="2030-12-31T22:30, 22:30 or +30m")
    parser.add_argument("--expires", type=moment, metavar="TIME", help="give up if not started by")
    parser.add_argument("--as", dest="username", metavar="USER", help=AS_HELP)


def _task(name: str) -> ServerTask:
    try:
        return ServerTask.objects.of_name(name)
    except ServerTask.DoesNotExist:
        raise CommandError(f"There is no task {name}.", returncode=REFUSED) from None


def _person(username: str | None) -> Any:
    """Return who is named; None, the server itself, if nobody is."""
    if username is None:
        return None
    people = get_user_model()
    try:
        return people._default_manager.get_by_natural_key(username)
    except people.DoesNotExist:
        raise CommandError(f"Nobody is called {username[:150]!r}.", returncode=REFUSED) from None


def _signature(kind: kinds.TaskKind) -> list[str]:
    return [
        f"{name}=…" if field.required else f"[{name}=…]"
        for name, field in kind.form_class.base_fields.items()
    ]


def _facts(task: ServerTask) -> list[tuple[str, str]]:
    why = waiting.why_not_started(task) if task.state == State.QUEUED else ""
    return [
        ("Task", f"{task.name} {task_tags.plain(task.description)}"),
        ("Kind", task.kind),
        ("State", task.state),
        ("Message", task_tags.plain(task.message)),
        ("Waits", why),
        ("Queued by", task_tags.queued_by(task)),
        ("Queued", _time(task.created)),
        ("Queue time", _time(task.queue_time)),
        ("Expires", _time(task.queue_time_expiry) if task.start_time is None else ""),
        ("Started", _time(task.start_time)),
        ("Node", task.node_name),
        ("Completed", _time(task.completed_time)),
    ]


def _time(time: datetime | None) -> str:
    return timezone.localtime(time).isoformat(sep=" ", timespec="seconds") if time else ""
