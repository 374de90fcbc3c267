"""Execute tasks in this process: take a slot, claim, execute, finish, until nothing is ready."""

import logging
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from django.db import InterfaceError, OperationalError, connection

from tasks import clock, execution, kinds, lifecycle, log
from tasks.claiming import Lane
from tasks.execution import Execution, Outcome
from tasks.lifecycle import Ending
from tasks.logwriter import Flusher, LogWriter
from tasks.models import LogChunk, ServerNode, ServerTask, State
from tasks.turnstile import Turnstile

# Seconds between attempts to store an outcome while the database is away.
PATIENCE = 1.0
# Seconds after which an outcome is stored without the end of its log, if that is what fails: the
# disk may be too full for it.
LOG_PATIENCE = 30.0

logger = logging.getLogger(__name__)


class Worker:
    """The slots of this node, and what runs in them. Any thread may look for work."""

    def __init__(self, node: ServerNode) -> None:
        self.node = node
        self.task_cap = node.task_cap
        self.is_draining = node.is_draining
        # A plain flag, since a signal handler sets it.
        self.is_stopping = False
        # Called after a claim where another slot is free: there may be more to do.
        self.on_claim: Callable[[], None] = lambda: None
        self._running: dict[int, Execution] = {}
        self._filling = threading.Lock()
        # SQLite has one writer: to wait for one's turn here is fair, there it is done by sleeping.
        is_sqlite = connection.vendor == "sqlite"
        self._writing = threading.Lock() if is_sqlite else nullcontext()
        self._turnstile = Turnstile(self._settle)
        self._unknown = UnknownClaims()
        self._flusher = Flusher()

    def look(self) -> None:
        """Execute ready tasks in this thread until none is left, or no slot is free."""
        while run := self._fill():
            while run:
                run = self._execute(run)

    def free_lanes(self) -> list[Lane]:
        """Return the lanes with a slot that this worker may fill."""
        return [lane for lane in Lane if self._room(lane) > 0]

    def running(self) -> list[Execution]:
        return list(self._running.values())

    def settle_unknown(self, rows: Iterable[ServerTask]) -> None:
        """Put back which of ``rows``, all with this worker's mark, it never started."""
        for task in self._unknown.settled(rows, known=self._running):
            if not lifecycle.release(task):
                lifecycle.finish(task, state=State.CANCELED, message="Canceled.")

    def close(self) -> None:
        """End what stores the logs of running tasks."""
        self._flusher.stop()

    def _room(self, lane: Lane) -> int:
        """Return how many more tasks of a lane may start; below 0 if the cap was lowered."""
        if self.is_stopping or self.is_draining:
            return -1
        running = sum(Lane.of(run.task) == lane for run in self.running())
        return (self.task_cap if lane == Lane.PEOPLE else system_slots()) - running

    def _fill(self) -> Execution | None:
        """Fill a free slot with the best ready task."""
        with self._filling, self._unknown.claiming():
            lanes = self.free_lanes()
            if not lanes:
                return None
            with self._writing:
                task = lifecycle.claim_next(self.node, lanes=lanes)
            run = self._begin(task)
        if run and self.free_lanes():
            self.on_claim()
        return run

    def _begin(self, task: ServerTask | None) -> Execution | None:
        if task is None:
            return None
        first_line = log.line_count(task) + 1 if task.attempt > 1 else 1
        writer = LogWriter(task, now=task.start_time or clock.now(), first_line=first_line)
        run = self._running[task.pk] = Execution(task, writer)
        return run

    def _execute(self, run: Execution) -> Execution | None:
        """Execute a run and return the one that follows it in its slot."""
        self._flusher.add(run.log)
        try:
            outcome = execution.carry_out(run)
            self._flusher.discard(run.log)
            return self._turn_over(run, outcome)
        finally:
            self._flusher.discard(run.log)
            self._running.pop(run.task.pk, None)

    def _turn_over(self, run: Execution, outcome: Outcome) -> Execution | None:
        """Store the outcome, however long the database is away, and take the next task."""
        last_words = run.log.close()
        began, store = time.monotonic(), self._store
        while not run.is_lost:
            lane = Lane.of(run.task)
            try:
                with self._unknown.claiming():
                    kept, task = store(run, outcome, last_words)
                    following = self._begin(task)
            except Exception as error:  # noqa: BLE001 what has run must not be taken for unstarted
                logger.warning("The outcome of %s is held back: %s", run.task.name, error)
                connection.close()
                is_away = isinstance(error, OperationalError | InterfaceError)
                if store == self._store_alone and not (is_away and _is_early(began)):
                    last_words = ()
                store = self._store_alone
                time.sleep(PATIENCE)
                continue
            if not kept:
                logger.warning("%s was completed without this worker.", run.task.name)
            if following and self._room(lane) > 0:
                self.on_claim()
            return following
        return None

    def _store(
        self, run: Execution, outcome: Outcome, last_words: Sequence[LogChunk]
    ) -> tuple[bool, ServerTask | None]:
        """Return whether the outcome is kept, and the task that was claimed with it."""
        if outcome.state == State.QUEUED:
            with self._writing:
                kept = lifecycle.give_back(run.task, message=outcome.message, last_words=last_words)
            return kept, None
        return self._turnstile.pass_through(
            Ending(
                task=run.task,
                state=outcome.state,
                message=outcome.message,
                last_words=last_words,
                takes_next=self._room(Lane.of(run.task)) >= 0,
            )
        )

    def _store_alone(
        self, run: Execution, outcome: Outcome, last_words: Sequence[LogChunk]
    ) -> tuple[bool, None]:
        """Do as ``_store`` without any other's outcome, which may be what the database refuses."""
        with self._writing:
            if outcome.state == State.QUEUED:
                words = outcome.message
                return lifecycle.give_back(run.task, message=words, last_words=last_words), None
            kept = lifecycle.finish(
                run.task, state=outcome.state, message=outcome.message, last_words=last_words
            )
        return kept, None

    def _settle(self, endings: Sequence[Ending]) -> Sequence[tuple[bool, ServerTask | None]]:
        with self._writing:
            return lifecycle.turn_over(endings, node=self.node)


class UnknownClaims:
    """Tell claims whose answer was lost, after the database had made them, from those under way.

    A row that carries this worker's mark, but is not known to run, was never started if it is seen
    so twice, and every claim that was under way the first time has ended since.
    """

    def __init__(self) -> None:
        self._under_way: set[object] = set()
        self._suspects: dict[tuple[int, int], frozenset[object]] = {}

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """Span a claim, from before it is sent until its task is known to run."""
        mark = object()
        self._under_way.add(mark)
        try:
            yield
        finally:
            self._under_way.discard(mark)

    def settled(self, rows: Iterable[ServerTask], *, known: Container[int]) -> list[ServerTask]:
        """Return the rows that were certainly never started; call it with all, again and again."""
        under_way = frozenset(self._under_way)
        settled, suspects = [], {}
        for task in rows:
            run = (task.pk, task.attempt)
            earlier = self._suspects.get(run, under_way)
            if task.pk in known:
                continue
            if run in self._suspects and not earlier & under_way:
                settled.append(task)
            else:
                suspects[run] = earlier
        self._suspects = suspects
        return settled


def _is_early(began: float) -> bool:
    return time.monotonic() - began < LOG_PATIENCE


def system_slots() -> int:
    """Return the slots beside those of people: one for each kind, so none waits for another."""
    return max(len(kinds.system()), 1)
