"""Configuration → Maintenance: look at the mode, and switch it."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin
from django.core.paginator import Paginator
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView

from maintenance import (
    barrier,
    cockpit,
    conf,
    conflicts,
    gate,
    idle,
    mode,
    people,
    refusals,
    trail,
    windows,
    work,
)
from maintenance.decorators import maintenance_exempt
from maintenance.forms import EnableForm
from maintenance.models import ModeSwitch, Source, Window
from maintenance.trail import Origin

SWITCHES_LISTED = 20
REFUSALS_LISTED = 50
WINDOWS_LISTED = 10


def overview(request: HttpRequest, form: EnableForm | None = None) -> dict[str, Any]:
    """Return what the page, and the admin site's, show."""
    administrator = gate.is_administrator(request.user)
    facts = idle.look()
    nearest = facts.window if facts.window and administrator else None
    now = trail.now(mode.database())
    return {
        "mode": facts.mode,
        "standing": cockpit.standing(facts),
        "timeline": cockpit.around_now(facts, now=now) if administrator else None,
        "clock_warning": cockpit.clock_warning(now) if administrator else "",
        "nearest": nearest,
        "steps": nearest.steps.all() if nearest else (),
        "audience": people.audience,
        "form": form or EnableForm(),
        "is_administrator": administrator,
        "switches": Paginator(ModeSwitch.objects.all(), SWITCHES_LISTED).page(1),
        "refusals": refusals.latest(limit=REFUSALS_LISTED) if administrator else None,
        "facts": facts,
        "work": facts.work,
        "windows": windows.to_come(),
        "past_windows": Window.objects.over()[:WINDOWS_LISTED],
    }


def origin(request: HttpRequest, *, source: str) -> Origin:
    """Say who switches, and from where."""
    person: Any = request.user
    return Origin(person=person, source=source, address=request.META.get("REMOTE_ADDR") or "")


class MaintenancePage(LoginRequiredMixin, TemplateView):
    """Everybody who can sign in may look: these are the people who wait."""

    template_name = "maintenance/page.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | overview(self.request)


class Status(LoginRequiredMixin, TemplateView):
    """The part of the page that changes by itself."""

    template_name = "maintenance/_status.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | overview(self.request)


class Consequences(PermissionRequiredMixin, TemplateView):
    """The step before a switch: what it will do to whom, and the one button that does it."""

    permission_required = conf.ADMINISTER_SYSTEM
    raise_exception = True
    template_name = "maintenance/switch.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | overview(self.request)


@method_decorator(maintenance_exempt, name="dispatch")
class SwitchView(PermissionRequiredMixin, TemplateView):
    """A switch: POST only, with Administer System only."""

    permission_required = conf.ADMINISTER_SYSTEM
    raise_exception = True
    http_method_names = ["post"]
    template_name = "maintenance/switch.html"
    source: str = Source.PAGE
    page = "maintenance:page"
    enable_url = "maintenance:enable"

    def origin(self) -> dict[str, Any]:
        return origin(self.request, source=self.source).__dict__

    def shown(self, form: EnableForm | None = None) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**overview(self.request, form)))


class Enable(SwitchView):
    def post(self, request: HttpRequest) -> HttpResponse:
        form = EnableForm(request.POST)
        if not form.is_valid():
            return self.shown(form)
        end = form.cleaned_data["until"]
        if end is not None and not mode.current().is_enabled:
            if "looked" not in request.POST:
                found = conflicts.until(end, using=mode.database())
                if found:
                    return self.ask(form, found)
            try:
                self.settle(end)
            except work.CannotReschedule as refused:
                messages.error(request, _("Maintenance mode was not enabled: ") + str(refused))
                return self.ask(form, conflicts.until(end, using=mode.database()))
        tell(request, mode.enable(**form.cleaned_data, **self.origin()))
        return redirect(self.page)

    def ask(self, form: EnableForm, found: conflicts.InTheWay) -> HttpResponse:
        """Show what is scheduled before the end, and what can be done with it, in bulk."""
        context = {
            "form": form,
            "in_the_way": found,
            "choices": conflicts.Choice.choices,
            "enable_url": self.enable_url,
            "page_url": self.page,
        }
        return render(self.request, "maintenance/enable_conflicts.html", context)

    def settle(self, end: datetime) -> None:
        """Do with the ticked tasks what was chosen. Raises ``work.CannotReschedule``."""
        keys, choice = self.request.POST.getlist("task"), self.request.POST.get("scheduled", "")
        if choice not in conflicts.Choice.values:
            return
        count = conflicts.settle(keys, choice, end=end, person=self.request.user)
        if count:
            words = ngettext("%d task was changed.", "%d tasks were changed.", count) % count
            messages.success(self.request, words)


class Disable(SwitchView):
    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            switch = mode.disable(**self.origin())
        except OperationalError as error:
            if not barrier.is_lock_timeout(error):
                raise
            messages.error(request, _("The database is busy: nothing was changed. Try again."))
            return redirect(self.page)
        if switch.changed:
            messages.success(request, _("Maintenance mode is off. People can change things again."))
        else:
            messages.info(request, _("Maintenance mode was off already."))
        return redirect(self.page)


def tell(request: HttpRequest, switch: mode.Switch) -> None:
    """Say what enabling came to."""
    if not switch.enabled:
        messages.error(request, _describe_failure(switch))
    elif not switch.settled:
        messages.warning(request, _describe_wait(switch))
    elif switch.changed:
        messages.success(
            request, _("Maintenance mode is on. No change made before is still in progress.")
        )
    else:
        messages.info(request, _("Maintenance mode was on already."))


def _describe_failure(switch: mode.Switch) -> str:
    """Say why the mode is off all the same."""
    if switch.in_flight is None:
        return _(
            "Maintenance mode is off: a change in progress held the database for too long."
            " Nothing was changed."
        )
    return _("Maintenance mode is off: it was turned off while this was waiting.")


def _describe_wait(switch: mode.Switch) -> str:
    """Say what a switch is still waiting for."""
    if switch.in_flight is None:
        return _(
            "Maintenance mode is on, but a change in progress held the database for too long."
            " Nothing was changed."
        )
    return ngettext(
        "Maintenance mode is on, but %(count)d change let in before is still in progress."
        " Enable again to look again.",
        "Maintenance mode is on, but %(count)d changes let in before are still in progress."
        " Enable again to look again.",
        switch.in_flight,
    ) % {"count": switch.in_flight}
