"""Make, change and remove webhooks; the one module that does."""

import logging

from django.db import transaction
from django.db.models.functions import Now

from maintenance.notices import deliveries, secrets
from maintenance.notices.models import Delivery, Event, Notice, Webhook

logger = logging.getLogger(__name__)


def save(webhook: Webhook, *, secret: str = "", by: str) -> str:
    """Store a webhook, new or changed; return the secret where it got one, for the only time.

    A new one without a ``secret`` gets one that is made here. Raises ``ValueError`` for what is no
    secret.
    """
    is_new = webhook._state.adding
    shown = secret or (secrets.make() if is_new else "")
    if shown:
        secrets.key_of(shown)
        webhook.sealed_secret = secrets.seal(shown)
    was = "added" if is_new else "changed"
    webhook.save()
    logger.info("%s %s the webhook %s.", by, was, webhook.name)
    return shown


def renew_secret(webhook: Webhook, *, by: str) -> str:
    """Give a webhook another secret, which this returns for the only time. The old one is void."""
    return save(webhook, secret=secrets.make(), by=by)


def remove(webhook: Webhook, *, by: str) -> None:
    logger.info("%s removed the webhook %s.", by, webhook.name)
    webhook.delete()


def test(webhook: Webhook, *, by: str) -> Delivery:
    """Have a notice of nothing delivered to one webhook, as any other is."""
    using = deliveries.database()
    with transaction.atomic(using=using):
        data = {"by": by, "window": None, "mode": None}
        notice = Notice.objects.using(using).create(event=Event.TEST, data=data, addressed=Now())
        return Delivery.objects.using(using).create(
            notice=notice, webhook=webhook, is_email=False, recipient=webhook.name
        )
