"""Configuration → Queue: whether it is paused, and the switch."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views import View

from tasks import pause, work
from tasks.configuration_forms import PauseForm, problems
from tasks.views import live


class QueuePage(PermissionRequiredMixin, View):
    """Answer the page; to its poll only how the queue stands."""

    permission_required = "tasks.view_servertask"

    def get(self, request: HttpRequest) -> HttpResponse:
        context: dict[str, Any] = {"pause": pause.current(), "work": work.summary()}
        row = context["pause"]
        seen = live.print_of(context["work"], row.is_paused, row.since, row.reason)
        if live.is_poll(request):
            return live.answer(request, "tasks/_live_queue.html", context, seen=seen)
        response = render(
            request, "tasks/queue.html", {**context, "form": PauseForm(), "seen": seen}
        )
        patch_vary_headers(response, ["HX-Request"])
        return response


class Switch(PermissionRequiredMixin, View):
    http_method_names = ["post", "options"]
    permission_required = pause.PAUSE


class Pause(Switch):
    def post(self, request: HttpRequest) -> HttpResponse:
        form = PauseForm(request.POST)
        if not form.is_valid():
            words = _("The queue was not paused. %(problems)s")
            messages.error(request, words % {"problems": problems(form)})
        elif pause.pause(person=request.user, reason=form.cleaned_data["reason"]):
            messages.success(request, _("The queue is paused."))
        else:
            messages.warning(request, _("The queue was paused already."))
        return redirect("queue:page")


class Resume(Switch):
    def post(self, request: HttpRequest) -> HttpResponse:
        if pause.resume(person=request.user):
            messages.success(request, _("The queue goes on."))
        else:
            messages.warning(request, _("The queue was not paused."))
        return redirect("queue:page")
