"""Put the zoo of views behind the real URL table, and the mode on or off."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from maintenance import gate, mode, refusals
from tests.maintenance import zoo


@pytest.fixture(autouse=True)
def _zoo(settings: Settings) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.maintenance.zoo"
    settings.MAINTENANCE_REFUSAL_INTERVAL = 0
    zoo.HOOKS.clear()
    refusals.forget()
    yield
    assert gate._passage.get() is None, "a request left its passage open"


@pytest.fixture
def maintenance_on(db: None) -> mode.Switch:
    return mode.enable(name="ada", reason="Moving to a new disk")
