"""``manage.py maintenance``: switch and look without a browser, a sign-in or a broker."""

import argparse
import getpass
import json
import socket
import sys
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone
from django.utils.dateparse import parse_datetime, parse_time

from maintenance import mode, work
from maintenance.models import MaintenanceMode, Source

DONE, FAILED, WRONG_USE, NOT_YET = 0, 1, 2, 3


def moment(text: str) -> datetime:
    """Read a time to come: ISO 8601, or HH:MM for the next time the clock shows that."""
    try:
        value = parse_datetime(text) or _next(text)
    except ValueError:
        value = None
    if value is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 2026-11-30T22:00 or 22:00, in the server's time zone."
        )
    if timezone.is_naive(value):
        value = timezone.make_aware(value)
    if value <= timezone.now():
        raise argparse.ArgumentTypeError(f"{text!r} lies in the past.")
    return value


def _next(text: str) -> datetime | None:
    clock = parse_time(text)
    if clock is None:
        return None
    now = timezone.localtime()
    today = datetime.combine(now.date(), clock)
    return today if timezone.make_aware(today) > now else today + timedelta(days=1)


def seconds(text: str) -> float:
    """Read a number of seconds, at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 86400.")
    return value


class Command(BaseCommand):
    help = "Turn maintenance mode on or off, or say how it stands."
    # The mode must be switchable when something else is wrong: that is what it is for.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        on = actions.add_parser("on", help="let nobody but administrators change anything")
        on.add_argument("--reason", default="", help="shown to people")
        on.add_argument("--until", type=moment, default=None, metavar="TIME", help="expected end")
        on.add_argument(
            "--timeout", type=seconds, default=None, metavar="SECONDS",
            help="how long to wait for changes in progress",
        )  # fmt: skip
        off = actions.add_parser("off", help="let people change things again")
        status = actions.add_parser("status", help="say how it stands")
        for action in (on, off, status):
            action.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            code = getattr(self, f"_{action}")(**options)
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
            raise CommandError(f"The database did not do it: {reason}", returncode=FAILED) from None
        if code:
            sys.exit(code)

    def _on(
        self, *, reason: str, until: datetime | None, timeout: float | None, **options: Any
    ) -> int:
        switch = mode.enable(reason=reason, until=until, timeout=timeout, **_origin())
        if options["json"]:
            self._print(switch.mode, settled=switch.settled, changes_in_flight=switch.in_flight)
        else:
            self.stdout.write(_outcome(switch))
        return DONE if switch.settled and switch.enabled else NOT_YET

    def _off(self, **options: Any) -> int:
        switch = mode.disable(**_origin())
        if options["json"]:
            self._print(switch.mode)
        else:
            was = "" if switch.changed else " already"
            self.stdout.write(f"Maintenance mode is off{was}.")
        return DONE

    def _status(self, **options: Any) -> int:
        row = mode.current()
        if options["json"]:
            self._print(row, changes_in_flight=mode.in_flight())
        else:
            self.stdout.write(_sentence(row))
        return DONE

    def _print(self, row: MaintenanceMode, **more: Any) -> None:
        found = work.survey()
        facts = {
            "in_maintenance_mode": row.is_enabled,
            "reason": row.reason,
            "since": row.since.isoformat() if row.since else None,
            "until": row.until.isoformat() if row.until else None,
            "by": row.person_name,
        }
        self.stdout.write(json.dumps(facts | more | (found.__dict__ if found else {})))


def _origin() -> dict[str, Any]:
    """Say that a switch came from the shell, and whose."""
    user = getpass.getuser()
    return {
        "name": f"{user} (command line)",
        "source": Source.SHELL,
        "address": f"{user}@{socket.gethostname()}",
    }


def _outcome(switch: mode.Switch) -> str:
    if not switch.settled and switch.in_flight is None:
        return (
            f"Maintenance mode is still {switch.mode}: a change in progress held the database for"
            " too long. Nothing was changed; try again."
        )
    if not switch.enabled:
        return "Maintenance mode is off: it was turned off while this was waiting."
    if not switch.settled:
        number = "1 change" if switch.in_flight == 1 else f"{switch.in_flight} changes"
        return (
            f"Maintenance mode is on, but {number} let in before"
            f" {'is' if switch.in_flight == 1 else 'are'} still in progress."
            " Run this again to look again."
        )
    was = "" if switch.changed else " already"
    return f"Maintenance mode is on{was}. No change let in before is still in progress."


def _sentence(row: MaintenanceMode) -> str:
    if not row.is_enabled:
        return "Maintenance mode is off."
    since = timezone.localtime(row.since).strftime("%Y-%m-%d %H:%M:%S %Z") if row.since else "?"
    parts = [f"Maintenance mode is on since {since}"]
    if row.person_name:
        parts.append(f"by {row.person_name}")
    if row.until:
        parts.append(f"until {timezone.localtime(row.until).strftime('%Y-%m-%d %H:%M %Z')}")
    return " ".join(parts) + (f": {row.reason}" if row.reason else ".")
