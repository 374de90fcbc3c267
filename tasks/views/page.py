"""A task's page: where it stands, what may be done to it, and its log as it grows."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from tasks import log, offers, progress, waiting, window
from tasks.forms import RerunForm
from tasks.models import ServerTask, State
from tasks.sections import Section
from tasks.views import base, live
from tasks.window import LINES_SHOWN, Window

__all__ = ["LINES_SHOWN", "NoSuchTask", "TaskNews", "TaskPage"]

RELATIVES_SHOWN = 20
# Lines before the one that was found, for its context.
CONTEXT = 10


class TaskPage(base.TaskView):
    """Answer the whole page; the log's end, or from the line that the address names."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self.task()
        line = base.number(request, "line")
        words = base.words(request)
        found = _found(task, words, line) if words else {}
        part = _window(task, line, words, found.get("at"))
        facts = Facts(request, task, part.sections)
        context = {
            "task": task,
            "window": part,
            "stretches": part.stretches(),
            "follows": part.reaches_end and not task.is_completed,
            "words": words,
            "rerun_form": RerunForm(),
            "lines_shown": LINES_SHOWN,
            "facts": facts.text(),
            "actions": facts.actions,
            **facts.prints,
            **found,
        }
        return render(request, "tasks/detail.html", context)


class TaskNews(base.TaskView):
    """Answer the poll of a task's page: new lines, and what else changed on it since."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        # The state is read before the lines: what is completed writes no more.
        task = self.task()
        after = base.number(request, "after") or 0
        part = window.news(task, after=after)
        facts = Facts(request, task, part.sections)
        changed = {
            name for name, seen in facts.prints.items() if request.GET.get(name[:-5]) != seen
        }
        if not (part.lines or changed or task.is_completed):
            return base.partial("", status=base.NOTHING_NEW)
        has_stretches = bool(part.lines or "sections_seen" in changed)
        context = {
            "task": task,
            "window": part,
            "skips": part.after > after,
            "stretches": part.stretches(since=after) if has_stretches else [],
            "facts": facts.text() if "facts_seen" in changed else "",
            "actions": facts.actions if "actions_seen" in changed else None,
            **facts.prints,
        }
        text, _ = base.fragment(request, "tasks/_log_update.html", context)
        return base.partial(text, status=base.STOP_POLLING if task.is_completed else 200)


class NoSuchTask(PermissionRequiredMixin, View):
    """Say clearly that what was typed names no task."""

    permission_required = "tasks.view_servertask"

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        return base.missing(request, name)


class Facts:
    """What a page says of a task besides its log, and the prints by which it knows it again.

    The prints are made of what was read, not of what is shown: so a page to which nothing is new
    costs no more than the reading, and a duration that grows by itself is no news.
    """

    def __init__(self, request: HttpRequest, task: ServerTask, sections: Iterable[Section]) -> None:
        self.task = task
        self.sections = list(sections)
        self.why = waiting.why_not_started(task) if task.state == State.QUEUED else ""
        self.children = list(ServerTask.objects.children_of(task)[:RELATIVES_SHOWN])
        self.reruns = list(ServerTask.objects.reruns_of(task)[:RELATIVES_SHOWN])
        offered = {"task": task, "offers": offers.to(request.user, task)}
        self.actions, actions_seen = base.fragment(request, "tasks/_actions.html", offered)
        self.prints = {
            "facts_seen": live.print_of(self._values()),
            "actions_seen": actions_seen,
            "sections_seen": live.print_of(self.sections),
        }

    def _values(self) -> list[Any]:
        task = self.task
        own = [task.state, task.message, task.is_prioritized, task.cancel_requested_by]
        times = [task.queue_time, task.queue_time_expiry, task.start_time, task.completed_time]
        kin = [(each.pk, each.state) for each in (*self.children, *self.reruns)]
        return [*own, *times, task.node_name, self.why, kin, *self.sections]

    def text(self) -> str:
        context = {
            "task": self.task,
            "why": self.why,
            "children": self.children,
            "reruns": self.reruns,
            "progress": progress.of(self.task, self.sections),
        }
        text, _ = base.fragment(None, "tasks/_facts.html", context)
        return text


def _window(task: ServerTask, line: int | None, words: str, at: int | None) -> Window:
    if at is not None:
        return window.from_line(task, max(at - CONTEXT, 1), find=words, at=at)
    if line is None:
        return window.at_end(task)
    return window.from_line(task, line, find=words, at=line)


def _found(task: ServerTask, words: str, line: int | None) -> dict[str, Any]:
    """Return where words stand in the whole log, from the line on that the reader is at."""
    numbers = log.numbers_of(task, words)
    if not numbers:
        return {"found": 0}
    wanted = line or 1
    index = next((index for index, number in enumerate(numbers) if number >= wanted), 0)
    return {
        "found": len(numbers),
        "position": index + 1,
        "at": numbers[index],
        "previous_found": numbers[index - 1],
        "next_found": numbers[(index + 1) % len(numbers)],
    }
