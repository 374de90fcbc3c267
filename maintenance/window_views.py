"""Windows on screen: plan, edit, call off, tick steps off, move what falls into one, report."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView, View

from maintenance import activities, cockpit, conflicts, gate, reports, windows, work
from maintenance.access import Administrative
from maintenance.decorators import maintenance_exempt
from maintenance.forms import WindowForm
from maintenance.models import Step, Window


# Exempt, as the writers open a transaction of their own; whoever gets here could not be refused.
@method_decorator(maintenance_exempt, name="dispatch")
class Writing(Administrative, View):
    """A change of one window: POST only."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        window = get_object_or_404(Window, pk=pk)
        try:
            self.write(window, **kwargs)
        except (windows.WindowRefused, work.CannotReschedule) as refused:
            messages.error(request, str(refused))
        return redirect("maintenance:page" if request.POST.get("back") == "page" else window)

    def write(self, window: Window, **kwargs: Any) -> None:
        raise NotImplementedError


@method_decorator(maintenance_exempt, name="dispatch")
class WindowFormView(Administrative, TemplateView):
    """A form for a window, shown again with what is wrong at its fields."""

    template_name = "maintenance/window_form.html"

    def shown(self, form: WindowForm, window: Window | None = None) -> HttpResponse:
        plans = [(label, activities.plan_for(value)) for value, label in _labels()]
        context = {"form": form, "window": window, "plans": plans}
        return self.render_to_response(self.get_context_data(**context))

    def write(
        self, form: WindowForm, write: Callable[[], Window], window: Window | None = None
    ) -> HttpResponse:
        if form.is_valid():
            try:
                written = write()
            except windows.WindowRefused as refused:
                form.refuse(refused)
            else:
                words = (
                    _("Window %(number)d is saved.")
                    if window
                    else _("Window %(number)d is planned.")
                )
                messages.success(self.request, words % {"number": written.pk})
                return redirect(written)
        return self.shown(form, window)


class Plan(WindowFormView):
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.shown(WindowForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = WindowForm(request.POST)
        return self.write(form, lambda: windows.plan(form.draft(), origin=self.origin))


class Edit(WindowFormView):
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        window = get_object_or_404(Window, pk=kwargs["pk"])
        return self.shown(WindowForm(window=window), window)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        window = get_object_or_404(Window, pk=pk)
        form = WindowForm(request.POST, window=window)

        def write() -> Window:
            version = form.cleaned_data["version"] or 0
            return windows.edit(window, form.draft(), version=version, origin=self.origin)

        return self.write(form, write, window)


class CallOff(Writing):
    def write(self, window: Window, **kwargs: Any) -> None:
        windows.call_off(window, origin=self.origin)
        messages.success(self.request, _("The window was called off."))


class Tick(Writing):
    def write(self, window: Window, **kwargs: Any) -> None:
        step = get_object_or_404(Step, window=window, position=kwargs["position"])
        windows.tick(step, done=bool(self.request.POST.get("done")), origin=self.origin)


class Conflicts(Writing):
    """Move what falls into a window behind it, or let it start that late, in bulk."""

    def write(self, window: Window, **kwargs: Any) -> None:
        if window.ends is None:
            raise windows.WindowRefused(_("The window has no end to move tasks behind."))
        keys, choice = self.request.POST.getlist("task"), self.request.POST.get("action", "")
        count = conflicts.settle(keys, choice, end=window.ends, person=self.request.user)
        words = ngettext("%d task was changed.", "%d tasks were changed.", count) % count
        messages.success(self.request, words)


class WindowPage(LoginRequiredMixin, TemplateView):
    """One window: when, why, its checklist, and what happened in it."""

    template_name = "maintenance/window.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        window = get_object_or_404(Window, pk=kwargs["pk"])
        administrator = gate.is_administrator(self.request.user)
        found = {"window": window, "is_administrator": administrator, "steps": window.steps.all()}
        found["plan"] = activities.plan_for(window.activity)
        if administrator:
            took_place = window.opened is not None or not window.is_over
            found["timeline"] = cockpit.of_window(window) if took_place else None
            found["report"] = reports.of(window)
            found["in_the_way"] = None if window.is_over else reports.conflicts(window)
        return super().get_context_data(**kwargs) | found


class Report(Administrative, View):
    """The report as JSON, to be kept."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        window = get_object_or_404(Window, pk=pk)
        response = JsonResponse(
            reports.as_json(reports.of(window)), json_dumps_params={"indent": 2}
        )
        response["Content-Disposition"] = f'attachment; filename="window-{window.pk}.json"'
        return response


def _labels() -> list[tuple[str, str]]:
    return [(value, str(label)) for value, label in Window._meta.get_field("activity").flatchoices]
