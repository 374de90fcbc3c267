"""``manage.py maintenance``: switch, plan and look without a browser, a sign-in or a broker."""

import argparse
import getpass
import json
import socket
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from maintenance import conflicts, idle, mode, times, trail, waiting, windows, wording, work
from maintenance.models import Activity, Source, Window
from maintenance.trail import Origin

DONE, FAILED, WRONG_USE, NOT_YET, INTERRUPTED = 0, 1, 2, 3, 130
Value = TypeVar("Value")


def _typed(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """Have a mistake in an argument worded by who parses it."""

    def parsed(text: str) -> Value:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def _to_come(text: str) -> datetime:
    now = _now()
    value = times.parse(text, now=now)
    if value <= now:
        raise ValueError(f"{text!r} lies in the past.")
    if value > times.LATEST:
        raise ValueError(f"{text!r} lies too far ahead.")
    return value


def _now() -> datetime:
    """Return the database's time; where it does not answer, this host's: it is asked again."""
    try:
        return trail.now(mode.database())
    except DatabaseError:
        return timezone.now()


def _storable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("this is no UTF-8 text.") from None
    if len(text) > wording.LONGEST_REASON:
        raise ValueError(f"a reason has at most {wording.LONGEST_REASON} characters.")
    return text


moment = _typed(_to_come)
reason = _typed(_storable)
seconds = _typed(lambda text: times.length(text).total_seconds())


class Command(BaseCommand):
    help = "Turn maintenance mode on or off, plan windows, and say how it stands."
    # The mode must be switchable when something else is wrong: that is what it is for.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        on = actions.add_parser("on", help="let nobody but administrators change anything")
        on.add_argument("--reason", type=reason, default="", help="shown to people")
        _add_end(on)
        on.add_argument("--wait", action="store_true", help="until the server may be stopped")
        off = actions.add_parser("off", help="let people change things again")
        status = actions.add_parser("status", help="say how it stands")
        wait = actions.add_parser("wait", help="wait until the server may be stopped")
        for action in (on, wait):
            action.add_argument(
                "--timeout", type=seconds, metavar="TIME", help="how long to wait: 90, 30m, 2h"
            )
            action.add_argument(
                "--wait-for", choices=list(waiting.GOALS), default="queued",
                help="what must be over besides (default: %(default)s)",
            )  # fmt: skip
        plan = actions.add_parser("plan", help="plan a window in which the mode is on")
        plan.add_argument("starts", type=moment, metavar="START", help="2026-11-30T22:00, +2h")
        plan.add_argument("--reason", type=reason, default="", help="shown to people")
        plan.add_argument("--activity", choices=Activity.values, default=Activity.OTHER)
        _add_end(plan)
        for action in (on, plan):
            action.add_argument(
                "--scheduled", choices=conflicts.Choice.values, default=conflicts.Choice.STAND,
                help="what is scheduled before the end: let it stand, move it to the end, or extend"
                " its expiry to 30 minutes after it (default: %(default)s)",
            )  # fmt: skip
        cancel = actions.add_parser("cancel-window", help="call a window off, or end it")
        cancel.add_argument("window", type=int, metavar="NUMBER")
        for action in (on, off, status, wait, plan, cancel):
            action.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        stand = conflicts.Choice.STAND
        if options.get("scheduled", stand) != stand and options["until"] is None:
            raise CommandError("To give tasks another time, --until is needed.", returncode=2)
        try:
            code = getattr(self, f"_{action.replace('-', '_')}")(**options)
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
            raise CommandError(f"The database did not do it: {reason}", returncode=FAILED) from None
        except work.CannotReschedule as error:
            words = f"Maintenance mode was not enabled: {error}"
            raise CommandError(words, returncode=WRONG_USE) from None
        except windows.WindowOver as error:
            raise CommandError(str(error), returncode=FAILED) from None
        except windows.WindowRefused as error:
            raise CommandError(str(error), returncode=WRONG_USE) from None
        except KeyboardInterrupt:
            self.stderr.write("Stopped waiting. The mode stays as it is.")
            code = INTERRUPTED
        if code:
            sys.exit(code)

    def _on(self, *, wait: bool, closes_itself: bool, **options: Any) -> int:
        if closes_itself and options["until"] is None:
            raise CommandError("To turn off by itself, the mode needs --until.", returncode=2)
        found = self._settle(conflicts.until(options["until"], using=mode.database()), **options)
        given = {name: options[name] for name in ("reason", "until", "timeout")}
        # Who waits is told what for, from the beginning.
        given["settle_within"] = waiting.GLANCE if wait else None
        switch = mode.enable(closes_itself=closes_itself, **given, **_origin().__dict__)
        if wait and switch.enabled:
            if options["timeout"] is not None:
                options["timeout"] = max(options["timeout"] - switch.waited, 0.0)
            return self._wait(**options)
        if options["json"]:
            more = found | {"changes_in_flight": switch.in_flight, "is_settled": switch.settled}
            self._print(idle.look().as_json() | more)
        else:
            self.stdout.write(wording.outcome(switch))
        return DONE if switch.settled and switch.enabled else NOT_YET

    def _off(self, **options: Any) -> int:
        switch = mode.disable(**_origin().__dict__)
        if options["json"]:
            self._print(_status())
        else:
            was = "" if switch.changed else " already"
            self.stdout.write(f"Maintenance mode is off{was}.")
        return DONE

    def _status(self, **options: Any) -> int:
        if options["json"]:
            self._print(_status())
            return DONE
        facts = idle.look()
        self.stdout.write(wording.standing(facts.mode))
        if facts.mode.is_enabled:
            self.stdout.write(facts.sentence)
        for window in Window.objects.planned():
            self.stdout.write(wording.window(window))
        return DONE

    def _wait(self, *, wait_for: str, timeout: float | None, **options: Any) -> int:
        line = Line(self, is_silent=options["json"])
        try:
            for facts, reached in waiting.watch(wait_for, timeout=timeout):  # noqa: B007
                line.show(facts.sentence)
        except waiting.NothingToWaitFor as nothing:
            raise CommandError(str(nothing), returncode=FAILED) from None
        finally:
            line.end()
        if options["json"]:
            self._print(facts.as_json() | {"reached": reached})
        elif reached and not facts.idle:
            self.stdout.write(f"Reached: nothing is {wait_for} any more.")
        elif not reached:
            # The line above has just said that the server may be stopped.
            left = f": something is still {wait_for}" if facts.idle else ""
            self.stdout.write(f"Time is up{left}.")
        return DONE if reached else NOT_YET

    def _plan(self, *, until: datetime | None, **options: Any) -> int:
        names = ("starts", "closes_itself", "activity", "reason")
        draft = windows.Draft(ends=until, **{name: options[name] for name in names})
        window = windows.plan(draft, origin=_origin())
        given = options | {"until": window.ends}
        try:
            found = self._settle(conflicts.within(window.starts, window.ends), **given)
        except work.CannotReschedule as error:
            self._tell(window, "Planned: ", **options)
            raise CommandError(f"Scheduled tasks stay as they are: {error}") from None
        self._tell(window, "Planned: ", **options, more=found)
        return DONE

    def _cancel_window(self, *, window: int, **options: Any) -> int:
        found = Window.objects.filter(pk=window).first()
        if found is None:
            raise CommandError(f"There is no window {window}.", returncode=WRONG_USE)
        self._tell(windows.call_off(found, origin=_origin()), "Called off: ", **options)
        return DONE

    def _settle(
        self, found: conflicts.InTheWay, *, scheduled: str, until: datetime | None, **options: Any
    ) -> dict[str, Any]:
        """List what is scheduled until the end, and do with it what was asked for."""
        if not options["json"]:
            for line in wording.in_the_way(found):
                self.stdout.write(line)
        count = 0
        if until is not None and found.tasks:
            keys = [each.task.key for each in found.tasks]
            count = conflicts.settle(keys, scheduled, end=until, person=None)
            if count and not options["json"]:
                self.stdout.write(f"Given another time: {count}.")
        return {
            "conflicts": [wording.conflict(each) for each in found.tasks],
            "foreseen": [wording.foreseen(each) for each in found.foreseen],
            "rescheduled": count,
        }

    def _tell(
        self, window: Window, words: str, *, more: dict[str, Any] | None = None, **options: Any
    ) -> None:
        if options["json"]:
            self._print({"window": wording.as_json(window)} | (more or {}))
        else:
            self.stdout.write(words + wording.window(window))

    def _print(self, facts: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(facts))


class Line:
    """Progress: one line that is written over on a terminal, a line for each change elsewhere."""

    def __init__(self, command: BaseCommand, *, is_silent: bool) -> None:
        self._out, self._is_silent = command.stdout, is_silent
        self._is_terminal = command.stdout.isatty()
        self._shown = ""

    def show(self, words: str) -> None:
        if self._is_silent or words == self._shown:
            return
        if self._is_terminal:
            self._out.write(f"\r{words.ljust(len(self._shown))}", ending="")
            self._out.flush()
        else:
            self._out.write(words)
        self._shown = words

    def end(self) -> None:
        if self._shown and self._is_terminal:
            self._out.write("")


def _add_end(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--until", type=moment, metavar="TIME", help="expected end, shown too")
    parser.add_argument(
        "--closes-itself", action="store_true", help="end then, instead of staying on"
    )


def _status() -> dict[str, Any]:
    windows_to_come = [wording.as_json(each) for each in windows.to_come()]
    return idle.look().as_json() | {"windows": windows_to_come}


def _origin() -> Origin:
    """Say that a switch came from the shell, and whose."""
    user = getpass.getuser()
    return Origin(
        name=f"{user} (command line)",
        source=Source.SHELL,
        address=f"{user}@{socket.gethostname()}",
    )
