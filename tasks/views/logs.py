"""The log of a task by itself: a part of it, what was looked for in it, all of it."""

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from tasks import log, painting
from tasks.models import ServerTask
from tasks.views import base

# What the viewer asks for at once, at most.
LONGEST_PART = 500
LINES_FOUND = 200
# Numbers of lines that a script is told; how many there are it is told in any case.
NUMBERS_FOUND = 10_000


class LogPart(base.TaskView):
    """Answer some lines of a log, for the viewer that puts them in their place."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self.task()
        first, last = base.number(request, "first") or 1, base.number(request, "last") or 0
        if not 0 <= last - first < LONGEST_PART:
            raise BadRequest(f"Ask for 1 to {LONGEST_PART} lines.")
        lines = log.lines(task, after=first - 1, limit=last - first + 1)
        lead = list(log.before(task, first)) if lines else []
        return base.partial(painting.paint(lines, lead=lead))


class LogSearch(base.TaskView):
    """Answer the lines of a log that hold what was typed; to a script only their numbers."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self.task()
        words = base.words(request)
        response: HttpResponse
        if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
            numbers = log.numbers_of(task, words) if words else []
            response = JsonResponse({"total": len(numbers), "lines": numbers[:NUMBERS_FOUND]})
            add_never_cache_headers(response)
        else:
            response = self._page(request, task, words)
        patch_vary_headers(response, ["Accept"])
        return response

    def _page(self, request: HttpRequest, task: ServerTask, words: str) -> HttpResponse:
        found = log.search(task, words, limit=LINES_FOUND + 1) if words else []
        shown = found[:LINES_FOUND]
        context = {
            "task": task,
            "words": words,
            "shown": len(shown),
            "found": painting.paint_found(shown, page=task.get_absolute_url(), find=words),
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
