"""Look at the nodes, the database and the broker, and say how they are."""

import time
from datetime import timedelta

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from tasks import clock, kinds, wake
from tasks.execution import Execution
from tasks.models import ServerNode
from tasks.sentences import kept

# Seconds above which a latency is worth a warning.
SLOW = 1.0
NO_BROKER = kept(gettext_noop("The broker does not answer: %(error)s"))


@kinds.register
class Health(kinds.TaskKind):
    """Only looks; what it finds is in its log, and what does not answer fails it."""

    name = "Health"
    label = _("Check health")
    is_system = True
    idempotent = True
    interval = timedelta(minutes=5)

    def execute(self, run: Execution) -> None:
        _database(run)
        _nodes(run)
        _broker(run)


def _database(run: Execution) -> None:
    began = time.monotonic()
    clock.now()
    ServerNode.objects.exists()
    _latency(run, "The database", time.monotonic() - began)


def _nodes(run: Execution) -> None:
    alive = set(ServerNode.objects.alive().values_list("pk", flat=True))
    for node in ServerNode.objects.with_running():
        if node.pk in alive:
            state = "drains" if node.is_draining else "runs"
            running = node.running_people
            run.log.info(f"Node {node.name} {state}: {running} of {node.task_cap} tasks.")
        elif node.stopped:
            run.log.info(f"Node {node.name} is stopped.")
        else:
            run.log.warning(f"Node {node.name} is silent since {node.last_seen:%F %T %Z}.")


def _broker(run: Execution) -> None:
    try:
        seconds = wake.latency()
    except Exception as error:
        raise kinds.Failure(NO_BROKER % {"error": error}) from error
    _latency(run, "The broker", seconds)


def _latency(run: Execution, what: str, seconds: float) -> None:
    say = run.log.warning if seconds > SLOW else run.log.info
    say(f"{what} answered in {seconds * 1000:.1f} ms.")
