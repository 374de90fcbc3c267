"""Register the application, the task kinds of every installed one, and what wakes workers."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = _("Tasks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tasks import celery_signals, celery_tasks, kinds  # noqa: F401 need models

        kinds.autodiscover()
