"""The pages of the server itself: home, sign-in, sign-out, password, and after a stale form."""

import sys
from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse_lazy
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from maintenance import kept, work
from maintenance.decorators import maintenance_exempt
from octoserver import authority, search, theme
from octoserver.forms import SignInForm
from tasks.models import ServerTask
from tasks.views import live

RECENT_TASKS = 10
ADMINISTRATORS_NAMED = 3


class Home(LoginRequiredMixin, TemplateView):
    """What goes on here, as far as this person may know; where that is nothing, whom to ask."""

    template_name = "octoserver/home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if not self.request.user.has_perm("tasks.view_servertask"):
            context["administrators"] = authority.names_to_ask(ADMINISTRATORS_NAMED)
            return context
        recent = list(ServerTask.objects.people().newest().defer("arguments")[:RECENT_TASKS])
        found = work.survey()
        seen = live.print_of(found, live.values_of(recent))
        return context | {"work": found, "tasks": recent, "seen": seen}

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Answer the page; to its poll only what changes by itself."""
        if "seen" in context and live.is_poll(self.request):
            return live.answer(self.request, "octoserver/_work.html", context, seen=context["seen"])
        response = super().render_to_response(context, **kwargs)
        patch_vary_headers(response, ["HX-Request"])
        return response


class Search(LoginRequiredMixin, TemplateView):
    """What is found by a few letters: a page, or for the palette its list alone."""

    def get_template_names(self) -> list[str]:
        is_part = self.request.headers.get("HX-Request") == "true"
        return ["octoserver/_hits.html" if is_part else "octoserver/search.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        typed = self.request.GET.get("q", "").strip()[: search.LONGEST]
        groups = search.find(typed, self.request)
        count = sum(len(group.hits) for group in groups)
        return super().get_context_data(**kwargs) | {
            "typed": typed, "groups": groups, "count": count
        }  # fmt: skip

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response = super().render_to_response(context, **kwargs)
        patch_vary_headers(response, ["HX-Request"])
        return response


@method_decorator(maintenance_exempt, name="dispatch")
class SignIn(auth_views.LoginView):
    template_name = "registration/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "label_suffix": ""}


@method_decorator([maintenance_exempt, login_not_required], name="dispatch")
class SignOut(auth_views.LogoutView):
    """Sign out; somebody who is not signed in any more is simply shown the sign-in page."""


class ChangePassword(LoginRequiredMixin, auth_views.PasswordChangeView):
    template_name = "registration/password_change.html"
    success_url = reverse_lazy("home")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "label_suffix": ""}

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password was changed."))
        return super().form_valid(form)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose secret is missing or old: nothing was changed, and how to go on.

    One that was kept from a refusal is given back, or what was typed would be lost after all.
    """
    view = request.resolver_match.func if request.resolver_match else None
    context = {"reason": reason, "kept": kept.sent_again(request, view, request.user)}
    return render(request, "octoserver/csrf_failure.html", context, status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _alone(request, "400.html", status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that something broke here, or that the database does not answer just now."""
    if isinstance(sys.exception(), OperationalError):
        return _alone(request, "503.html", status=503)
    return _alone(request, "500.html", status=500)


def _alone(request: HttpRequest, template: str, *, status: int) -> HttpResponse:
    """Answer where nothing may be relied on: no context processor, no database."""
    return HttpResponse(render_to_string(template, {"theme": theme.of(request)}), status=status)
