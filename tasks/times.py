"""Read the times that people type in a shell."""

import re
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime, parse_time

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
AHEAD = re.compile(r"\A\+([0-9]{1,7})([smhd])\Z", re.ASCII)

LENGTH = re.compile(r"\A([0-9]{1,7})([smhd]?)\Z", re.ASCII)


def seconds(text: str) -> float:
    """Return the length of time meant by ``90``, ``90s``, ``30m``, ``2h`` or ``1d``, in seconds.

    Raises ``ValueError`` with a sentence.
    """
    match = LENGTH.match(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no length of time: write 90s, 30m, 2h or 1d.")
    return timedelta(**{UNITS[match[2] or "s"]: int(match[1])}).total_seconds()


def parse(text: str, *, now: datetime | None = None) -> datetime:
    """Return the time meant by ISO 8601, by ``22:30`` (the next one) or by ``+30m`` from ``now``.

    Raises ``ValueError`` with a sentence. A time without a zone is the server's.
    """
    moment = now or timezone.now()
    ahead = AHEAD.match(text)
    if ahead is not None:
        return _ahead(moment, timedelta(**{UNITS[ahead[2]]: int(ahead[1])}))
    naive = _calendar(text) or _next(text, moment)
    if naive is None:
        raise ValueError(
            f"{text[:40]!r} is no time: write 2030-12-31T22:30, 22:30 or +30m (s, m, h, d)."
        )
    return naive if timezone.is_aware(naive) else _zoned(naive, text)


def _ahead(now: datetime, length: timedelta) -> datetime:
    try:
        return now + length
    except OverflowError:
        raise ValueError("The time lies too far ahead.") from None


def _calendar(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def _next(text: str, now: datetime) -> datetime | None:
    try:
        clock = parse_time(text) if ":" in text else None
    except ValueError:
        return None
    if clock is None:
        return None
    local = timezone.make_naive(now)
    today = datetime.combine(local.date(), clock)
    return today if today > local else today + timedelta(days=1)


def _zoned(naive: datetime, text: str) -> datetime:
    """Return the time in the server's zone. Raises ``ValueError`` where its clocks change then."""
    zone = timezone.get_current_timezone()
    moments = {naive.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
    if len(moments) > 1:
        raise ValueError(
            f"{text[:40]!r} is skipped or repeated by a clock change in {zone}: add its offset,"
            " such as +01:00."
        )
    return naive.replace(tzinfo=zone)
