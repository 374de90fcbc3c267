"""Switch the mode on and off until standard input is closed, and count what commits while it is on.

After each *enable* that returned, one look at the database fixes what had committed by then; just
before *disable* the rows are counted again. The difference of rows by non-administrators is what
leaked. Prints one JSON object a switch; times are those of the machine's monotonic clock.
"""

import json
import random
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import django
from django.conf import settings
from django.db import connections, transaction

from tests.benchmarks.gate_project import parent

OFF_FOR, ON_FOR = (0.05, 0.6), (0.03, 0.3)
OBSERVER = "observer"


def main(seed: int) -> None:
    parent.die_with_it()
    settings.DATABASES[OBSERVER] = settings.DATABASES["default"] | {"OPTIONS": observer_options()}
    django.setup()
    enable, disable = switches()
    chance = random.Random(seed)
    disable()
    count()  # connects
    disabled_at = time.monotonic()
    while not is_told_to_stop(after=chance.uniform(*OFF_FOR)):
        asked_at = time.monotonic()
        settled = enable()
        enabled_at = time.monotonic()
        with snapshot():
            committed = count()
        time.sleep(chance.uniform(*ON_FOR))
        leaked = count() - committed
        disabling_at = time.monotonic()
        disable()
        say(
            disabled_at=disabled_at, asked_at=asked_at, enabled_at=enabled_at,
            disabling_at=disabling_at, settled=settled, leaked=leaked, committed=committed,
        )  # fmt: skip
        disabled_at = time.monotonic()


def say(**facts: float) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def is_told_to_stop(*, after: float) -> bool:
    """Wait for so many seconds; True once nobody is there to read what this finds."""
    return bool(select.select([sys.stdin], [], [], after)[0])


def switches() -> tuple[Callable[[], bool], Callable[[], object]]:
    """Return what turns the variant's mode on, saying whether it holds, and what turns it off."""
    if settings.VARIANT == "django_maintenance_mode":
        from maintenance_mode.core import set_maintenance_mode

        return lambda: set_maintenance_mode(True) is None, lambda: set_maintenance_mode(False)
    from maintenance import mode

    def enable() -> bool:
        switch = mode.enable(name="switcher", reason="Benchmark")
        return switch.enabled and switch.settled

    return enable, mode.disable


def observer_options() -> dict[str, object]:
    """Return options with which looking at the database takes no lock."""
    options = dict(settings.DATABASES["default"]["OPTIONS"])
    options.pop("transaction_mode", None)
    return options


@contextmanager
def snapshot() -> Iterator[None]:
    """Fix what is seen of the database within this block at what has committed by now."""
    connection = connections[OBSERVER]
    with transaction.atomic(using=OBSERVER), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT id FROM gate_project_change LIMIT 1")
        yield


def count() -> int:
    """Count the changes by people who are no administrators."""
    with connections[OBSERVER].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM gate_project_change WHERE NOT by_administrator")
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    main(int(sys.argv[1]))
