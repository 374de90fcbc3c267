"""The rows of the mode: whether it is on, its windows, its trail, and what it refused."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from maintenance.querysets import ModeQuerySet, RefusalQuerySet, WindowQuerySet


class Source(models.TextChoices):
    """Where a switch came from."""

    PAGE = "page", _("Maintenance page")
    ADMIN = "admin", _("Admin site")
    SHELL = "shell", _("Command line")
    WINDOW = "window", _("Maintenance window")
    CLOCK = "clock", _("Its own end")
    CODE = "code", _("Program")


class MaintenanceMode(models.Model):
    """Whether the mode is on: the one row that every process asks. A missing row means off."""

    SINGLETON = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=SINGLETON, editable=False)
    is_enabled = models.BooleanField(default=False)
    # Counts the switches, so that one who waits can tell that another has overtaken it.
    generation = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True, blank=True)
    # Whether the mode ends at that time by itself; else it stays on until somebody turns it off.
    closes_itself = models.BooleanField(default=False, db_default=False)
    # When every change let in before it was known to be over; empty while that is not known.
    settled = models.DateTimeField(null=True, editable=False)
    reason = models.TextField(default="", blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_name = models.CharField(max_length=150, default="", blank=True)
    # The window that holds the mode on, where it is one and not the row itself.
    window: "Window | None" = None

    objects = ModeQuerySet.as_manager()

    class Meta:
        verbose_name = _("maintenance mode")
        verbose_name_plural = _("maintenance mode")
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
    # The window that opened or closed, where it was one that made the switch.
    window = models.ForeignKey(
        "Window", null=True, on_delete=models.SET_NULL, related_name="switches"
    )

    class Meta:
        ordering = ["-generation"]
        verbose_name_plural = _("mode switches")
        default_permissions = ["view"]

    def __str__(self) -> str:
        words = gettext("enabled by %(name)s") if self.enabled else gettext("disabled by %(name)s")
        return words % {"name": self.person_name or gettext("nobody")}


class Activity(models.TextChoices):
    """What a window is for; each has its advice and checklist in ``maintenance.activities``."""

    OS_PATCHES = "os_patches", _("Operating system patches")
    PATCH_UPGRADE = "patch_upgrade", _("Patch upgrade")
    UPGRADE = "upgrade", _("Minor or major upgrade")
    MOVE = "move", _("Moving the server or its database")
    OTHER = "other", _("Other")


class Window(models.Model):
    """A planned time in which the mode is on, by the database's clock and nobody's hand.

    Whether it holds the mode on follows from ``starts``, ``ends``, ``called_off`` and ``ended``
    and the clock, see ``maintenance.effective``; ``opened``, ``settled`` and the trail are written
    afterwards, by whoever comes first. Its times are whole seconds.
    """

    starts = models.DateTimeField()
    ends = models.DateTimeField(null=True, blank=True)
    closes_itself = models.BooleanField(default=False)
    activity = models.CharField(max_length=20, choices=Activity.choices, default=Activity.OTHER)
    reason = models.TextField(default="", blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_name = models.CharField(max_length=150, default="", blank=True)
    planned = models.DateTimeField(db_default=Now())
    edited = models.DateTimeField(null=True, editable=False)
    # Counts the edits, so that the second of two administrators who edit one window is told.
    version = models.PositiveIntegerField(default=1)
    called_off = models.DateTimeField(null=True, editable=False)
    called_off_by = models.CharField(max_length=150, default="", blank=True)
    opened = models.DateTimeField(null=True, editable=False)
    settled = models.DateTimeField(null=True, editable=False)
    ended = models.DateTimeField(null=True, editable=False)
    ended_by = models.CharField(max_length=150, default="", blank=True)

    objects = WindowQuerySet.as_manager()

    class Meta:
        ordering = ["-starts", "-pk"]
        default_permissions = ["view"]
        verbose_name = _("maintenance window")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends__isnull=True) | models.Q(ends__gt=models.F("starts")),
                name="window_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=models.Q(closes_itself=False) | models.Q(ends__isnull=False),
                name="window_that_closes_itself_has_an_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["starts"],
                condition=models.Q(called_off__isnull=True, ended__isnull=True),
                name="window_standing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts:%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        return reverse("maintenance:window", args=[self.pk])

    @property
    def is_over(self) -> bool:
        return self.called_off is not None or self.ended is not None

    @property
    def state(self) -> str:
        """Say in a word where it stands, by this process's clock until it is on record."""
        if self.ended is not None:
            return "ended"
        if self.called_off is not None:
            return "called off"
        return "open" if self.opened or self.starts <= timezone.now() else "planned"


class Step(models.Model):
    """One step of a window's checklist."""

    window = models.ForeignKey(Window, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    done = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=150, default="", blank=True)

    class Meta:
        ordering = ["position"]
        default_permissions = ["view"]
        constraints = [
            models.UniqueConstraint(fields=["window", "position"], name="step_position"),
        ]

    def __str__(self) -> str:
        return self.text


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

    objects = RefusalQuerySet.as_manager()

    class Meta:
        ordering = ["-last_time", "-id"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


# Here Django looks for models; they name those above by strings.
from maintenance.notices.models import (  # noqa: E402, F401
    Attempt,
    Delivery,
    Notice,
    Subscription,
    Webhook,
)
