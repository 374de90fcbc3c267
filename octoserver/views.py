"""The pages of the server itself: home, sign-in, sign-out, password, and after a stale form."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from maintenance import work
from maintenance.decorators import maintenance_exempt
from octoserver import authority
from octoserver.forms import SignInForm
from tasks.models import ServerTask

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
        recent = ServerTask.objects.people().newest()[:RECENT_TASKS]
        return context | {"work": work.survey(), "tasks": recent}


@method_decorator(maintenance_exempt, name="dispatch")
class SignIn(auth_views.LoginView):
    template_name = "registration/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


@method_decorator([maintenance_exempt, login_not_required], name="dispatch")
class SignOut(auth_views.LogoutView):
    """Sign out; somebody who is not signed in any more is simply shown the sign-in page."""


class ChangePassword(LoginRequiredMixin, auth_views.PasswordChangeView):
    template_name = "registration/password_change.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password was changed."))
        return super().form_valid(form)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose secret is missing or old: nothing was changed, and how to go on."""
    return render(request, "octoserver/csrf_failure.html", {"reason": reason}, status=403)
