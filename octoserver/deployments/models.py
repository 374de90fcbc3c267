"""The rows of deployments: what is deployed, where to, by which steps, and what became of it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from octoserver.deployments.querysets import (
    DeploymentQuerySet,
    EnvironmentQuerySet,
    ReleaseQuerySet,
    RunQuerySet,
    TriggerQuerySet,
)
from tasks.models import COMPLETED, ServerTask


class Environment(models.Model):
    """A place to deploy to; releases are promoted along their order."""

    name = models.CharField(max_length=50, unique=True)
    position = models.PositiveIntegerField(default=0)
    # Empty: whoever may deploy at all. Otherwise only the people of these groups.
    groups = models.ManyToManyField(
        "auth.Group", blank=True, related_name="+", through="EnvironmentLimit"
    )

    objects = EnvironmentQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class EnvironmentLimit(models.Model):
    """A group whose people may deploy to an environment that is not open to everybody.

    A group cannot be deleted while it is one: without its last one an environment is open.
    """

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    group = models.ForeignKey("auth.Group", on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "deployments_environment_groups"
        default_permissions = ()
        unique_together = [("environment", "group")]

    def __str__(self) -> str:
        return f"{self.environment}: {self.group}"


class Project(models.Model):
    """Something that is deployed."""

    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=60, unique=True)
    description = models.TextField(default="", blank=True)
    # Whether a release may enter an environment only after it succeeded in the one before.
    promotes_in_order = models.BooleanField(default=True)
    # Empty: all of them.
    environments = models.ManyToManyField(Environment, blank=True, related_name="+")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("deployments:project", args=[self.slug])


class Runbook(models.Model):
    """A process that runs without a release: a chore."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runbooks")
    name = models.CharField(max_length=100)
    description = models.TextField(default="", blank=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ["view"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="runbook_name_per_project")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("deployments:runbook", args=[self.project.slug, self.pk])


class Shell(models.TextChoices):
    BASH = "bash", "bash"
    SH = "sh", "sh"
    PYTHON = "python", "Python"


class Condition(models.TextChoices):
    SUCCESS = "success", _("Success: only if all before it succeeded")
    FAILURE = "failure", _("Failure: only if one before it failed")
    ALWAYS = "always", _("Always")


class Step(models.Model):
    """One script of a process: of the project's own, or of a runbook's."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="steps")
    runbook = models.ForeignKey(
        Runbook, null=True, blank=True, on_delete=models.CASCADE, related_name="steps"
    )
    name = models.CharField(max_length=60)
    position = models.PositiveIntegerField()
    shell = models.CharField(max_length=10, choices=Shell.choices, default=Shell.BASH)
    script = models.TextField()
    time_limit = models.PositiveIntegerField(default=3600)
    condition = models.CharField(
        max_length=10, choices=Condition.choices, default=Condition.SUCCESS
    )
    retries = models.PositiveSmallIntegerField(default=0)
    # Empty: in all of them.
    environments = models.ManyToManyField(Environment, blank=True, related_name="steps")

    class Meta:
        ordering = ["position", "id"]
        default_permissions = ["view"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=models.Q(runbook__isnull=True),
                name="step_name_per_project",
            ),
            models.UniqueConstraint(
                fields=["runbook", "name"],
                condition=models.Q(runbook__isnull=False),
                name="step_name_per_runbook",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Variable(models.Model):
    """A value under a name, where its scope matches; a sensitive one is stored sealed."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="variables")
    name = models.CharField(max_length=100)
    value = models.TextField(default="", blank=True)
    is_sensitive = models.BooleanField(default=False)
    environments = models.ManyToManyField(Environment, blank=True, related_name="variables")
    steps = models.ManyToManyField(Step, blank=True, related_name="variables")

    class Meta:
        ordering = ["name", "id"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return self.name


class Release(models.Model):
    """A version of a project: a snapshot of its process and variables."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="releases")
    version = models.CharField(max_length=64)
    notes = models.TextField(default="", blank=True)
    snapshot = models.JSONField(editable=False)
    created = models.DateTimeField()
    variables_updated = models.DateTimeField(null=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_name = models.CharField(max_length=150, default="", blank=True)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ["add", "change", "view"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "version"], name="release_version_per_project"
            )
        ]
        indexes = [models.Index(fields=["project", "-id"], name="release_by_project")]

    def __str__(self) -> str:
        return self.version

    def get_absolute_url(self) -> str:
        return reverse("deployments:release", args=[self.project.slug, self.version])


class Trigger(models.Model):
    """A recurring deployment of the latest release, or run of a runbook."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="triggers")
    name = models.CharField(max_length=100)
    cron = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=60)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="triggers")
    # None: deploys the latest release.
    runbook = models.ForeignKey(
        Runbook, null=True, blank=True, on_delete=models.CASCADE, related_name="triggers"
    )
    is_enabled = models.BooleanField(default=True)
    next_due = models.DateTimeField(null=True, editable=False)
    last_due = models.DateTimeField(null=True, editable=False)
    last_outcome = models.CharField(max_length=300, default="", blank=True, editable=False)
    last_task = models.ForeignKey(
        ServerTask, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    objects = TriggerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        default_permissions = ["view"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="trigger_name_per_project")
        ]
        indexes = [
            models.Index(
                fields=["next_due"], condition=models.Q(is_enabled=True), name="trigger_due"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """What a deployment and a run of a runbook have in common: a place, a task, steps done."""

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    task = models.OneToOneField(ServerTask, null=True, on_delete=models.SET_NULL, related_name="+")
    trigger = models.ForeignKey(Trigger, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField()
    person_name = models.CharField(max_length=150, default="", blank=True)
    # What became of each step, written by the worker that runs them.
    progress = models.JSONField(default=list, editable=False)
    # What is left of the task once that is removed.
    final_state = models.CharField(max_length=10, default="", blank=True)
    final_message = models.TextField(default="", blank=True)
    final_time = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def state(self) -> str:
        return str(self.task.state) if self.task else self.final_state

    @property
    def message(self) -> str:
        return str(self.task.message) if self.task else self.final_message

    @property
    def completed_time(self) -> datetime | None:
        return self.task.completed_time if self.task else self.final_time

    @property
    def is_completed(self) -> bool:
        return self.state in COMPLETED or self.task is None

    @property
    def queued_by(self) -> str:
        if self.person_name:
            return self.person_name
        if self.trigger:
            return str(_("Trigger %(name)s") % {"name": self.trigger})
        return str(_("Server"))


class Deployment(Run):
    """A release on its way into an environment, or there."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="deployments")
    # The release's, once more: pages ask for the newest of a project in an environment. Rows of
    # older versions were given theirs by a migration.
    project = models.ForeignKey(
        Project,
        null=True,
        editable=False,
        db_index=False,
        on_delete=models.CASCADE,
        related_name="+",
    )

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ["add", "view"]
        indexes = [
            models.Index(fields=["environment", "-id"], name="deployment_by_environment"),
            models.Index(fields=["project", "environment", "-id"], name="deployment_by_place"),
            models.Index(fields=["project", "-id"], name="deployment_by_project"),
            models.Index(fields=["release", "-id"], name="deployment_by_release"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("deployments:deployment", args=[self.pk])

    @property
    def name(self) -> str:
        return f"Deployments-{self.pk}"


class RunbookRun(Run):
    """One run of a runbook in an environment, with the snapshot that it runs by."""

    runbook = models.ForeignKey(Runbook, on_delete=models.CASCADE, related_name="runs")
    snapshot = models.JSONField(editable=False)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ["add", "view"]
        indexes = [models.Index(fields=["runbook", "-id"], name="runbook_run_by_runbook")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("deployments:runbook_run", args=[self.pk])

    @property
    def name(self) -> str:
        return f"RunbookRuns-{self.pk}"


class Change(models.Model):
    """One change by a person, with what was before and after it; no sensitive value in either."""

    time = models.DateTimeField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_name = models.CharField(max_length=150, default="", blank=True)
    project = models.ForeignKey(
        Project, null=True, on_delete=models.SET_NULL, related_name="changes"
    )
    project_name = models.CharField(max_length=100, default="", blank=True)
    what = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ["view"]
        indexes = [models.Index(fields=["project", "-id"], name="change_by_project")]

    def __str__(self) -> str:
        return self.what

    @property
    def verb(self) -> str:
        if self.before is None:
            return gettext("added")
        return gettext("removed") if self.after is None else gettext("changed")

    @property
    def differences(self) -> list[tuple[str, Any, Any]]:
        """Each field that changed, with its value before and after."""
        before, after = self.before or {}, self.after or {}
        names = dict.fromkeys([*before, *after])
        return [
            (gettext(name.replace("_", " ")), before.get(name), after.get(name))
            for name in names
            if before.get(name) != after.get(name)
        ]
