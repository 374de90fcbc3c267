"""Register the server with Django: its own admin site, its checks and its roles."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core import checks
from django.db.models.signals import post_migrate


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin application, with this server's site in place of the stock one."""

    default = False
    default_site = "octoserver.site.AdminSite"


class OctoserverConfig(AppConfig):
    name = "octoserver"
    verbose_name = "Octoserver"

    def ready(self) -> None:
        from maintenance import windows, work
        from maintenance.notices import courier
        from octoserver import access, roles, words, workload
        from tasks import scheduler

        words.name_everything()
        work.register("tasks", workload.Queue())
        work.register("triggers", workload.Triggers())
        scheduler.add_step(windows.tend)
        scheduler.add_step(courier.nudge)
        checks.register(access.check_every_view_is_declared)
        post_migrate.connect(
            roles.synchronise, sender=self, dispatch_uid="octoserver.roles.synchronise"
        )
