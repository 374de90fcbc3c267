"""Windows for tests, around now: what a scheduler would have to wait for is simply in the past."""

from datetime import datetime, timedelta

from django.utils import timezone

from maintenance import windows
from maintenance.models import MaintenanceMode, Window
from maintenance.trail import Origin

BY = Origin(name="ada")


def ahead(**time: float) -> datetime:
    """Return a whole second so far from now; ago where it is negative."""
    return timezone.now().replace(microsecond=0) + timedelta(**time)


def draft(*, begins: float = 60, lasts: float | None = 60, **values: object) -> windows.Draft:
    """Return a draft that begins in so many minutes."""
    starts = ahead(minutes=begins)
    ends = None if lasts is None else starts + timedelta(minutes=lasts)
    return windows.Draft(**{"starts": starts, "ends": ends, "reason": "New disk", **values})  # type: ignore[arg-type]


def planned(**values: object) -> Window:
    return windows.plan(draft(**values), origin=BY)  # type: ignore[arg-type]


def begun(*, ago: float = 10, lasts: float | None = 60, **values: object) -> Window:
    """Return a window planned in time, that has begun since, with nobody there to record it."""
    window = planned(lasts=None)
    window.starts = ahead(minutes=-ago)
    window.ends = None if lasts is None else window.starts + timedelta(minutes=lasts)
    for name, value in values.items():
        setattr(window, name, value)
    window.save()
    return window


def let_the_end_come(window: Window) -> None:
    """Move a window into the past, so that its end has come this moment."""
    now = ahead()
    begin = window.starts - timedelta(hours=2)
    Window.objects.filter(pk=window.pk).update(starts=begin, ends=now)


def mode_row(**values: object) -> None:
    MaintenanceMode.objects.update_or_create(pk=1, defaults=values)
