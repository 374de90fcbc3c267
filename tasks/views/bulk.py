"""What people do to many tasks of the list with one click."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views import View

from tasks import bulk, lifecycle
from tasks.filters import LARGEST_ID
from tasks.models import ServerTask, State

NAMED = 10
LONGEST_QUERY = 1000


class Selected(PermissionRequiredMixin, View):
    """One act on the tasks that were ticked; the answer is the same list, with what happened."""

    http_method_names = ["post", "options"]
    change: Callable[..., bulk.Outcome]

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            pks = _ticked(request)
            if pks:
                _tell(request, type(self).change(pks, person=request.user), did=self.did)
            else:
                messages.warning(request, "No task is selected.")
        except (bulk.TooMany, ValueError) as error:
            messages.error(request, f"{error} Nothing was changed.")
        return _back(request)

    def did(self, task: ServerTask) -> str:
        """Say in a few words what a task is now that it was changed."""
        raise NotImplementedError


class CancelSelected(Selected):
    permission_required = lifecycle.CANCEL
    change = bulk.cancel

    def did(self, task: ServerTask) -> str:
        return "canceled" if task.state == State.CANCELED else "being canceled"


class PrioritizeSelected(Selected):
    permission_required = lifecycle.PRIORITIZE
    change = bulk.prioritize

    def did(self, task: ServerTask) -> str:
        return "at the top of the queue"


def _ticked(request: HttpRequest) -> set[int]:
    """Return the numbers of the ticked tasks. Raises ``ValueError`` with a sentence."""
    texts = request.POST.getlist("task")
    if not all(text.isascii() and text.isdigit() and len(text) <= 19 for text in texts):
        raise ValueError("The form is damaged.")
    pks = {int(text) for text in texts}
    if max(pks, default=0) > LARGEST_ID:
        raise ValueError("The form is damaged.")
    return pks


def _tell(request: HttpRequest, outcome: bulk.Outcome, *, did: Callable[[ServerTask], str]) -> None:
    for words, tasks in _grouped(outcome.changed, did).items():
        verb = "task is" if len(tasks) == 1 else "tasks are"
        messages.success(request, f"{len(tasks)} {verb} {words}.")
    for words, tasks in _grouped(outcome.unchanged, _too_late).items():
        verb = "task was" if len(tasks) == 1 else "tasks were"
        messages.warning(request, f"{len(tasks)} {verb} {words}: {_names(tasks)}.")
    if outcome.missing:
        verb = "task is" if outcome.missing == 1 else "tasks are"
        messages.warning(request, f"{outcome.missing} {verb} not there any more.")


def _grouped(
    tasks: Sequence[ServerTask], words: Callable[[ServerTask], str]
) -> dict[str, list[ServerTask]]:
    groups: dict[str, list[ServerTask]] = {}
    for task in tasks:
        groups.setdefault(words(task), []).append(task)
    return groups


def _too_late(task: ServerTask) -> str:
    if task.is_completed:
        return "already completed"
    if task.state == State.CANCELLING:
        return "already being canceled"
    return "already started" if task.is_running else "already at the top of the queue"


def _names(tasks: Sequence[ServerTask]) -> str:
    named = ", ".join(task.name for task in tasks[:NAMED])
    more = len(tasks) - NAMED
    return f"{named} and {more} more" if more > 0 else named


def _back(request: HttpRequest) -> HttpResponse:
    """Lead back to the very list that was looked at; never anywhere else."""
    query = QueryDict(request.POST.get("query", "")[:LONGEST_QUERY])
    suffix: Any = f"?{query.urlencode()}" if query else ""
    return HttpResponseRedirect(reverse("tasks:list") + suffix)
