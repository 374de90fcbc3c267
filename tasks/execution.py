"""Carry out one claimed task: hand its kind what it needs, turn what happens into an outcome."""

import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import translation

from tasks import kinds, queue, verdicts
from tasks.logwriter import LogWriter
from tasks.models import ServerTask, State


class Canceled(Exception):  # noqa: N818 an outcome
    """Raised out of a kind's work because somebody asked to cancel it."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and in which words."""

    state: State
    message: str = ""


class Execution:
    """One run of a task, as its kind sees it."""

    def __init__(self, task: ServerTask, log: LogWriter) -> None:
        self.task = task
        self.log = log
        self._stop = threading.Event()
        self._canceled_by = ""
        # Why the worker ends the run itself, if it does.
        self._ended_because = ""
        # Set when the row is another's by now: what this run still does is of no use.
        self.is_lost = False

    @property
    def arguments(self) -> Mapping[str, Any]:
        arguments: Mapping[str, Any] = self.task.arguments
        return arguments

    @property
    def cancel_requested(self) -> bool:
        """Whether to stop: somebody canceled the task, or this worker has lost it."""
        return self._stop.is_set()

    @property
    def canceled_by(self) -> str:
        return self._canceled_by

    def raise_if_canceled(self) -> None:
        """Raise ``Canceled`` if the work should stop. Call it between steps."""
        if self.cancel_requested:
            raise Canceled

    def wait(self, seconds: float) -> None:
        """Pause, and raise ``Canceled`` as soon as the work should stop."""
        self._stop.wait(seconds)
        self.raise_if_canceled()

    def enqueue_child(self, kind: str, arguments: Mapping[str, Any] | None = None) -> ServerTask:
        """Queue a task that belongs to the same person; the gate does not stand in its way."""
        return queue.enqueue(kind, arguments, parent=self.task)

    def request_cancel(self, *, by: str) -> None:
        """Ask the work to stop. Called by the worker, from another thread."""
        if not self._stop.is_set():
            self._canceled_by = by
            self.log.warning(f"{by or 'Somebody'} asked to cancel.")
            self._stop.set()

    @property
    def ended_because(self) -> str:
        return self._ended_because

    def end(self, because: str) -> bool:
        """Stop the work since its worker stops; False if it was told to stop already.

        What is idempotent starts again, elsewhere or later.
        """
        if self._stop.is_set():
            return False
        self._ended_because = because
        self.log.warning(because)
        self._stop.set()
        return True

    def abandon(self) -> None:
        """Stop the work without an outcome: the row is this worker's no longer."""
        self.is_lost = True
        self._stop.set()


def carry_out(run: Execution) -> Outcome:
    """Do the work of a run and return its outcome; whatever goes wrong becomes one."""
    task = run.task
    run.log.info(f"Queued by {task.person_name or 'the server'} at {task.queue_time:%F %T %Z}.")
    run.log.info(f"Started on server node {task.node_name}.")
    try:
        kinds.get(task.kind).execute(run)
        outcome = Outcome(State.SUCCESS)
    except Canceled:
        outcome = _stopped(run)
    except (kinds.Failure, kinds.UnknownTaskKind) as failure:
        outcome = Outcome(State.FAILED, str(failure))
    except (Exception, SystemExit) as error:  # noqa: BLE001 a kind's fault must not end the worker
        run.log.error(traceback.format_exc())
        outcome = Outcome(State.FAILED, f"{type(error).__name__}: {error}")
    outcome = Outcome(outcome.state, run.log.masked(outcome.message))
    _conclude(run, outcome)
    return outcome


def _stopped(run: Execution) -> Outcome:
    """Return the outcome of a run that was asked to stop, and did."""
    if not run.ended_because:
        by = run.canceled_by or verdicts.THE_TASK
        return Outcome(State.CANCELED, verdicts.CANCELED_BY % {"by": by})
    if kinds.get(run.task.kind).idempotent:
        return Outcome(State.QUEUED, verdicts.STARTS_AGAIN % {"why": run.ended_because})
    return Outcome(State.FAILED, verdicts.RERUN % {"why": run.ended_because})


def _conclude(run: Execution, outcome: Outcome) -> None:
    say = run.log.error if outcome.state == State.FAILED else run.log.info
    say(f"{_word(outcome.state)}: {outcome.message}".removesuffix(": "))


@cache
def _word(state: State) -> str:
    """Return the name of a state in the server's language: it is kept, whoever reads it."""
    with translation.override(settings.LANGUAGE_CODE):
        return str(State(state).label)
