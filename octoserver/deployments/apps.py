"""Register deployments: what schedulers do for triggers, what is kept when a task is removed."""

from django.apps import AppConfig
from django.db.models.signals import pre_delete
from django.utils.translation import gettext_lazy as _


class DeploymentsConfig(AppConfig):
    name = "octoserver.deployments"
    label = "deployments"
    verbose_name = _("Deployments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from octoserver.deployments import outcomes, triggers
        from tasks import scheduler
        from tasks.models import ServerTask

        scheduler.add_step(triggers.fire_due)
        scheduler.add_step(scheduler.every(60, triggers.follow_clock))
        pre_delete.connect(
            outcomes.keep, sender=ServerTask, dispatch_uid="octoserver.deployments.outcomes.keep"
        )
