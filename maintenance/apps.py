"""Register the application with its system checks, and keep the doors open."""

from django.apps import AppConfig


class MaintenanceConfig(AppConfig):
    name = "maintenance"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from maintenance import checks, exemptions  # noqa: F401 checks register on import

        exemptions.mark()
