"""What the pages of projects have in common: the project, forms that call one writer, buttons."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.views import View
from django.views.decorators.debug import sensitive_post_parameters

from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Project
from tasks import queue


class Page(PermissionRequiredMixin, View):
    """A page, of a project if the address names one."""

    permission_required: str | tuple[str, ...] = "deployments.view_project"
    template_name = ""
    # Which tab of the project the page belongs to.
    tab = ""

    @cached_property
    def project(self) -> Project:
        return get_object_or_404(Project, slug=self.kwargs["project"])

    def show(self, *, status: int = 200, **context: Any) -> HttpResponse:
        if "project" in self.kwargs:
            context |= {"project": self.project, "tab": self.tab}
        return render(self.request, self.template_name, context, status=status)


@method_decorator(sensitive_post_parameters("secret"), name="dispatch")
class FormPage(Page):
    """A page with one form; what the writer refuses is said at the field, and nothing is lost."""

    template_name = "deployments/form.html"
    title = ""
    button = "Save"

    def form(self, data: Any = None) -> Form:
        raise NotImplementedError

    def write(self, form: Form) -> Any:
        """Call the writer; return what to show next, an object or an address."""
        raise NotImplementedError

    def context(self) -> dict[str, Any]:
        return {}

    def said(self, written: Any) -> str:
        return "Saved."

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return self.answer(self.form())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = self.form(request.POST)
        if form.is_valid():
            try:
                written = self.write(form)
            except Refused as refusal:
                self.add_error(form, refusal.field, str(refusal))
            except queue.BadSchedule as refusal:
                self.add_error(form, refusal.field, str(refusal))
            else:
                messages.success(request, self.said(written))
                return redirect(written)
        return self.answer(form)

    def add_error(self, form: Form, field: str, words: str) -> None:
        form.add_error(field if field in form.fields else None, words)

    def answer(self, form: Form) -> HttpResponse:
        return self.show(form=form, title=self.title, button=self.button, **self.context())


class Button(Page):
    """One click that changes something."""

    http_method_names = ["post", "options"]

    def act(self) -> tuple[str, Any]:
        """Call the writer; return what to say, and where to go."""
        raise NotImplementedError

    def back(self) -> Any:
        """Return where to go when the writer refuses."""
        raise NotImplementedError

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            words, target = self.act()
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(self.back())
        messages.success(request, words)
        return redirect(target)
