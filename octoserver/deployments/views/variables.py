"""Variables, and the answer to what one will be somewhere."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maintenance.decorators import maintenance_sensitive
from octoserver.deployments import resolving, snapshots, variables
from octoserver.deployments.forms import LookForm, VariableForm
from octoserver.deployments.models import Environment, Project, Variable
from octoserver.deployments.views.base import Button, FormPage, Page


class Variables(Page):
    tab = "variables"
    permission_required = ("deployments.view_project", "deployments.view_variable")
    template_name = "deployments/variables.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        first = Environment.objects.in_order().last()
        look = LookForm(
            request.GET if "environment" in request.GET else None,
            project=self.project,
            initial={"environment": first},
        )
        rows = self.project.variables.prefetch_related("environments", "steps__runbook")
        return self.show(variables=rows, look=look, **self.foretold(look, first))

    def foretold(self, look: LookForm, environment: Environment | None) -> dict[str, Any]:
        """Return what each variable comes to where the form looks from."""
        step = None
        if look.is_bound:
            if not look.is_valid():
                return {}
            environment, step = look.cleaned_data["environment"], look.cleaned_data["step"]
        if environment is None:
            return {}
        try:
            values = resolving.resolve(
                snapshots.of_variables(self.project),
                environment=environment.pk,
                step=snapshots.step_path(step) if step else None,
                given=_given(self.project, environment),
            )
        except resolving.BadReference as refusal:
            return {"place": environment, "problem": str(refusal)}
        found = [value for value in values.values() if value.row is not None]
        names = dict(Environment.objects.values_list("pk", "name"))
        return {"place": environment, "values": [(value, _scope(value, names)) for value in found]}


def _given(project: Project, environment: Environment) -> dict[str, str]:
    return {
        "Octopus.Project.Name": project.name,
        "Octopus.Project.Slug": project.slug,
        "Octopus.Environment.Name": environment.name,
    }


def _scope(value: resolving.Resolved, names: dict[int, str]) -> str:
    """Say which scope a value came from."""
    row = value.row or {"environments": [], "steps": []}
    places = [names.get(pk, "") for pk in row["environments"]]
    return ", ".join([*places, *row["steps"]]) or _("everywhere")


# Where a sensitive one is typed by mistake.
@method_decorator(maintenance_sensitive("value", when="is_sensitive"), name="dispatch")
class VariableEditor(FormPage):
    tab = "variables"
    permission_required = "deployments.change_project"
    template_name = "deployments/variable.html"

    def form(self, data: Any = None) -> Form:
        return VariableForm(data, project=self.project, initial=self.initial())

    def initial(self) -> dict[str, Any]:
        return {}

    def written(self, form: Form, variable: Variable) -> str:
        variables.save(variable, person=self.request.user, **form.cleaned_data)
        return reverse("deployments:variables", args=[self.project.slug])

    def said(self, written: Any) -> str:
        return _("The variable is saved. Releases made before keep the value they were made with.")


class NewVariable(VariableEditor):
    title = gettext_lazy("New variable")

    def write(self, form: Form) -> str:
        return self.written(form, Variable(project=self.project))


class VariableView(Page):
    @cached_property
    def variable(self) -> Variable:
        rows = Variable.objects.select_related("project")
        return get_object_or_404(rows, project=self.project, pk=self.kwargs["variable"])


class EditVariable(VariableView, VariableEditor):
    edits = True
    title = gettext_lazy("Variable")

    def initial(self) -> dict[str, Any]:
        row = self.variable
        return {
            "name": row.name,
            "value": "" if row.is_sensitive else row.value,
            # No field has it; it tells whether somebody else typed another one.
            "stored": row.value,
            "is_sensitive": row.is_sensitive,
            "environments": row.environments.all(),
            "steps": row.steps.all(),
        }

    def context(self) -> dict[str, Any]:
        return {"variable": self.variable}

    def write(self, form: Form) -> str:
        row = Variable.objects.select_related("project").get(pk=self.variable.pk)
        return self.written(form, row)


class DeleteVariable(VariableView, Button):
    permission_required = "deployments.change_project"

    def act(self) -> tuple[str, Any]:
        variables.delete(self.variable, person=self.request.user)
        return _("%(name)s is deleted.") % {"name": self.variable.name}, self.back()

    def back(self) -> Any:
        return reverse("deployments:variables", args=[self.project.slug])
