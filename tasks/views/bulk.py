"""What people do to many tasks of the list with one click."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy
from django.views import View

from tasks import admission, bulk, clock, lifecycle, queue
from tasks.filters import LARGEST_ID
from tasks.models import ServerTask, State

NAMED = 10
# From now on, in which tasks that expired during an outage may start after all.
HOURS = ("1", "4", "12", "24")
LONGEST_QUERY = 1000
# What became of tasks, by the word under which they are counted together.
CHANGED = {
    "canceled": ngettext_lazy(
        "%(count)d task is canceled.", "%(count)d tasks are canceled.", "count"
    ),
    "canceling": ngettext_lazy(
        "%(count)d task is being canceled.", "%(count)d tasks are being canceled.", "count"
    ),
    "prioritized": ngettext_lazy(
        "%(count)d task is at the top of the queue.",
        "%(count)d tasks are at the top of the queue.",
        "count",
    ),
    "queued": ngettext_lazy(
        "%(count)d task is queued again.", "%(count)d tasks are queued again.", "count"
    ),
    "timed out": ngettext_lazy("%(count)d task timed out.", "%(count)d tasks timed out.", "count"),
}
UNCHANGED = {
    "completed": ngettext_lazy(
        "%(count)d task was already completed: %(tasks)s.",
        "%(count)d tasks were already completed: %(tasks)s.",
        "count",
    ),
    "canceling": ngettext_lazy(
        "%(count)d task was already being canceled: %(tasks)s.",
        "%(count)d tasks were already being canceled: %(tasks)s.",
        "count",
    ),
    "started": ngettext_lazy(
        "%(count)d task was already started: %(tasks)s.",
        "%(count)d tasks were already started: %(tasks)s.",
        "count",
    ),
    "prioritized": ngettext_lazy(
        "%(count)d task was already at the top of the queue: %(tasks)s.",
        "%(count)d tasks were already at the top of the queue: %(tasks)s.",
        "count",
    ),
    "decided": ngettext_lazy(
        "%(count)d task was already decided: %(tasks)s.",
        "%(count)d tasks were already decided: %(tasks)s.",
        "count",
    ),
}


class Selected(PermissionRequiredMixin, View):
    """One act on the tasks that were ticked; the answer is the same list, with what happened."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            pks = _ticked(request)
            if pks:
                outcome = self.change(pks, person=request.user)
                _tell(request, outcome, did=self.did, too_late=self.too_late)
            else:
                messages.warning(request, _("No task is selected."))
        except (admission.Withheld, bulk.TooMany, queue.BadSchedule, ValueError) as error:
            messages.error(request, _("%(why)s Nothing was changed.") % {"why": error})
        return _back(request)

    def change(self, pks: set[int], *, person: Any) -> bulk.Outcome:
        raise NotImplementedError

    def did(self, task: ServerTask) -> str:
        """Return the word in ``CHANGED`` for what a task is now that it was changed."""
        raise NotImplementedError

    def too_late(self, task: ServerTask) -> str:
        """Return the word in ``UNCHANGED`` for why a task was not changed."""
        return _too_late(task)


class CancelSelected(Selected):
    permission_required = lifecycle.CANCEL

    def change(self, pks: set[int], *, person: Any) -> bulk.Outcome:
        return bulk.cancel(pks, person=person)

    def did(self, task: ServerTask) -> str:
        return "canceled" if task.state == State.CANCELED else "canceling"


class PrioritizeSelected(Selected):
    permission_required = lifecycle.PRIORITIZE

    def change(self, pks: set[int], *, person: Any) -> bulk.Outcome:
        return bulk.prioritize(pks, person=person)

    def did(self, task: ServerTask) -> str:
        return "prioritized"


class StartAnyway(Selected):
    """Let tasks start that expired while no scheduler ran."""

    permission_required = lifecycle.PRIORITIZE

    def change(self, pks: set[int], *, person: Any) -> bulk.Outcome:
        hours = self.request.POST.get("hours", "")
        if hours not in HOURS:
            raise ValueError(_("The form is damaged."))
        expiry = clock.now() + timedelta(hours=int(hours))
        return bulk.start_anyway(pks, expiry=expiry, person=person)

    def did(self, task: ServerTask) -> str:
        return "queued"

    def too_late(self, task: ServerTask) -> str:
        return _decided(task)


class LetExpire(Selected):
    """Give tasks up that expired while no scheduler ran."""

    permission_required = lifecycle.PRIORITIZE

    def change(self, pks: set[int], *, person: Any) -> bulk.Outcome:
        return bulk.let_expire(pks, person=person)

    def did(self, task: ServerTask) -> str:
        return "timed out"

    def too_late(self, task: ServerTask) -> str:
        return _decided(task)


def _decided(task: ServerTask) -> str:
    return "completed" if task.is_completed else "decided"


def _ticked(request: HttpRequest) -> set[int]:
    """Return the numbers of the ticked tasks. Raises ``ValueError`` with a sentence."""
    texts = request.POST.getlist("task")
    if not all(text.isascii() and text.isdigit() and len(text) <= 19 for text in texts):
        raise ValueError(_("The form is damaged."))
    pks = {int(text) for text in texts}
    if max(pks, default=0) > LARGEST_ID:
        raise ValueError(_("The form is damaged."))
    return pks


def _tell(
    request: HttpRequest,
    outcome: bulk.Outcome,
    *,
    did: Callable[[ServerTask], str],
    too_late: Callable[[ServerTask], str],
) -> None:
    for word, tasks in _grouped(outcome.changed, did).items():
        messages.success(request, CHANGED[word] % {"count": len(tasks)})
    for word, tasks in _grouped(outcome.unchanged, too_late).items():
        told = {"count": len(tasks), "tasks": _names(tasks)}
        messages.warning(request, UNCHANGED[word] % told)
    if outcome.missing:
        words = ngettext(
            "%(count)d task is not there any more.",
            "%(count)d tasks are not there any more.",
            outcome.missing,
        )
        messages.warning(request, words % {"count": outcome.missing})


def _grouped(
    tasks: Sequence[ServerTask], word: Callable[[ServerTask], str]
) -> dict[str, list[ServerTask]]:
    groups: dict[str, list[ServerTask]] = {}
    for task in tasks:
        groups.setdefault(word(task), []).append(task)
    return groups


def _too_late(task: ServerTask) -> str:
    if task.is_completed:
        return "completed"
    if task.state == State.CANCELLING:
        return "canceling"
    return "started" if task.is_running else "prioritized"


def _names(tasks: Sequence[ServerTask]) -> str:
    named = ", ".join(task.name for task in tasks[:NAMED])
    more = len(tasks) - NAMED
    if more <= 0:
        return named
    return _("%(tasks)s and %(count)d more") % {"tasks": named, "count": more}


def _back(request: HttpRequest) -> HttpResponse:
    """Lead back to the very list that was looked at; never anywhere else."""
    query = QueryDict(request.POST.get("query", "")[:LONGEST_QUERY])
    suffix: Any = f"?{query.urlencode()}" if query else ""
    return HttpResponseRedirect(reverse("tasks:list") + suffix)
