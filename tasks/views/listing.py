"""The Tasks page: newest first, filtered, a page at a time, and live."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views import View

from tasks import kinds, lifecycle, paging
from tasks.filters import TaskFilter
from tasks.models import ServerTask
from tasks.views import live

TIMED_OUT_SHOWN_FOR = timedelta(days=1)
TIMED_OUT_SHOWN = 20


class TaskList(PermissionRequiredMixin, View):
    """Answer the page; to its poll only the table, or nothing where nothing changed."""

    permission_required = "tasks.view_servertask"

    def get(self, request: HttpRequest) -> HttpResponse:
        wanted = TaskFilter(request.GET)
        page = _page(wanted)
        if page.overshot:
            return redirect(f"{reverse('tasks:list')}?{wanted.query()}")
        may_select = _may_select(request)
        withheld = kinds.withheld(request.user, _open(page.tasks)) if may_select else {}
        timed_out = _timed_out(wanted)
        context = {
            "filter": wanted,
            "page": page,
            "timed_out": timed_out,
            "poll": _poll(request),
            "selectable": may_select and not wanted.errors,
            "withheld": withheld,
            **_links(wanted, page),
        }
        rows = [live.values_of(each) for each in (page.tasks, timed_out)]
        links = (context["newer"], context["older"])
        seen = live.print_of(rows, *links, may_select, sorted(withheld))
        if live.is_poll(request):
            return live.answer(request, "tasks/_live_table.html", context, seen=seen)
        response = render(request, "tasks/list.html", {**context, "seen": seen})
        patch_vary_headers(response, ["HX-Request"])
        return response


def _may_select(request: HttpRequest) -> bool:
    """Whether there is anything that this person could do to the tasks they tick."""
    return any(request.user.has_perm(each) for each in (lifecycle.CANCEL, lifecycle.PRIORITIZE))


def _open(tasks: Iterable[ServerTask]) -> list[ServerTask]:
    """Return those that can still be changed."""
    return [task for task in tasks if not task.is_completed]


def _page(wanted: TaskFilter) -> paging.Page:
    tasks = wanted.narrow(ServerTask.objects.all())
    cursors = wanted.cleaned_data
    return paging.cut(tasks, before=cursors.get("before"), after=cursors.get("after"))


def _timed_out(wanted: TaskFilter) -> Sequence[ServerTask]:
    """Return what was not started by its expiry lately: queued long ago, it stands far down."""
    if wanted.chosen or not wanted.is_first_page:
        return []
    since = timezone.now() - TIMED_OUT_SHOWN_FOR
    return list(ServerTask.objects.timed_out_since(since)[:TIMED_OUT_SHOWN])


def _links(wanted: TaskFilter, page: paging.Page) -> dict[str, str | None]:
    newer, older = page.newer_than, page.older_than
    return {
        "newer": None if newer is None else wanted.query(after=newer),
        "older": None if older is None else wanted.query(before=older),
    }


def _poll(request: HttpRequest) -> str:
    """Return the address of this very page, to be asked again."""
    query = request.GET.copy()
    query.pop("seen", None)
    return f"{request.path}?{query.urlencode()}"
