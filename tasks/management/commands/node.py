"""``manage.py node``: list server nodes, drain and resume them, change their task cap.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 not drained in time.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from tasks import lifecycle, nodes, times
from tasks.models import ServerNode, ServerTask
from tasks.settling import Settling

FAILED, WRONG_USE, NOT_YET, INTERRUPTED = 1, 2, 3, 130
TIMEOUT, CANCEL_TIMEOUT = "30m", "5m"
# Seconds between two looks at what still runs.
LOOK = 0.5


def seconds(text: str) -> float:
    """Read a length of time."""
    try:
        return times.seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def cap(text: str) -> int:
    """Read a task cap."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= nodes.LARGEST_CAP):
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: {nodes.BadCap()}")
    return int(text)


class Command(BaseCommand):
    help = "List server nodes, drain and resume them, change their task cap."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="list the nodes and what they run")
        drain = actions.add_parser("drain", help="let a node start nothing new")
        resume = actions.add_parser("resume", help="let a drained node start tasks again")
        change = actions.add_parser("cap", help="change how many tasks of people a node runs")
        for action in (drain, resume):
            action.add_argument("names", nargs="*", metavar="NAME")
            action.add_argument("--all", action="store_true", help="every node")
        change.add_argument("name", metavar="NAME")
        change.add_argument("number", type=cap, metavar="NUMBER")
        _declare_wait(drain)
        for action in (listing, drain, resume, change):
            action.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            code = getattr(self, f"_{action}")(**options)
        except DatabaseError as error:
            reason = next(iter(str(error).strip().splitlines()), "no answer")
            raise CommandError(f"The database did not do it: {reason}", returncode=FAILED) from None
        except KeyboardInterrupt:
            self.stderr.write("Stopped waiting. What is drained stays drained.")
            code = INTERRUPTED
        if code:
            sys.exit(code)

    def _list(self, **options: Any) -> None:
        found = nodes.overview()
        if options["json"]:
            self._print(found)
        for node in [] if options["json"] else found:
            seen = node.last_seen.isoformat(sep=" ", timespec="seconds") if node.last_seen else "-"
            running = " ".join(task.name for task in node.running_tasks)
            columns = (node.name, node.state, f"cap {node.task_cap}", node.version or "-", seen)
            self.stdout.write("\t".join([*columns, running]).rstrip())

    def _cap(self, *, name: str, number: int, **options: Any) -> None:
        (node,) = _chosen([name], all=False)
        nodes.set_cap(node, number)
        self._tell(f"The task cap of {node} is {number}.", **options)
        self._finish([node], **options)

    def _resume(self, *, names: list[str], **options: Any) -> None:
        chosen = _chosen(names, **options)
        for node in chosen:
            changed = nodes.resume(node)
            words = "starts tasks again" if changed else "was not drained"
            self._tell(f"{node} {words}.", **options)
        self._finish(chosen, **options)

    def _drain(self, *, names: list[str], **options: Any) -> int:
        _check_use(**options)
        chosen = _chosen(names, **options)
        for node in chosen:
            changed = nodes.drain(node)
            words = "starts nothing new" if changed else "was drained already"
            self._tell(f"{node} {words}.", **options)
        problem = self._wait(chosen, **options) if options["wait"] else ""
        self._finish(chosen, **options)
        if problem:
            self.stderr.write(problem)
        return NOT_YET if problem else 0

    def _wait(self, chosen: list[ServerNode], **options: Any) -> str:
        """Wait until the nodes run nothing; say what keeps them if that takes too long."""
        watch = Watch(chosen, tell=lambda words: self._tell(words, **options))
        patience, cancels = options["timeout"], options["cancel_tasks"]
        if patience is None:
            # Who cancels and names no time does not want to wait for it first.
            patience = 0.0 if cancels else times.seconds(TIMEOUT)
        if watch.until_idle(timeout=patience):
            return ""
        grace = options["cancel_timeout"]
        grace = times.seconds(CANCEL_TIMEOUT) if grace is None else grace
        if cancels and watch.until_idle(timeout=grace, cancels=True):
            return ""
        return watch.problem()

    def _finish(self, chosen: list[ServerNode], **options: Any) -> None:
        if options["json"]:
            wanted = {node.pk for node in chosen}
            self._print([node for node in nodes.overview() if node.pk in wanted])

    def _tell(self, words: str, **options: Any) -> None:
        if not options["json"]:
            self.stdout.write(words)
            self.stdout.flush()

    def _print(self, found: list[ServerNode]) -> None:
        self.stdout.write(json.dumps({"nodes": [_facts(node) for node in found]}))


class Watch:
    """Look at what drained nodes still run, and say when it changes."""

    def __init__(self, chosen: list[ServerNode], *, tell: Callable[[str], None]) -> None:
        self._chosen = chosen
        self._tell = tell
        self._settling = Settling()
        self._told: list[str] = []
        self._running: list[ServerTask] = []

    def until_idle(self, *, timeout: float, cancels: bool = False) -> bool:
        """Wait until nothing runs, canceling it if asked to; False if ``timeout`` seconds pass.

        Raises ``CommandError`` if somebody resumes a node meanwhile.
        """
        deadline = time.monotonic() + timeout
        while not self._is_idle():
            if cancels:
                self._cancel()
            rest = deadline - time.monotonic()
            if rest <= 0:
                return False
            time.sleep(min(rest, LOOK))
        return True

    def problem(self) -> str:
        if not self._running:
            return "Not drained in time: changes to tasks that began before are still under way."
        return f"Not drained in time: {_names(self._running)} still running."

    def _is_idle(self) -> bool:
        is_settled = self._settling.is_over()
        self._running = list(ServerTask.objects.on_nodes(self._chosen).defer("arguments"))
        self._check_drained()
        names = [task.name for task in self._running]
        if names != self._told:
            self._told = names
            self._tell(f"Still running: {_names(self._running)}." if names else "Nothing runs.")
        return is_settled and not self._running

    def _cancel(self) -> None:
        canceled = [task for task in self._running if lifecycle.cancel(task)]
        if canceled:
            self._tell(f"Asked to cancel: {_names(canceled)}.")

    def _check_drained(self) -> None:
        resumed = ServerNode.objects.among(self._chosen).filter(is_draining=False).first()
        if resumed is not None:
            raise CommandError(f"{resumed} was resumed meanwhile.", returncode=FAILED)


def _declare_wait(parser: CommandParser) -> None:
    parser.add_argument("--wait", action="store_true", help="return when it runs nothing")
    parser.add_argument(
        "--timeout", type=seconds, metavar="TIME",
        help=f"give up waiting after this, such as 90s or 2h; by default {TIMEOUT}",
    )  # fmt: skip
    parser.add_argument(
        "--cancel-tasks", action="store_true",
        help="cancel what runs: at once, or after --timeout if that is given",
    )  # fmt: skip
    parser.add_argument(
        "--cancel-timeout", type=seconds, metavar="TIME",
        help=f"give up waiting this long after canceling; by default {CANCEL_TIMEOUT}",
    )  # fmt: skip


def _check_use(**options: Any) -> None:
    """Refuse options that would have no effect. Raises ``CommandError``."""
    for option, needed in (
        ("timeout", "wait"), ("cancel_tasks", "wait"), ("cancel_timeout", "cancel_tasks"),
    ):  # fmt: skip
        if options[option] not in (None, False) and not options[needed]:
            words = f"--{option} needs --{needed}.".replace("_", "-")
            raise CommandError(words, returncode=WRONG_USE)


def _chosen(names: list[str], **options: Any) -> list[ServerNode]:
    """Return the nodes that are meant. Raises ``CommandError``."""
    if bool(names) == options["all"]:
        raise CommandError("Name the nodes, or say --all.", returncode=WRONG_USE)
    known = {node.name: node for node in ServerNode.objects.all()}
    for name in names:
        if name not in known:
            there = f"the nodes are {', '.join(known)}" if known else "no node has started yet"
            raise CommandError(f"There is no node {name[:200]!r}: {there}.", returncode=FAILED)
    if not known:
        raise CommandError("No node has started yet.", returncode=FAILED)
    return [known[name] for name in dict.fromkeys(names)] or list(known.values())


def _facts(node: ServerNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "state": node.state,
        "version": node.version,
        "last_seen": node.last_seen.isoformat() if node.last_seen else None,
        "task_cap": node.task_cap,
        "is_draining": node.is_draining,
        "running_tasks": [task.name for task in node.running_tasks],
    }


def _names(tasks: list[ServerTask]) -> str:
    return ", ".join(task.name for task in tasks)
