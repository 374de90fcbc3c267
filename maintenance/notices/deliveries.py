"""Make deliveries of notices, claim them and write what came of them: the one module that does.

Any number of processes may: each change is compare-and-set, so one of them makes each attempt.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import router, transaction

from maintenance import conf, trail
from maintenance.notices.models import Attempt, Delivery, Notice, Subscription, Webhook

# Seconds from one attempt to the next; then it is given up: 9 in 22 hours.
DELAYS = (10, 60, 300, 900, 3_600, 10_800, 21_600, 43_200)
# After this nobody wants to know any more: no attempt begins later than so long after the event.
TOO_OLD = timedelta(hours=24)
# For so long an attempt belongs to who claimed it; if that process was killed, it is made again.
LEASE = timedelta(seconds=60)
AT_ONCE = 50


def database() -> str:
    return router.db_for_write(Notice)


def is_anything_due(*, webhooks: Collection[int] = (), email: bool = False) -> bool:
    """Whether there is something to do besides what goes to these, asked in two small reads."""
    using = database()
    due = Delivery.objects.using(using).due().besides(webhooks=webhooks, email=email)
    return Notice.objects.using(using).unaddressed().exists() or due.exists()


def address() -> int:
    """Make deliveries of the notices that have none; return how many notices that were.

    Whoever wants to be told at this time is: usually within a second after it happened.
    """
    notices = list(Notice.objects.using(database()).unaddressed()[:AT_ONCE])
    done = sum(_address(notice) for notice in notices)
    if done:
        prune()
    return done


def prune() -> None:
    """Forget notices older than ``MAINTENANCE_NOTICE_DAYS``."""
    using = database()
    before = trail.now(using) - timedelta(days=float(conf.get("MAINTENANCE_NOTICE_DAYS")))
    Notice.objects.using(using).before(before).delete()


def candidates(*, webhooks: Collection[int] = (), email: bool = False) -> list[Delivery]:
    """Return what is due, besides what goes to these, the longest due first."""
    due = Delivery.objects.using(database()).due().besides(webhooks=webhooks, email=email)
    return list(due.select_related("notice", "webhook", "person")[:AT_ONCE])


def begin(delivery: Delivery) -> Attempt | None:
    """Write that the next attempt begins; None if somebody else was first."""
    using = database()
    now = trail.now(using)
    with transaction.atomic(using=using):
        mine = Delivery.objects.using(using).due(now).filter(pk=delivery.pk, tries=delivery.tries)
        number = delivery.tries + 1
        if not mine.order_by().update(tries=number, next_try=now + _lease(number)):
            return None
        delivery.tries = number
        return Attempt.objects.using(using).create(delivery=delivery, number=number, began=now)


def finish(attempt: Attempt, *, succeeded: bool, outcome: str, is_last: bool = False) -> None:
    """Write what came of an attempt, and when the next one is, if there is to be one."""
    using = database()
    now = trail.now(using)
    delivery = attempt.delivery
    after = None if succeeded or is_last else _next(delivery, now)
    with transaction.atomic(using=using):
        Attempt.objects.using(using).filter(pk=attempt.pk).update(
            ended=now, succeeded=succeeded, outcome=_storable(outcome)
        )
        mine = Delivery.objects.using(using).waiting().filter(pk=delivery.pk, tries=attempt.number)
        if after is not None:
            mine.update(next_try=after)
        else:
            state = Delivery.State.SENT if succeeded else Delivery.State.GIVEN_UP
            mine.update(state=state, completed=now)


def is_too_old(delivery: Delivery) -> bool:
    """Whether nobody wants to know any more; who has it tried again does."""
    return delivery.completed is None and trail.now(database()) - delivery.notice.time > TOO_OLD


def try_again(delivery: Delivery) -> bool:
    """Let one that was given up be tried again at once; False if it was not.

    ``completed`` stays, by which it is known as one that somebody wants tried again.
    """
    given_up = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.GIVEN_UP)
    return bool(given_up.update(state=Delivery.State.WAITING, next_try=trail.now(database())))


def _address(notice: Notice) -> bool:
    using = database()
    with transaction.atomic(using=using):
        now = trail.now(using)
        mine = Notice.objects.using(using).unaddressed().filter(pk=notice.pk).order_by()
        if not mine.update(addressed=now):
            return False
        rows = [*_to_webhooks(notice, using), *_to_people(notice, using)]
        for row in rows:
            row.next_try = now
        Delivery.objects.using(using).bulk_create(rows, batch_size=500)
    return True


def _to_webhooks(notice: Notice, using: str) -> Sequence[Delivery]:
    webhooks = Webhook.objects.using(using).filter(is_enabled=True)
    return [
        Delivery(notice=notice, webhook=each, is_email=False, recipient=each.name)
        for each in webhooks
    ]


def _to_people(notice: Notice, using: str) -> Sequence[Delivery]:
    if not conf.get("MAINTENANCE_SENDS_EMAIL"):
        return []
    people = [each.person for each in Subscription.objects.using(using).by_email()]
    return [
        Delivery(notice=notice, person=person, is_email=True, recipient=email)
        for person in people
        if (email := email_of(person))
    ]


def email_of(person: Any) -> str:
    """Return the address of a person's account; nothing where it has none."""
    return str(getattr(person, person.get_email_field_name(), "") or "")


def _delays() -> Sequence[float]:
    return conf.get("MAINTENANCE_NOTICE_DELAYS") or DELAYS


def _lease(number: int) -> timedelta:
    delays = _delays()
    return max(LEASE, timedelta(seconds=delays[min(number, len(delays)) - 1]))


def _next(delivery: Delivery, now: datetime) -> datetime | None:
    """Return when to try again after an attempt in vain; None to give up."""
    delays = _delays()
    if delivery.tries > len(delays):
        return None
    after = now + timedelta(seconds=delays[delivery.tries - 1])
    return None if after - delivery.notice.time > TOO_OLD else after


def _storable(words: str) -> str:
    """Return one printable line that every engine takes."""
    line = "".join(each if each.isprintable() else " " for each in words)
    return " ".join(line.split())[:300]
