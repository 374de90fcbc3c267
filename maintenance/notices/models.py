"""The rows of notices: who wants them, where webhooks are, what happened, and who was told."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from maintenance.notices.querysets import DeliveryQuerySet, NoticeQuerySet, SubscriptionQuerySet


class Event(models.TextChoices):
    """What a notice tells of. An edited window counts as planned anew."""

    PLANNED = "planned", _("Window planned")
    CALLED_OFF = "called_off", _("Window called off")
    ON = "on", _("Maintenance mode on")
    OFF = "off", _("Maintenance mode off")
    TEST = "test", _("Test")


class Subscription(models.Model):
    """What one person wants to be told. No row: nothing."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="maintenance_subscription"
    )
    by_email = models.BooleanField(default=False)
    # The link to the calendar is this, signed: another value makes the old link void.
    calendar = models.CharField(max_length=43, null=True, unique=True, editable=False)  # noqa: DJ001

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.person)


class Webhook(models.Model):
    """An address that is told by HTTP. Only administrators see it; its secret nobody does."""

    name = models.CharField(max_length=100, unique=True)
    # Often a secret by itself, so it stands in no log and no outcome.
    url = models.CharField(max_length=500)
    sealed_secret = models.TextField(editable=False)
    is_enabled = models.BooleanField(default=True)
    created = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        # Who holds Administer System, and nobody else: see the admin site's class.
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """Something to tell, written in the transaction that makes it so and kept until it is told."""

    event = models.CharField(max_length=10, choices=Event.choices)
    time = models.DateTimeField(db_default=Now())
    window = models.ForeignKey(
        "maintenance.Window", null=True, on_delete=models.SET_NULL, related_name="notices"
    )
    # The ``data`` of the message, as it was at that time.
    data = models.JSONField(default=dict)
    # When deliveries to everybody who wants it were made of it.
    addressed = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["id"], condition=Q(addressed__isnull=True), name="notice_unaddressed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} {self.pk}"

    @property
    def is_edit(self) -> bool:
        """Whether it tells of a window that was planned before."""
        window = self.data.get("window") or {}
        return self.event == Event.PLANNED and window.get("version", 1) > 1

    @property
    def title(self) -> str:
        return gettext("Window changed") if self.is_edit else self.get_event_display()


class Delivery(models.Model):
    """One notice to one receiver, and what came of it."""

    class State(models.TextChoices):
        WAITING = "Waiting", _("Waiting")
        SENT = "Sent", _("Sent")
        GIVEN_UP = "GivenUp", _("Given up")

    # What a receiver can tell a repeated message by.
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    webhook = models.ForeignKey(Webhook, null=True, on_delete=models.SET_NULL, related_name="+")
    is_email = models.BooleanField()
    recipient = models.CharField(max_length=254)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField(db_default=Now())
    completed = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["notice", "person"], name="delivery_one_a_person"),
            models.UniqueConstraint(fields=["notice", "webhook"], name="delivery_one_a_webhook"),
        ]
        indexes = [
            models.Index(
                fields=["next_try"], condition=Q(state="Waiting"), name="delivery_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice} → {self.recipient}"


class Attempt(models.Model):
    """One try to deliver, written before it begins. Without an end: its process was killed."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    began = models.DateTimeField(db_default=Now())
    ended = models.DateTimeField(null=True)
    succeeded = models.BooleanField(null=True)
    outcome = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        ordering = ["delivery", "number"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number"),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id}/{self.number}"
