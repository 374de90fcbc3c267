"""Let runs that end at about the same time pass through one transaction together.

A commit costs as much for five outcomes as for one. While one is under way, those who come gather
behind it; the first of them then takes all of them along.
"""

import threading
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
        self.called = threading.Event()

    @property
    def is_over(self) -> bool:
        return bool(self.answers) or self.error is not None

    def answer(self) -> Answer:
        if self.error is not None:
            raise self.error
        return self.answers[0]


class Turnstile(Generic[What, Answer]):
    """Collects what several threads want done, and has one of them do it for all."""

    def __init__(self, settle: Callable[[Sequence[What]], Sequence[Answer]]) -> None:
        """``settle`` answers each of what it is given, in order; what it raises, all get."""
        self._settle = settle
        self._waiting: list[_Turn[What, Answer]] = []
        self._is_busy = False
        self._lock = threading.Lock()

    def pass_through(self, what: What) -> Answer:
        """Return the answer to ``what``. Raises what ``settle`` does."""
        turn: _Turn[What, Answer] = _Turn(what)
        with self._lock:
            self._waiting.append(turn)
            leads, self._is_busy = not self._is_busy, True
        if not leads:
            turn.called.wait()
        if not turn.is_over:
            self._lead()
        return turn.answer()

    def _lead(self) -> None:
        with self._lock:
            turns, self._waiting = self._waiting, []
        try:
            answers = self._settle([turn.what for turn in turns])
            for turn, answer in zip(turns, answers, strict=True):
                turn.answers.append(answer)
        except BaseException as error:  # noqa: BLE001 nobody may wait for ever; all raise it
            for turn in turns:
                turn.error = turn.error or error
        self._hand_over()
        for turn in turns:
            turn.called.set()

    def _hand_over(self) -> None:
        """Let the first of those who came meanwhile lead, if anybody came."""
        with self._lock:
            self._is_busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].called.set()
