"""The rows of the mode: the one that says whether it is on, its trail, and what it refused."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Source(models.TextChoices):
    """Where a switch came from."""

    PAGE = "page", "Maintenance page"
    ADMIN = "admin", "Admin site"
    SHELL = "shell", "Command line"
    CODE = "code", "Program"


class MaintenanceMode(models.Model):
    """Whether the mode is on: the one row that every process asks. A missing row means off."""

    SINGLETON = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=SINGLETON, editable=False)
    is_enabled = models.BooleanField(default=False)
    # Counts the switches, so that one who waits can tell that another has overtaken it.
    generation = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(default="", blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_name = models.CharField(max_length=150, default="", blank=True)

    class Meta:
        verbose_name = "maintenance mode"
        verbose_name_plural = "maintenance mode"
        # Only its writer changes it, so nobody needs a permission to change the row.
        default_permissions = ["view"]
        permissions = [("administer_system", "Administer System")]
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="maintenancemode_singleton"),
        ]

    def __str__(self) -> str:
        return "on" if self.is_enabled else "off"


class ModeSwitch(models.Model):
    """One switch of the mode, written in the transaction that made it and never changed."""

    CATEGORY = "Modified"
    DESCRIPTION = "Maintenance Configuration was changed."

    time = models.DateTimeField(db_default=Now())
    enabled = models.BooleanField()
    generation = models.PositiveIntegerField(unique=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_name = models.CharField(max_length=150, default="", blank=True)
    source = models.CharField(max_length=10, choices=Source.choices)
    address = models.CharField(max_length=255, default="", blank=True)
    reason = models.TextField(default="", blank=True)
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-generation"]
        verbose_name_plural = "mode switches"
        default_permissions = ["view"]

    def __str__(self) -> str:
        return f"{'enabled' if self.enabled else 'disabled'} by {self.person_name or 'nobody'}"


class Refusal(models.Model):
    """Changes of one kind that one person was refused within an hour. Never what was in them."""

    # A digest of what makes refusals the same, so that a flood of them is one row.
    key = models.CharField(max_length=64, unique=True, editable=False)
    # The switch that they came after.
    generation = models.PositiveIntegerField(db_index=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_name = models.CharField(max_length=150, default="", blank=True)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=300)
    view = models.CharField(max_length=200)
    count = models.PositiveIntegerField(default=0)
    first_time = models.DateTimeField(db_default=Now())
    last_time = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        ordering = ["-last_time", "-id"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
