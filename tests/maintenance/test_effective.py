"""The one condition as SQL and the querysets say the same, for every state of row and window."""

import itertools
from datetime import timedelta

import pytest
from pytest_django import Settings

from maintenance import effective, mode
from maintenance.models import MaintenanceMode, Window
from tests.maintenance.windows import ahead, mode_row

pytestmark = pytest.mark.django_db

# Hours: they are taken as the tests are collected, which may be a while before they run.
PAST, FUTURE = ahead(hours=-5), ahead(hours=5)
WINDOWS = list(
    itertools.product([PAST, FUTURE], [None, PAST, FUTURE], *[[False, True]] * 4)
)  # starts, ends, closes itself, called off, opened, ended


def make(
    starts: object, ends: object, closes: bool, called_off: bool, opened: bool, ended: bool
) -> Window:
    window = Window(starts=starts, ends=ends, closes_itself=closes)
    window.called_off = PAST if called_off else None
    window.opened = PAST if opened else None
    window.ended = PAST if ended else None
    if window.ends == window.starts:
        window.starts -= timedelta(minutes=1)
    window.save()
    return window


def is_possible(starts: object, ends: object, closes: bool, *_: bool) -> bool:
    return not (closes and ends is None) and not (starts == FUTURE and ends == PAST)


@pytest.mark.parametrize("facts", [facts for facts in WINDOWS if is_possible(*facts)])
def test_a_window_holds_the_mode_on_by_its_times_alone(facts: tuple[object, ...]) -> None:
    window = make(*facts)  # type: ignore[arg-type]
    _, ends, closes, called_off, opened, ended = facts
    begun = window.starts <= PAST or opened
    expected = bool(begun and not (closes and ends == PAST) and not called_off and not ended)

    assert mode.is_enabled() is expected
    assert Window.objects.active().exists() is expected
    assert mode.current().is_enabled is expected


@pytest.mark.parametrize("is_enabled", [False, True])
@pytest.mark.parametrize("until", [None, PAST, FUTURE])
@pytest.mark.parametrize("closes", [False, True])
def test_the_row_holds_it_on_until_its_own_end_if_it_closes_itself(
    is_enabled: bool, until: object, closes: bool
) -> None:
    mode_row(is_enabled=is_enabled, until=until, closes_itself=closes)
    expected = is_enabled and not (closes and until == PAST)
    assert mode.is_enabled() is expected
    assert MaintenanceMode.objects.on().exists() is expected
    assert mode.current().is_enabled is expected


@pytest.mark.parametrize(
    ("minutes", "announced"), [(-1, False), (1, True), (59, True), (61, False)]
)
def test_a_window_is_announced_so_long_ahead(
    minutes: int, announced: bool, settings: Settings
) -> None:
    Window.objects.create(starts=ahead(minutes=minutes))
    settings.MAINTENANCE_NOTICE_AHEAD = 1
    assert bool(mode.outlook() & effective.ON) is (minutes < 0)
    assert bool(mode.outlook() & effective.ANNOUNCED) is announced
    assert Window.objects.announced(ahead=timedelta(hours=1)).exists() is announced


def test_neither_row_nor_window_means_off() -> None:
    assert not mode.is_enabled()


def test_the_second_at_which_a_window_begins_is_in_it_and_the_one_at_which_it_ends_is_not() -> None:
    now = ahead()
    Window.objects.create(starts=now)
    assert mode.is_enabled()
    Window.objects.update(starts=now - timedelta(hours=1), ends=now, closes_itself=True)
    assert not mode.is_enabled()


def test_what_was_recorded_as_open_stays_open_when_the_clock_is_set_back() -> None:
    Window.objects.create(starts=FUTURE, opened=FUTURE)
    assert mode.is_enabled()
    assert not Window.objects.planned().exists()
