"""Register the application, the task kinds of every installed one, and what wakes workers."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tasks import celery_signals, celery_tasks, kinds  # noqa: F401 need models

        kinds.autodiscover()
