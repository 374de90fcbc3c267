"""Read the times and the lengths of time that people type in a shell."""

import re
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime, parse_time
from django.utils.translation import gettext as _

# No time in another zone, nor half an hour later, is beyond the calendar before this.
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LENGTH = re.compile(r"\A([0-9]{1,7}(?:\.[0-9]{1,3})?)([smhd]?)\Z", re.ASCII)


def parse(text: str, *, now: datetime | None = None) -> datetime:
    """Return the time meant by ISO 8601, by ``22:30`` (the next one) or by ``+30m`` from ``now``.

    Raises ``ValueError`` with a sentence. A time without a zone is the server's.
    """
    moment = now or timezone.now()
    if text.startswith("+"):
        return moment + length(text[1:])
    naive = _calendar(text) or _next(text, moment)
    if naive is None:
        raise ValueError(
            f"{text[:40]!r} is no time: write 2026-11-30T22:00, 22:00 or +30m (s, m, h, d)."
        )
    return naive if timezone.is_aware(naive) else zoned(naive)


def length(text: str) -> timedelta:
    """Return the length meant by ``30m``, or by a number of seconds. Raises ``ValueError``."""
    match = LENGTH.match(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no length of time: write 90, 30m, 2h or 1d.")
    found = timedelta(**{UNITS[match[2] or "s"]: float(match[1])})
    if found > timedelta(days=366):
        raise ValueError(f"{text[:40]!r} is too long.")
    return found


def zoned(naive: datetime) -> datetime:
    """Return the time in the server's zone. Raises ``ValueError`` where its clocks change then."""
    zone = timezone.get_current_timezone()
    if len({naive.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}) > 1:
        raise ValueError(
            _(
                "%(time)s is skipped or repeated by a clock change in %(zone)s: take another time,"
                " or add its offset, such as +01:00."
            )
            % {"time": f"{naive:%Y-%m-%d %H:%M}", "zone": zone}
        )
    return naive.replace(tzinfo=zone)


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
