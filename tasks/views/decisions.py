"""What expired while no scheduler ran, as it stands on two pages, and live on both."""

from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.views import View

from tasks import kinds, lifecycle
from tasks.models import Hold
from tasks.views import live

# Tasks that wait for a decision and are listed at once.
HELD = 200


def context_for(person: Any) -> dict[str, Any]:
    """Return what the list of a person is made of, and the print by which a page knows it again."""
    holds = list(Hold.objects.open().defer("task__arguments")[:HELD])
    may_decide = person.has_perm(lifecycle.PRIORITIZE)
    withheld = kinds.withheld(person, [hold.task for hold in holds]) if may_decide else {}
    may_decide = may_decide and len(withheld) < len(holds)
    values = [(hold.task_id, hold.decide_by, hold.task.queue_time_expiry) for hold in holds]
    return {
        "holds": holds,
        "may_decide": may_decide,
        "withheld": withheld,
        "decisions_seen": live.print_of(values, may_decide, sorted(withheld)),
    }


class Decisions(PermissionRequiredMixin, View):
    """Answer the poll of that part of a page."""

    permission_required = "tasks.view_servertask"

    def get(self, request: HttpRequest) -> HttpResponse:
        context = context_for(request.user)
        seen = context["decisions_seen"]
        return live.answer(request, "tasks/_live_decisions.html", context, seen=seen)
