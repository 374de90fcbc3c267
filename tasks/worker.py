"""Execute tasks in this process: take a slot, claim, execute, finish, until nothing is ready."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress

from django.db import InterfaceError, OperationalError, connection

from tasks import clock, execution, kinds, lifecycle, log, verdicts
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

# A run that has ended and what it came to, or None for whoever only looks; in answer whether the
# outcome is kept, and the run that follows.
Turn = tuple[Execution, Ending] | None
Settled = tuple[bool, Execution | None]

logger = logging.getLogger(__name__)


class Worker:
    """The slots of this node, and what runs in them. Any thread may look for work."""

    def __init__(self, node: ServerNode) -> None:
        self.node = node
        self.task_cap = node.task_cap
        self.is_draining = node.is_draining
        # A plain flag, since a signal handler sets it.
        self.is_stopping = False
        # Called after a claim with how many runs wait for a thread to execute them.
        self.on_claim: Callable[[int], None] = lambda number: None
        # Counts the calls to look: whoever found nothing looks again if one came meanwhile.
        self.calls = 0
        self._running: dict[int, Execution] = {}
        self._begun: deque[Execution] = deque()
        # SQLite has one writer: to wait for one's turn here is fair, there it is done by sleeping.
        is_sqlite = connection.vendor == "sqlite"
        self._writing = threading.Lock() if is_sqlite else nullcontext()
        self._turnstile: Turnstile[Turn, Settled] = Turnstile(self._settle)
        self._unknown = UnknownClaims()
        self._flusher = Flusher()

    def look(self) -> None:
        """Execute ready tasks in this thread until none is left, or no slot is free."""
        calls = -1
        while calls != self.calls or self._begun:
            calls, run = self.calls, self._next()
            while run:
                calls, run = self._execute(run)

    @property
    def has_begun(self) -> bool:
        """Whether a run waits for a thread to execute it."""
        return bool(self._begun)

    def free_lanes(self) -> list[Lane]:
        """Return the lanes with a slot that this worker may fill."""
        return [lane for lane, room in self._wanted(()).items() if room]

    def running(self) -> list[Execution]:
        return list(self._running.values())

    def settle_unknown(self, rows: Iterable[ServerTask]) -> None:
        """Put back which of ``rows``, all with this worker's mark, it never started."""
        for task in self._unknown.settled(rows, known=self._running):
            if not lifecycle.release(task):
                lifecycle.finish(task, state=State.CANCELED, message=verdicts.CANCELED)

    def close(self) -> None:
        """End what stores the logs of running tasks."""
        self._flusher.stop()

    def _next(self) -> Execution | None:
        """Return a run that waits for a thread, or claim for every free slot and return one."""
        with suppress(IndexError):
            return self._begun.popleft()
        if not self.free_lanes():
            return None
        with self._unknown.claiming():
            return self._turnstile.pass_through(None)[1]

    def _begin(self, task: ServerTask) -> Execution:
        writer = LogWriter(task, now=task.start_time or clock.now())
        run = self._running[task.pk] = Execution(task, writer)
        return run

    def _execute(self, run: Execution) -> tuple[int, Execution | None]:
        """Execute a run; return the run that follows, and the calls when that was looked for."""
        try:
            if run.is_lost:  # before a thread was free for it
                return -1, None
            if run.task.attempt > 1:
                run.log.continue_from(log.line_count(run.task) + 1)
            self._flusher.add(run.log)
            outcome = execution.carry_out(run)
            self._flusher.discard(run.log)
            calls = self.calls
            return calls, self._turn_over(run, outcome)
        finally:
            self._flusher.discard(run.log)
            self._forget(run)

    def _forget(self, run: Execution) -> None:
        """Let a run count no more; its task may be another run's by now."""
        if self._running.get(run.task.pk) is run:
            del self._running[run.task.pk]

    def _turn_over(self, run: Execution, outcome: Outcome) -> Execution | None:
        """Store the outcome, however long the database is away, and take the next task."""
        last_words = run.log.close()
        began, store = time.monotonic(), self._store
        while not run.is_lost:
            try:
                with self._unknown.claiming():
                    kept, following = store(run, outcome, last_words)
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
            if store == self._store_alone:
                break
            return following
        self.calls += 1  # nothing was claimed for its slot
        return None

    def _store(self, run: Execution, outcome: Outcome, last_words: Sequence[LogChunk]) -> Settled:
        """Return whether the outcome is kept, and the run that was claimed with it."""
        if outcome.state == State.QUEUED:
            with self._writing:
                kept = lifecycle.give_back(run.task, message=outcome.message, last_words=last_words)
            return kept, None
        ending = Ending(
            task=run.task, state=outcome.state, message=outcome.message, last_words=last_words
        )
        return self._turnstile.pass_through((run, ending))

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

    def _settle(self, turns: Sequence[Turn]) -> Sequence[Settled]:
        """Complete the runs that have ended, and claim for every slot that is free then."""
        ended = [turn for turn in turns if turn is not None]
        with self._writing:
            kept, tasks = lifecycle.turn_over(
                [ending for _, ending in ended],
                node=self.node,
                wanted=self._wanted([run for run, _ in ended]),
            )
        for run, _ in ended:
            self._forget(run)
        outcomes, begun = iter(kept), deque(map(self._begin, tasks))
        answers = [
            (turn is not None and next(outcomes), begun.popleft() if begun else None)
            for turn in turns
        ]
        if begun:
            self._begun.extend(begun)
            self.on_claim(len(begun))
        return answers

    def _wanted(self, ended: Sequence[Execution]) -> dict[Lane, int]:
        """Return how many tasks of each lane may start once these have ended."""
        if self.is_stopping or self.is_draining:
            return {}
        going_on = Counter(Lane.of(run.task) for run in self.running() if run not in ended)
        caps = {Lane.PEOPLE: self.task_cap, Lane.SYSTEM: system_slots()}
        return {lane: max(cap - going_on[lane], 0) for lane, cap in caps.items()}


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
