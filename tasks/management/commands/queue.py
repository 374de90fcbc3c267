"""``manage.py queue``: pause the whole queue, resume it, say how it stands.

Exit codes: 0 done, 1 failed, 2 wrong use.
"""

import getpass
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from tasks import pause, work


class Command(BaseCommand):
    help = "Pause the queue, resume it, or say how it stands."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        stop = actions.add_parser("pause", help="start nothing more that people queued")
        stop.add_argument("--reason", default="", help="shown to people")
        go_on = actions.add_parser("resume", help="start tasks again")
        status = actions.add_parser("status", help="say how it stands")
        for action in (stop, go_on, status):
            action.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, f"_{action}")(**options)
            if options["json"]:
                self.stdout.write(json.dumps(_facts()))
        except DatabaseError as error:
            reason = next(iter(str(error).strip().splitlines()), "no answer")
            raise CommandError(f"The database did not do it: {reason}", returncode=1) from None

    def _pause(self, *, reason: str, **options: Any) -> None:
        was = "" if pause.pause(name=_name(), reason=reason.strip()) else " already"
        self._tell(f"The queue is paused{was}.", **options)

    def _resume(self, **options: Any) -> None:
        changed = pause.resume(name=_name())
        self._tell("The queue goes on." if changed else "The queue was not paused.", **options)

    def _status(self, **options: Any) -> None:
        facts = _facts()
        self._tell(
            pause.describe(pause.current()) if facts["paused"] else "The queue is running.",
            **options,
        )
        counts = ("executing", "queued", "scheduled")
        self._tell(", ".join(f"{facts[count]} {count}" for count in counts) + ".", **options)

    def _tell(self, words: str, **options: Any) -> None:
        if not options["json"]:
            self.stdout.write(words)


def _name() -> str:
    return f"{getpass.getuser()} (command line)"


def _facts() -> dict[str, Any]:
    row, found = pause.current(), work.summary()
    return {
        "paused": row.is_paused,
        "since": timezone.localtime(row.since).isoformat() if row.is_paused and row.since else None,
        "by": row.person_name if row.is_paused else "",
        "reason": row.reason,
        "executing": found.executing,
        "executing_system": found.executing_system,
        "queued": found.queued,
        "scheduled": found.scheduled,
        "startable": found.startable,
    }
