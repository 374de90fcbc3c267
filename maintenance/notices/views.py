"""Pages of notices: what each person wants to be told, and webhooks and deliveries for those who
administer the system."""

import hashlib
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import get_conditional_response
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView, View

from maintenance import conf, trail
from maintenance.access import Administrative
from maintenance.decorators import maintenance_sensitive
from maintenance.models import Window
from maintenance.notices import deliveries, subscriptions, webhooks
from maintenance.notices.forms import WebhookForm
from maintenance.notices.models import Delivery, Notice, Webhook

NOTICES_LISTED = 30


class MyNotices(LoginRequiredMixin, TemplateView):
    """What the person who looks wants to be told, and their private link to the calendar."""

    template_name = "maintenance/my_notices.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mine = subscriptions.of(self.request.user)
        path = subscriptions.calendar_path(mine)
        return super().get_context_data(**kwargs) | {
            "subscription": mine,
            "email": deliveries.email_of(self.request.user),
            "sends_email": conf.get("MAINTENANCE_SENDS_EMAIL"),
            "calendar": self.request.build_absolute_uri(path) if path else None,
        }

    def post(self, request: HttpRequest) -> HttpResponse:
        wanted = bool(request.POST.get("by_email"))
        subscriptions.set_email(request.user, wanted=wanted)
        told = _("You will get e-mail about maintenance.")
        not_told = _("You will get no e-mail about maintenance.")
        messages.success(request, told if wanted else not_told)
        return redirect("maintenance:my_notices")


class MyCalendar(LoginRequiredMixin, View):
    """Make a new private link, or take it back."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("action") == "revoke":
            subscriptions.revoke_calendar(request.user)
            messages.success(request, _("Your calendar link is void."))
        else:
            subscriptions.renew_calendar(request.user)
            messages.success(request, _("This is your calendar link. An earlier one is void."))
        return redirect("maintenance:my_notices")


@method_decorator(login_not_required, name="dispatch")
class Feed(View):
    """The calendar: whoever has the link may read it, with no session, in any mode."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if subscriptions.whose(token) is None:
            raise Http404
        # Its library takes 9 MB and a fifth of a second, of which no other process need know.
        from maintenance.notices import calendar

        since = trail.now(deliveries.database()) - calendar.KEPT
        content = calendar.feed(Window.objects.of_calendar(since=since)[: calendar.MOST])
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
        response["Content-Disposition"] = 'inline; filename="maintenance.ics"'
        found = get_conditional_response(request, etag=etag, response=response)
        answer: HttpResponse = found if isinstance(found, HttpResponse) else response
        answer["ETag"] = etag
        # Nobody's shared cache may hold it, and one's own asks each time.
        answer["Cache-Control"] = "private, no-cache"
        return answer


class NoticesPage(Administrative, TemplateView):
    """Webhooks, and what was told to whom."""

    template_name = "maintenance/notices.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        latest = Notice.objects.select_related("window").with_deliveries()[:NOTICES_LISTED]
        return super().get_context_data(**kwargs) | {
            "webhooks": Webhook.objects.all(),
            "notices": latest,
            "sends_email": conf.get("MAINTENANCE_SENDS_EMAIL"),
        }


@method_decorator([never_cache, maintenance_sensitive("secret", "url")], name="dispatch")
class WebhookPage(Administrative, View):
    """A form for one webhook; a new secret is shown in the answer, and nowhere after."""

    def webhook(self, pk: int | None) -> Webhook:
        return Webhook() if pk is None else get_object_or_404(Webhook, pk=pk)

    def get(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        webhook = self.webhook(pk)
        return self.shown(webhook, form=WebhookForm(instance=webhook))

    def post(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        form = WebhookForm(request.POST, instance=self.webhook(pk))
        if not form.is_valid():
            return self.shown(self.webhook(pk), form=form)
        given = form.cleaned_data["secret"]
        secret = webhooks.save(form.instance, secret=given, by=request.user.get_username())
        messages.success(request, _("The webhook was saved."))
        if secret and not given:
            return self.shown(form.instance, secret=secret)
        return redirect("maintenance:notices")

    def shown(self, webhook: Webhook, **context: Any) -> HttpResponse:
        return render(self.request, "maintenance/webhook.html", {"webhook": webhook, **context})


class WebhookAction(Administrative, View):
    """Something done to one webhook: POST only."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.act(get_object_or_404(Webhook, pk=pk), by=request.user.get_username())

    def act(self, webhook: Webhook, *, by: str) -> HttpResponse:
        raise NotImplementedError


@method_decorator(never_cache, name="dispatch")
class RenewSecret(WebhookAction):
    def act(self, webhook: Webhook, *, by: str) -> HttpResponse:
        secret = webhooks.renew_secret(webhook, by=by)
        context = {"webhook": webhook, "secret": secret}
        return render(self.request, "maintenance/webhook.html", context)


class Test(WebhookAction):
    def act(self, webhook: Webhook, *, by: str) -> HttpResponse:
        webhooks.test(webhook, by=by)
        messages.success(self.request, _("A test is on its way. Its outcome is listed here."))
        return redirect("maintenance:notices")


class Remove(WebhookAction):
    def act(self, webhook: Webhook, *, by: str) -> HttpResponse:
        webhooks.remove(webhook, by=by)
        messages.success(self.request, _("The webhook was removed."))
        return redirect("maintenance:notices")


class TryAgain(Administrative, View):
    """Try a delivery that was given up once more."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        if deliveries.try_again(get_object_or_404(Delivery, pk=pk)):
            messages.success(request, _("It is tried again."))
        return redirect("maintenance:notices")
