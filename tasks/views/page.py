"""A task's page: where it stands, what may be done to it, and its log as it grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views import View

from tasks import ansi, log, offers, waiting
from tasks.forms import RerunForm
from tasks.models import ServerTask, State
from tasks.views import base

# As much as a browser lays out at once without being felt.
LINES_SHOWN = 1000
RELATIVES_SHOWN = 20
LINES_FOUND = 200
LONGEST_SEARCH = 200


@dataclass(frozen=True, kw_only=True)
class Window:
    """The part of a log that a page shows: consecutive lines, out of so many."""

    lines: Sequence[log.LogLine]
    after: int
    total: int
    # The lines before, as far as their colours may last.
    lead: Sequence[log.LogLine] = ()

    @property
    def painted(self) -> list[tuple[log.LogLine, SafeString]]:
        """The lines, each with its words as a terminal would have coloured them."""
        painter = ansi.Painter()
        for line in self.lead:
            painter.follow(line.text)
        return [(line, painter.paint(line.text)) for line in self.lines]

    @property
    def first(self) -> int:
        return self.after + 1

    @property
    def last(self) -> int:
        return self.lines[-1].number if self.lines else self.after

    @property
    def next(self) -> int:
        return self.last + 1

    @property
    def reaches_end(self) -> bool:
        return self.last >= self.total


class TaskPage(base.TaskView):
    """Answer the whole page; the log's end, or from the line that the address names."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self.task()
        line = _number(request, "line")
        window = _end(task) if line is None else _cut(task, after=max(line - 1, 0))
        parts = _parts(request, task)
        context = {
            "task": task,
            "window": window,
            "follows": window.reaches_end and not task.is_completed,
            "rerun_form": RerunForm(),
            "lines_shown": LINES_SHOWN,
            **parts,
        }
        return render(request, "tasks/detail.html", context)


class TaskLog(base.TaskView):
    """Answer the poll of a task's page: new lines, and what else changed on it since."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        # The state is read before the lines: what is completed writes no more.
        task = self.task()
        after = _number(request, "after") or 0
        window = _cut(task, after=after)
        skips = not window.reaches_end
        if skips:
            window = _end(task)
        parts = _parts(request, task)
        news = {
            "news_facts": request.GET.get("facts") != parts["facts_seen"],
            "news_actions": request.GET.get("actions") != parts["actions_seen"],
        }
        if not (window.lines or any(news.values()) or task.is_completed):
            return base.partial("", status=base.NOTHING_NEW)
        context = {"task": task, "window": window, "skips": skips, **parts, **news}
        context["follows"] = not task.is_completed
        text, _ = base.fragment(request, "tasks/_log_update.html", context)
        return base.partial(text, status=base.STOP_POLLING if task.is_completed else 200)


class LogSearch(base.TaskView):
    """Answer the lines of a log that hold what was typed, each linked to its place."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self.task()
        words = request.GET.get("find", "").strip()[:LONGEST_SEARCH]
        found = log.search(task, words, limit=LINES_FOUND + 1) if words else []
        context = {
            "task": task,
            "words": words,
            "found": [(line, ansi.Painter().paint(line.text)) for line in found[:LINES_FOUND]],
            "is_cut": len(found) > LINES_FOUND,
        }
        return render(request, "tasks/log_search.html", context)


class RawLog(base.TaskView):
    """Answer the whole log as a text file, a piece at a time."""

    def get(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        task = self.task()
        response = StreamingHttpResponse(log.raw(task), content_type="text/plain; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{task.name}.log"'
        return response


class NoSuchTask(PermissionRequiredMixin, View):
    """Say clearly that what was typed names no task."""

    permission_required = "tasks.view_servertask"

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        return base.missing(request, name)


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise BadRequest(f"“{text[:40]}” is not the number of a line.")
    return int(text)


def _cut(task: ServerTask, *, after: int) -> Window:
    return _window(task, after=after, total=log.line_count(task))


def _end(task: ServerTask) -> Window:
    total = log.line_count(task)
    return _window(task, after=max(total - LINES_SHOWN, 0), total=total)


def _window(task: ServerTask, *, after: int, total: int) -> Window:
    # More lines may have come since they were counted, so the last one read counts too.
    lines = log.lines(task, after=after, limit=LINES_SHOWN)
    return Window(
        lines=lines,
        after=after,
        total=max(total, lines[-1].number if lines else 0),
        lead=list(log.before(task, after + 1)) if lines else [],
    )


def _parts(request: HttpRequest, task: ServerTask) -> dict[str, Any]:
    """Return the parts of the page that change by themselves, each with its print."""
    facts, facts_seen = base.fragment(None, "tasks/_facts.html", _facts(task))
    offered = {"task": task, "offers": offers.to(request.user, task)}
    actions, actions_seen = base.fragment(request, "tasks/_actions.html", offered)
    return {
        "facts": facts,
        "facts_seen": facts_seen,
        "actions": actions,
        "actions_seen": actions_seen,
    }


def _facts(task: ServerTask) -> dict[str, Any]:
    return {
        "task": task,
        "why": waiting.why_not_started(task) if task.state == State.QUEUED else "",
        "children": ServerTask.objects.children_of(task)[:RELATIVES_SHOWN],
        "reruns": ServerTask.objects.reruns_of(task)[:RELATIVES_SHOWN],
    }
