"""Register the application with its system checks, and keep the doors open."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MaintenanceConfig(AppConfig):
    name = "maintenance"
    verbose_name = _("Maintenance")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from maintenance import checks, exemptions  # noqa: F401 checks register on import

        exemptions.mark()
