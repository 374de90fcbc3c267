"""Keep a worker and the database in agreement, once a second.

The node's row learns that the worker lives. The worker learns its cap, whether it drains, which of
its tasks somebody canceled and which are its own no longer; and it looks for work by itself, so
that the queue goes on while the broker is away.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections, connection, connections

from tasks import node as nodes
from tasks.crew import Crew
from tasks.execution import Execution
from tasks.models import ServerNode, ServerTask, State

INTERVAL = 1.0
# Seconds between two writes that say that the node lives.
BEAT = 2.0

logger = logging.getLogger(__name__)


class Heartbeat:
    """The thread that does it; ``beat`` is one turn."""

    def __init__(self, crew: Crew, *, on_loss: Callable[[], None] = lambda: None) -> None:
        """``on_loss`` is called when this worker's name has become another's."""
        self.crew = crew
        self._on_loss = on_loss
        self.worker = crew.worker
        self._stopped = threading.Event()
        self._beaten = float("-inf")
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def beat(self) -> None:
        """Do one turn. Raises ``DatabaseError``."""
        self.compare()
        self._read_node()
        self._look()
        if time.monotonic() - self._beaten >= BEAT:
            self._write()

    def compare(self) -> None:
        """Tell running tasks what became of their rows, and put back rows that nobody runs."""
        held = {run.task.pk: run for run in self.worker.running()}
        incarnation = self.worker.node.incarnation
        rows = {
            row.pk: row
            for row in ServerTask.objects.running()
            .filter(incarnation=incarnation)
            .defer("arguments")
        }
        for pk, run in held.items():
            _tell(run, rows.get(pk))
        self.worker.settle_unknown(row for pk, row in rows.items() if pk not in held)

    def _read_node(self) -> None:
        row = ServerNode.objects.filter(incarnation=self.worker.node.incarnation).first()
        if row is not None:
            self.worker.task_cap, self.worker.is_draining = row.task_cap, row.is_draining

    def _look(self) -> None:
        if self.worker.free_lanes() and ServerTask.objects.is_any_ready():
            self.crew.call()

    def _write(self) -> None:
        if nodes.beat(self.worker.node):
            self._beaten = time.monotonic()
            return
        logger.critical("Another worker has taken the name %s; this one stops.", self.worker.node)
        self.worker.is_stopping = True
        for run in self.worker.running():
            run.abandon()
        self._on_loss()
        self._on_loss = lambda: None  # told twice, it would end at once

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL):
            try:
                close_old_connections()
                self.beat()
            except DatabaseError as error:
                logger.warning("The heartbeat failed: %s", error)
                connection.close()
            except Exception:
                # Without it the node would count as lost, though it works.
                logger.exception("The heartbeat failed, it tries again.")
                connection.close()
        connections.close_all()


def _tell(run: Execution, row: ServerTask | None) -> None:
    """Tell a run about its row, which is None or another attempt's if this one was reaped."""
    if row is None or row.attempt != run.task.attempt:
        run.abandon()
    elif row.state == State.CANCELLING:
        run.request_cancel(by=row.cancel_requested_by)
