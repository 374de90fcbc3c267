"""Index what is not completed, without keeping anybody waiting on a large table."""

from django.db import migrations, models

from tasks.operations import AddIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tasks", "0002_queue_pause")]

    operations = [
        AddIndex(
            model_name="servertask",
            index=models.Index(
                condition=models.Q(("completed_time__isnull", True)),
                fields=["state", "node"],
                name="servertask_open",
            ),
        ),
        AddIndex(
            model_name="servertask",
            index=models.Index(
                condition=models.Q(
                    ("completed_time__isnull", True), ("concurrency_key__isnull", False)
                ),
                fields=["concurrency_key"],
                name="servertask_open_key",
            ),
        ),
    ]
