"""Let runs that end at about the same time pass through one transaction together.

A commit costs as much for five outcomes as for one. While one is under way, those who come gather
behind it; the first of them then takes all of them along, and for a moment waits for those who have
just been through: what takes no time to run is back at once.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

What = TypeVar("What")
Answer = TypeVar("Answer")


class _Turn(Generic[What, Answer]):
    """One who wants to pass: wakes up either with an answer or as the one who leads."""

    def __init__(self, what: What) -> None:
        self.what = what
        self.answers: list[Answer] = []
        self.error: BaseException | None = None
        self._called = _closed()

    def wait(self) -> None:
        self._called.acquire()

    def call(self) -> None:
        self._called.release()

    @property
    def is_over(self) -> bool:
        return bool(self.answers) or self.error is not None

    def answer(self) -> Answer:
        if self.error is not None:
            raise self.error
        return self.answers[0]


def _closed() -> threading.Lock:
    """Return a lock that is held: what one thread waits for. An event costs several times that."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class Turnstile(Generic[What, Answer]):
    """Collects what several threads want done, and has one of them do it for all."""

    # Seconds after an answer in which those who got it are waited for.
    LINGER = 0.002

    def __init__(self, settle: Callable[[Sequence[What]], Sequence[Answer]]) -> None:
        """``settle`` answers each of what it is given, in order; what it raises, all get."""
        self._settle = settle
        self._waiting: list[_Turn[What, Answer]] = []
        self._is_busy = False
        self._lock = threading.Lock()
        # How many may stand here once those who were answered last are back, and who waits for it.
        self._expected = 0
        self._answered = float("-inf")
        self._all_back: threading.Lock | None = None

    def pass_through(self, what: What) -> Answer:
        """Return the answer to ``what``. Raises what ``settle`` does."""
        turn: _Turn[What, Answer] = _Turn(what)
        with self._lock:
            self._waiting.append(turn)
            leads, self._is_busy = not self._is_busy, True
            if self._all_back is not None and len(self._waiting) >= self._expected:
                self._all_back.release()
                self._all_back = None
        if not leads:
            turn.wait()
        if not turn.is_over:
            self._lead()
        return turn.answer()

    def _lead(self) -> None:
        turns = self._gather()
        try:
            answers = self._settle([turn.what for turn in turns])
            for turn, answer in zip(turns, answers, strict=True):
                turn.answers.append(answer)
        except BaseException as error:  # noqa: BLE001 nobody may wait for ever; all raise it
            for turn in turns:
                turn.error = turn.error or error
        self._hand_over(turns)
        for turn in turns[1:]:
            turn.call()

    def _gather(self) -> list[_Turn[What, Answer]]:
        """Take everybody who waits, after those who were answered a moment ago are back."""
        with self._lock:
            left = self._answered + self.LINGER - time.monotonic()
            if left > 0 and len(self._waiting) < self._expected:
                all_back = self._all_back = _closed()
            else:
                all_back = None
        if all_back is not None:
            all_back.acquire(timeout=left)
        with self._lock:
            self._all_back = None
            turns, self._waiting = self._waiting, []
        return turns

    def _hand_over(self, turns: Sequence[_Turn[What, Answer]]) -> None:
        """Let the first of those who came meanwhile lead, if anybody came."""
        with self._lock:
            self._answered = time.monotonic()
            self._expected = len(turns) + len(self._waiting)
            self._is_busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].call()
