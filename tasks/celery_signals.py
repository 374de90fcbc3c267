"""Make a Celery worker a server node: register it, beat its heart, stop it in order."""

import logging
import os
import signal
from dataclasses import dataclass
from typing import Any

from celery import signals
from celery.worker import state
from django.db import connections

from tasks import conf, crew, node, scheduler
from tasks.crew import Crew
from tasks.heartbeat import Heartbeat
from tasks.node import Registration
from tasks.worker import Worker

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Running:
    """What a process that is a worker holds."""

    registration: Registration
    crew: Crew
    heartbeat: Heartbeat


_running: Running | None = None


@signals.worker_init.connect
def register(**kwargs: Any) -> None:
    """Take the node's name; a worker that may not have it ends here, with a sentence."""
    global _running
    try:
        registration = node.register(conf.node_name())
    except node.NodeNameInUse as error:
        raise SystemExit(str(error)) from None
    except Exception as error:
        # Celery would only log it, and run a worker that is no node and claims nothing.
        raise SystemExit(f"The worker could not register: {error}") from error
    threads = crew.muster(Worker(registration.row))
    _running = Running(registration, threads, Heartbeat(threads, on_loss=_stop_this_process))
    connections.close_all()


def _stop_this_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@signals.worker_ready.connect
def begin(**kwargs: Any) -> None:
    """Settle what a predecessor left, and look for what waits."""
    if _running is None:
        return
    _running.heartbeat.start()
    _running.crew.call()
    scheduler.settle_at_start()
    connections.close_all()


@signals.worker_shutting_down.connect
def refuse_work(**kwargs: Any) -> None:
    """Claim nothing more. Runs inside a signal handler, so it only sets a flag."""
    if _running is not None:
        _running.crew.worker.is_stopping = True


@signals.worker_shutdown.connect
def end(**kwargs: Any) -> None:
    """Let running tasks finish, unless the worker is told to end at once."""
    global _running
    if _running is None:
        return
    running, _running = _running, None
    running.crew.stop(is_urgent=lambda: bool(state.should_terminate))
    running.heartbeat.stop()
    if not running.crew.worker.running():
        node.stop(running.registration.row)
    crew.dismiss()
    connections.close_all()
    running.registration.lock.close()
