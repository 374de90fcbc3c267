"""What the pages of projects have in common: the project, forms that call one writer, buttons."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.debug import sensitive_post_parameters

from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Project
from tasks import queue
from tasks.views import live

# The field that says what a form was filled with. Nobody typed it, as the underscore says.
SEEN = "_seen"

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise


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
    title: "StrOrPromise" = ""
    button: "StrOrPromise" = _("Save")
    seen = ""

    # Whether it changes what somebody else may have changed since it was opened.
    edits = False

    def form(self, data: Any = None) -> Form:
        raise NotImplementedError

    def write(self, form: Form) -> Any:
        """Call the writer; return what to show next, an object or an address."""
        raise NotImplementedError

    def context(self) -> dict[str, Any]:
        return {}

    def said(self, written: Any) -> str:
        return gettext("Saved.")

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return self.answer(self.form())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if SEEN in request.POST and self.edits:
            self.hold()
        form = self.form(request.POST)
        if form.is_valid() and not self.is_overtaken(form):
            try:
                written = self.write(form)
            except ObjectDoesNotExist:
                form.add_error(None, gettext("What this form changes was deleted meanwhile."))
                return self.answer(form, status=404)
            except Refused as refusal:
                self.add_error(form, refusal.field, str(refusal))
            except queue.BadSchedule as refusal:
                self.add_error(form, refusal.field, str(refusal))
            else:
                messages.success(request, self.said(written))
                return redirect(written)
        return self.answer(form)

    def hold(self) -> None:
        """Keep others from changing what the form changes, until this request is done."""
        list(Project.objects.select_for_update().filter(slug=self.kwargs["project"]))

    def is_overtaken(self, form: Form) -> bool:
        """Say, once, that somebody else changed what the form was filled with."""
        now, given = _print_of(form), self.request.POST.get(SEEN)
        if not self.edits or given is None or given == now:
            return False
        self.seen = now
        words = gettext("Somebody changed this since you opened it. Save again to replace theirs.")
        form.add_error(None, words)
        return True

    def add_error(self, form: Form, field: str, words: str) -> None:
        form.add_error(field if field in form.fields else None, words)

    def answer(self, form: Form, *, status: int = 200) -> HttpResponse:
        words = {"title": self.title, "button": self.button}
        if self.edits:
            words["seen"] = self.seen or self.request.POST.get(SEEN) or _print_of(form)
        return self.show(status=status, form=form, **words, **self.context())


def _print_of(form: Form) -> str:
    """Return a print of what a form is filled with at first."""
    values = sorted(form.initial.items())
    return live.print_of([(name, _plain(value)) for name, value in values])


def _plain(value: Any) -> Any:
    if isinstance(value, QuerySet):
        return sorted(value.values_list("pk", flat=True))
    return value.pk if isinstance(value, Model) else value


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
        except ObjectDoesNotExist:  # deleted by somebody else since it was read
            raise Http404 from None
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(self.back())
        messages.success(request, words)
        return redirect(target)
