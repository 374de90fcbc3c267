"""What is asked of the mode's rows, in words of the domain and by the database's clock.

``now`` is for who must ask several questions of one moment; without it, it is the statement's time.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from maintenance.models import MaintenanceMode, Refusal, Window  # noqa: F401 named in strings


class ModeQuerySet(models.QuerySet["MaintenanceMode"]):
    """The one row of the mode."""

    def on(self) -> "ModeQuerySet":
        """The row, if it says that the mode is on now."""
        over = Q(closes_itself=True, until__isnull=False, until__lte=Now())
        return self.filter(~over, pk=1, is_enabled=True)

    def over(self, now: datetime | None = None) -> "ModeQuerySet":
        """The row, if it was to close itself and the time has come."""
        return self.filter(pk=1, is_enabled=True, closes_itself=True, until__lte=now or Now())


class WindowQuerySet(models.QuerySet["Window"]):
    """Windows by where they stand."""

    def standing(self) -> "WindowQuerySet":
        """Those neither called off nor ended."""
        return self.filter(called_off__isnull=True, ended__isnull=True)

    def active(self, now: datetime | None = None) -> "WindowQuerySet":
        """Those that hold the mode on now, whether or not anybody has recorded that."""
        moment: Any = now or Now()
        begun = Q(opened__isnull=False) | Q(starts__lte=moment)
        over = Q(closes_itself=True, ends__isnull=False, ends__lte=moment)
        return self.standing().filter(begun & ~over)

    def planned(self, now: datetime | None = None) -> "WindowQuerySet":
        """Those to come, the next one first."""
        coming = self.standing().filter(opened__isnull=True, starts__gt=now or Now())
        return coming.order_by("starts", "pk")

    def announced(self, *, ahead: timedelta) -> "WindowQuerySet":
        """Those to come that begin within ``ahead``."""
        limit: Any = Now()
        return self.planned().filter(starts__lte=limit + ahead)

    def unopened(self, now: datetime | None = None) -> "WindowQuerySet":
        """Those that began without a record of it yet."""
        return self.standing().filter(opened__isnull=True, starts__lte=now or Now())

    def overdue(self, now: datetime | None = None) -> "WindowQuerySet":
        """Those that closed themselves without a record of it yet."""
        return self.standing().filter(closes_itself=True, ends__lte=now or Now())

    def recorded_open(self) -> "WindowQuerySet":
        """Those that the record has as open."""
        return self.standing().filter(opened__isnull=False)

    def overlapping(self, *, starts: datetime, ends: datetime | None) -> "WindowQuerySet":
        """Those standing in whose time another would fall.

        One that does not close itself counts to its end: two may follow each other. One without an
        end lasts for ever.
        """
        clash = self.standing().filter(Q(ends__isnull=True) | Q(ends__gt=starts))
        return clash if ends is None else clash.filter(starts__lt=ends)

    def of_calendar(self, *, since: datetime) -> "WindowQuerySet":
        """Those to come, those open, and those that began ``since``; called off ones too."""
        shown = Q(starts__gte=since) | Q(called_off__isnull=True, ended__isnull=True)
        return self.filter(shown).order_by("-starts", "-pk")

    def over(self) -> "WindowQuerySet":
        """Those that ended or were called off, the latest first."""
        done = Q(called_off__isnull=False) | Q(ended__isnull=False)
        return self.filter(done).order_by("-starts", "-pk")


class RefusalQuerySet(models.QuerySet["Refusal"]):
    """What was refused."""

    def during(self, begin: datetime, end: datetime | None) -> "RefusalQuerySet":
        """Those within a time; without an end, until now."""
        rows = self.filter(last_time__gte=begin)
        return (rows if end is None else rows.filter(first_time__lte=end)).order_by(
            "person_name", "path", "pk"
        )
