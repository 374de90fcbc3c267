"""Let the newest deployment in a place be found by an index, and a project pass over places."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Max, OuterRef, Subquery

from tasks.operations import AddIndex

# As many rows in a statement, so that it never keeps others waiting for long.
BATCH = 5_000


def give_project(apps: Any, schema_editor: Any) -> None:
    """Give each deployment its release's project; once more does no harm."""
    alias = schema_editor.connection.alias
    releases = apps.get_model("deployments", "Release").objects.using(alias)
    deployments = apps.get_model("deployments", "Deployment").objects.using(alias)
    of_release = releases.filter(pk=OuterRef("release_id")).values("project_id")[:1]
    newest = deployments.aggregate(newest=Max("pk"))["newest"] or 0
    for first in range(1, newest + 1, BATCH):
        rows = deployments.filter(pk__gte=first, pk__lt=first + BATCH, project=None)
        rows.update(project_id=Subquery(of_release))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("deployments", "0001_initial"),
        ("tasks", "0003_open_tasks"),
    ]

    operations = [
        # The table is the one that Django has made for the field: only its class gets a name.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="EnvironmentLimit",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        (
                            "environment",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                to="deployments.environment",
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="auth.group",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "deployments_environment_groups",
                        "default_permissions": (),
                        "unique_together": {("environment", "group")},
                    },
                ),
                migrations.AlterField(
                    model_name="environment",
                    name="groups",
                    field=models.ManyToManyField(
                        blank=True,
                        related_name="+",
                        through="deployments.EnvironmentLimit",
                        to="auth.group",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="project",
            name="environments",
            field=models.ManyToManyField(
                blank=True, related_name="+", to="deployments.environment"
            ),
        ),
        migrations.AddField(
            model_name="deployment",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="deployments.project",
            ),
        ),
        migrations.RunPython(give_project, migrations.RunPython.noop),
        AddIndex(
            model_name="deployment",
            index=models.Index(
                fields=["project", "environment", "-id"], name="deployment_by_place"
            ),
        ),
        AddIndex(
            model_name="deployment",
            index=models.Index(fields=["project", "-id"], name="deployment_by_project"),
        ),
        AddIndex(
            model_name="deployment",
            index=models.Index(fields=["release", "-id"], name="deployment_by_release"),
        ),
        AddIndex(
            model_name="release",
            index=models.Index(fields=["project", "-id"], name="release_by_project"),
        ),
        AddIndex(
            model_name="runbookrun",
            index=models.Index(fields=["runbook", "-id"], name="runbook_run_by_runbook"),
        ),
        AddIndex(
            model_name="change",
            index=models.Index(fields=["project", "-id"], name="change_by_project"),
        ),
    ]
