"""Deliver notices from threads of their own, so that a slow receiver delays nothing but itself.

``nudge`` is a step of the scheduler: it only looks, and starts a thread where something is due. A
thread goes on until nothing is due any more. To one webhook, and by mail, one attempt is made at a
time, so that what hangs holds one thread and not all of them.
"""

import logging
import threading
import time
from typing import Any

from django.db import DatabaseError, connections

from maintenance import conf
from maintenance.notices import deliveries, letters, posting, secrets, signing
from maintenance.notices.models import Attempt, Delivery, Subscription, Webhook

SENDERS = 4
# To say "gone for good", which is no use trying again.
GONE = 410

logger = logging.getLogger(__name__)


class Courier:
    """The threads of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._senders: set[threading.Thread] = set()
        # What an attempt is under way to: the number of a webhook, or None for mail.
        self._busy: set[int | None] = set()

    def nudge(self) -> bool:
        """Start a thread if something is due that none is busy with; return whether it did."""
        with self._lock:
            self._senders = {each for each in self._senders if each.is_alive()}
            if len(self._senders) >= SENDERS:
                return False
        if not deliveries.is_anything_due(**self._spared()):
            return False
        sender = threading.Thread(target=self._work, name="notices", daemon=True)
        with self._lock:
            self._senders.add(sender)
        sender.start()
        return True

    def deliver_all(self) -> int:
        """Make every attempt that is due now, in this thread; return how many that were."""
        deliveries.address()
        made = 0
        while self._deliver_one():
            made += 1
        return made

    def _work(self) -> None:
        try:
            self.deliver_all()
        except DatabaseError as error:
            logger.warning("The database did not serve the notices, tried again soon: %s", error)
        except Exception:
            logger.exception("Delivering notices failed, it is tried again.")
        finally:
            connections.close_all()

    def _deliver_one(self) -> bool:
        """Claim and make one attempt; False if there is none that could be made."""
        claimed = self._claim()
        if claimed is None:
            return False
        attempt, target = claimed
        try:
            carry_out(attempt)
        finally:
            with self._lock:
                self._busy.discard(target)
        return True

    def _claim(self) -> tuple[Attempt, int | None] | None:
        """Mark the target as busy, then claim: two threads never come to the same one."""
        for delivery in deliveries.candidates(**self._spared()):
            target = None if delivery.is_email else delivery.webhook_id or 0
            with self._lock:
                if target in self._busy:
                    continue
                self._busy.add(target)
            attempt = None
            try:
                attempt = deliveries.begin(delivery)
            finally:
                if attempt is None:
                    with self._lock:
                        self._busy.discard(target)
            if attempt is not None:
                return attempt, target
        return None

    def _spared(self) -> dict[str, Any]:
        with self._lock:
            webhooks = [target for target in self._busy if target is not None]
            return {"webhooks": webhooks, "email": None in self._busy}


def carry_out(attempt: Attempt) -> bool:
    """Make an attempt that was claimed, and write what came of it; return whether it arrived."""
    delivery = attempt.delivery
    reason = _obsolete(attempt)
    if reason:
        deliveries.finish(attempt, succeeded=False, outcome=reason, is_last=True)
        return False
    send = _mail if delivery.is_email else _post
    try:
        succeeded, outcome, is_last = send(delivery)
    except Exception as error:  # noqa: BLE001 a backend raises what it likes
        succeeded, outcome, is_last = False, f"{type(error).__name__}: {error}", False
    deliveries.finish(attempt, succeeded=succeeded, outcome=outcome, is_last=is_last)
    if not succeeded:
        logger.warning("A notice to %s did not arrive: attempt %d.", delivery, attempt.number)
    return succeeded


def _obsolete(attempt: Attempt) -> str:
    """Say why a delivery is not wanted any more; nothing if it is."""
    delivery = attempt.delivery
    if deliveries.is_too_old(delivery):
        return "it happened too long ago"
    if delivery.is_email:
        if not conf.get("MAINTENANCE_SENDS_EMAIL"):
            return "this server sends no mail"
        wanting = Subscription.objects.by_email().filter(person=delivery.person_id)
        return "" if wanting.exists() else "not wanted any more"
    if _webhook(delivery) is None:
        return "the webhook was removed or turned off"
    return ""


def _webhook(delivery: Delivery) -> Webhook | None:
    """Return the webhook as it is now; None if it is gone or turned off."""
    if delivery.webhook_id is None:
        return None
    return Webhook.objects.filter(pk=delivery.webhook_id, is_enabled=True).first()


def _mail(delivery: Delivery) -> tuple[bool, str, bool]:
    # Read anew: a person may have another address by the time of a later attempt.
    to = deliveries.email_of(delivery.person)
    if not to:
        return False, "the person has no e-mail address any more", True
    letters.letter(delivery, to=to).send(fail_silently=False)
    return True, "handed to the mail server", False


def _post(delivery: Delivery) -> tuple[bool, str, bool]:
    webhook = _webhook(delivery)
    if webhook is None:
        return False, "the webhook was removed", True
    try:
        secret = secrets.unseal(webhook.sealed_secret)
    except secrets.Unreadable as error:
        return False, str(error), False
    content = letters.body(delivery.notice)
    key = f"msg_{delivery.key.hex}"
    signed = signing.headers(key=key, at=int(time.time()), body=content, secret=secret)
    try:
        answer = posting.post(webhook.url, content, HEADERS | signed)
    except posting.NoAnswer as error:
        return False, str(error), False
    return _judge(answer)


def _judge(answer: posting.Answer) -> tuple[bool, str, bool]:
    words = f"HTTP {answer.status}"
    if 200 <= answer.status < 300:
        return True, words, False
    if 300 <= answer.status < 400:
        words += ", a redirect, which is not followed"
    elif answer.text:
        words += f": {answer.text}"
    return False, words, answer.status == GONE


HEADERS = {"Content-Type": "application/json", "User-Agent": "octoserver-notices/1"}

_courier = Courier()


def nudge() -> None:
    """Have this process's courier look once; the step of a scheduler."""
    _courier.nudge()
