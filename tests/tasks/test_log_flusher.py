import threading
from collections.abc import Iterator

import pytest

from tasks import clock, logwriter
from tasks.logwriter import DELAY, Flusher, LogWriter
from tasks.models import ServerTask


class Noted(LogWriter):
    """A writer that says when it was looked after."""

    def __init__(self) -> None:
        super().__init__(ServerTask(pk=1), now=clock.now())
        self.seen = threading.Event()

    def flush_if_due(self) -> None:
        self.seen.set()


@pytest.fixture
def flusher() -> Iterator[Flusher]:
    flusher = logwriter.Flusher()
    yield flusher
    flusher.stop()


def test_a_task_too_short_to_be_looked_after_does_not_end_it(flusher: Flusher, db: None) -> None:
    for _ in range(3):
        short = Noted()
        flusher.add(short)
        # Into the pause that comes before the writers are looked after.
        threading.Event().wait(DELAY / 8)
        flusher.discard(short)
        # Past the end of that pause, when there is nobody to look after.
        threading.Event().wait(DELAY)
    later = Noted()
    flusher.add(later)
    assert later.seen.wait(timeout=60)
