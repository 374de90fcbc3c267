"""Show every row of deployments on the admin site; their writers alone change them."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from octoserver.deployments.models import (
    Change,
    Deployment,
    Environment,
    Project,
    Release,
    Runbook,
    RunbookRun,
    Step,
    Trigger,
    Variable,
)
from tasks import sentences, wording
from tasks.admin import ReadOnlyAdmin
from tasks.masking import MASK


@admin.register(Environment)
class EnvironmentAdmin(ReadOnlyAdmin):
    list_display = ("name", "position")


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "promotes_in_order")
    search_fields = ("name", "slug")


@admin.register(Runbook)
class RunbookAdmin(ReadOnlyAdmin):
    list_display = ("name", "project")


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "runbook", "position", "shell", "condition")
    list_filter = ("project",)


@admin.register(Variable)
class VariableAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "shown", "is_sensitive")
    list_filter = ("project", "is_sensitive")
    exclude = ("value",)
    readonly_fields = ("shown",)

    @admin.display(description=_("Value"))
    def shown(self, variable: Any) -> str:
        return MASK if variable.is_sensitive else str(variable.value)


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    list_display = ("version", "project", "created", "person_name")
    list_filter = ("project",)
    exclude = ("snapshot",)

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).defer("snapshot")


class RunAdmin(ReadOnlyAdmin):
    """What deployments and runs of runbooks have in common: a task that says how they are."""

    @admin.display(description=_("State"))
    def shown_state(self, run: Any) -> str:
        return wording.state(run.state)


@admin.register(Deployment)
class DeploymentAdmin(RunAdmin):
    list_display = ("name", "release", "environment", "shown_state", "created", "person_name")
    list_select_related = ("release", "environment", "task")


@admin.register(RunbookRun)
class RunbookRunAdmin(RunAdmin):
    list_display = ("name", "runbook", "environment", "shown_state", "created", "person_name")
    list_select_related = ("runbook", "environment", "task")
    exclude = ("snapshot",)


@admin.register(Trigger)
class TriggerAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "project",
        "cron",
        "time_zone",
        "is_enabled",
        "next_due",
        "last_outcome",
    )


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    list_display = ("time", "person_name", "project_name", "shown_what", "verb")
    search_fields = ("what", "person_name", "project_name")

    @admin.display(description=_("what"))
    def shown_what(self, change: Any) -> str:
        return sentences.translated(change.what)
