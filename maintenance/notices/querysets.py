"""What is asked of notices, in words of the domain."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from maintenance.notices.models import Delivery, Notice, Subscription  # noqa: F401 in strings


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Who wants to be told."""

    def by_email(self) -> "SubscriptionQuerySet":
        """Those that want mail and may still sign in."""
        return self.filter(by_email=True, person__is_active=True).select_related("person")


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices by whether anybody was told."""

    def unaddressed(self) -> "NoticeQuerySet":
        """Those that no deliveries were made of yet, the first one first."""
        return self.filter(addressed__isnull=True).order_by("pk")

    def before(self, moment: datetime) -> "NoticeQuerySet":
        return self.filter(time__lt=moment)

    def with_deliveries(self) -> "NoticeQuerySet":
        return self.prefetch_related("deliveries__attempts")


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Deliveries by where they stand."""

    def waiting(self) -> "DeliveryQuerySet":
        return self.filter(state="Waiting")

    def due(self, now: datetime | None = None) -> "DeliveryQuerySet":
        """Those whose next try has come, the longest due first."""
        return self.waiting().filter(next_try__lte=now or Now()).order_by("next_try", "pk")

    def besides(self, *, webhooks: Collection[int], email: bool) -> "DeliveryQuerySet":
        """Without those to some webhooks and, if ``email``, without mail."""
        others = self.exclude(webhook_id__in=list(webhooks)) if webhooks else self
        return others.filter(is_email=False) if email else others

    def failing(self) -> "DeliveryQuerySet":
        """Those given up, or tried in vain so far."""
        return self.filter(Q(state="GivenUp") | Q(state="Waiting", tries__gt=0))
