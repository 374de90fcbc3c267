"""Wait until the server is idle, telling how it stands on the way."""

import time
from collections.abc import Callable, Iterator

from maintenance import idle, mode
from maintenance.idle import Facts

PAUSE = 0.5
# Seconds for which one look waits for the exclusive side.
GLANCE = 0.5

# What is waited for, beyond the mode being on and settled: nothing of people's executing, none that
# may start either, none that is scheduled before the end either.
GOALS: dict[str, Callable[[Facts], bool]] = {
    "executing": lambda facts: facts.is_quiet and not facts.work.executing,
    "queued": lambda facts: facts.idle,
    "scheduled": lambda facts: facts.idle and not facts.scheduled,
}


class NothingToWaitFor(Exception):  # noqa: N818 a state of the world
    """The mode is off and no window is planned, or it was turned off meanwhile."""


def watch(goal: str, *, timeout: float | None) -> Iterator[tuple[Facts, bool]]:
    """Yield how the server stands and whether the goal is reached, until it is, or time is up.

    ``timeout`` is in seconds. Raises ``NothingToWaitFor``.
    """
    began = time.monotonic()
    while True:
        left = None if timeout is None else timeout - (time.monotonic() - began)
        facts = look_closely(seconds=GLANCE if left is None else min(GLANCE, max(left, 0.01)))
        reached = GOALS[goal](facts)
        yield facts, reached
        if reached or (left is not None and left <= 0):
            return
        if not facts.mode.is_enabled and facts.window is None:
            raise NothingToWaitFor(
                "Maintenance mode is off, and no window is planned: there is nothing to wait for."
            )
        time.sleep(PAUSE if left is None else min(PAUSE, max(left, 0.01)))


def look_closely(*, seconds: float) -> Facts:
    """Look, after an attempt to take the exclusive side where nobody has yet."""
    row = mode.current()
    if row.is_enabled and row.settled is None:
        mode.settle(timeout=seconds)
    return idle.look()
