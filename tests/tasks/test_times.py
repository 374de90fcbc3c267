from datetime import UTC, datetime

import pytest
from django.utils import timezone

from tasks import times

NOW = datetime(2030, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2030-03-02T10:00:00+02:00", datetime(2030, 3, 2, 8, 0, tzinfo=UTC)),
        ("2030-03-02 10:00", datetime(2030, 3, 2, 10, 0, tzinfo=UTC)),
        ("2030-03-02T10:00Z", datetime(2030, 3, 2, 10, 0, tzinfo=UTC)),
        ("13:30", datetime(2030, 3, 1, 13, 30, tzinfo=UTC)),
        ("11:30", datetime(2030, 3, 2, 11, 30, tzinfo=UTC)),
        ("+90s", datetime(2030, 3, 1, 12, 1, 30, tzinfo=UTC)),
        ("+2h", datetime(2030, 3, 1, 14, 0, tzinfo=UTC)),
        ("+3d", datetime(2030, 3, 4, 12, 0, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_it_is_meant(text: str, expected: datetime) -> None:
    assert times.parse(text, now=NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "2030-02-30", "2030-02-30T10:00", "10", "+5", "+5w", "-5m", "+٣m"]
)
def test_what_is_no_time_is_answered_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: write 2030-12-31T22:30"):
        times.parse(text, now=NOW)


@pytest.mark.parametrize("text", ["2030-03-31T02:30", "2030-10-27T02:30"])
def test_a_time_that_a_clock_change_skips_or_repeats_is_asked_back(text: str) -> None:
    with timezone.override("Europe/Berlin"), pytest.raises(ValueError, match="clock change"):
        times.parse(text, now=NOW)


def test_an_offset_settles_a_repeated_time() -> None:
    with timezone.override("Europe/Berlin"):
        parsed = times.parse("2030-10-27T02:30+01:00", now=NOW)
    assert parsed == datetime(2030, 10, 27, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "length"), [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400)]
)
def test_a_length_of_time_is_read(text: str, length: float) -> None:
    assert times.seconds(text) == length


@pytest.mark.parametrize("text", ["", "m", "-1s", "1.5h", "1w", "٣m", "9" * 8, "1 h", "1h\n"])
def test_what_is_no_length_of_time_is_answered_clearly(text: str) -> None:
    with pytest.raises(ValueError, match="is no length of time: write 90s, 30m, 2h or 1d"):
        times.seconds(text)
