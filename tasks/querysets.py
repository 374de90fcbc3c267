"""The reads of the queue, as verbs that read like the domain."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from tasks import clock, conf
from tasks.states import COMPLETED, RUNNING, State

if TYPE_CHECKING:
    from tasks.models import Hold, LogChunk, ServerNode, ServerTask  # noqa: F401 named in strings

# What no completed row is, in words by which both engines know their partial indexes: SQLite does
# not look at the values that a statement is given, such as a state.
OPEN = Q(completed_time__isnull=True)
NAME = re.compile(r"\AServerTasks-([1-9][0-9]{0,17})\Z", re.ASCII)


class ServerTaskQuerySet(models.QuerySet["ServerTask"]):
    """Tasks by where they stand."""

    def queued(self) -> "ServerTaskQuerySet":
        return self.filter(OPEN, state=State.QUEUED)

    def scheduled(self, now: datetime | None = None) -> "ServerTaskQuerySet":
        """Queued for a time that lies ahead."""
        return self.queued().filter(queue_time__gt=clock.moment(now))

    def falling_into(self, begin: datetime, end: datetime | None) -> "ServerTaskQuerySet":
        """People's, scheduled, that may start within a time or would expire in it."""
        waiting = self.scheduled().people().filter(queue_time_expiry__gt=begin)
        return waiting if end is None else waiting.filter(queue_time__lt=end)

    def to_start_within(self, begin: datetime, end: datetime | None) -> "ServerTaskQuerySet":
        """People's whose time comes from ``begin`` on and before ``end``, if there is one."""
        coming = self.queued().people().filter(queue_time__gt=begin)
        return coming if end is None else coming.filter(queue_time__lt=end)

    def due(self, now: datetime | None = None) -> "ServerTaskQuerySet":
        """Queued, its time has come and not yet gone."""
        moment = clock.moment(now)
        return self.queued().filter(queue_time__lte=moment, queue_time_expiry__gt=moment)

    def ready(self, now: datetime | None = None) -> "ServerTaskQuerySet":
        """Due, no task with the same concurrency key is running, and no pause holds it back."""
        pause = apps.get_model("tasks", "QueuePause")._default_manager.filter(is_paused=True)
        return self.due(now).filter(~Exists(self._rivals()), Q(is_system=True) | ~Exists(pause))

    def is_any_ready(self, now: datetime | None = None) -> bool:
        """Whether any is ready; quickly answered where none is due, as an idle server asks."""
        return self.due(now).exists() and self.ready(now).exists()

    def _rivals(self) -> models.QuerySet["ServerTask"]:
        return self.model._default_manager.filter(
            OPEN,
            concurrency_key__isnull=False,
            concurrency_key=OuterRef("concurrency_key"),
            state__in=RUNNING,
        )

    def in_claim_order(self) -> "ServerTaskQuerySet":
        return self.order_by(F("is_prioritized").desc(), "queue_time", "id")

    def ahead_of(self, task: "ServerTask", now: datetime | None = None) -> "ServerTaskQuerySet":
        """Due tasks of the same lane that are claimed before ``task``."""
        earlier = Q(queue_time__lt=task.queue_time) | Q(queue_time=task.queue_time, id__lt=task.pk)
        if task.is_prioritized:
            before = Q(is_prioritized=True) & earlier
        else:
            before = Q(is_prioritized=True) | (Q(is_prioritized=False) & earlier)
        return self.due(now).filter(before, _of_system(task.is_system))

    def running(self) -> "ServerTaskQuerySet":
        return self.filter(OPEN, state__in=RUNNING)

    def on_nodes(self, nodes: Iterable["ServerNode"]) -> "ServerTaskQuerySet":
        """The running tasks of these nodes, the longest running first."""
        return self.running().filter(node__in=list(nodes)).order_by("start_time", "id")

    def run_of(self, task: "ServerTask") -> "ServerTaskQuerySet":
        """The row of ``task``, if the run that it was claimed for still goes on."""
        return self.running().filter(pk=task.pk, incarnation=task.incarnation, attempt=task.attempt)

    def completed(self) -> "ServerTaskQuerySet":
        return self.filter(state__in=COMPLETED)

    def completed_before(self, moment: datetime) -> "ServerTaskQuerySet":
        """The longest completed first."""
        return self.filter(completed_time__lt=moment).order_by("completed_time")

    def completed_last_first(self) -> "ServerTaskQuerySet":
        return self.filter(completed_time__isnull=False).order_by("-completed_time")

    def not_completed(self) -> "ServerTaskQuerySet":
        return self.filter(OPEN, state__in=(State.QUEUED, *RUNNING))

    def overdue(self, now: datetime | None = None) -> "ServerTaskQuerySet":
        """Queued, although the time by which it had to start has come."""
        return self.queued().filter(queue_time_expiry__lte=clock.moment(now))

    def expired(self, now: datetime | None = None) -> "ServerTaskQuerySet":
        """Overdue and not held."""
        holds = apps.get_model("tasks", "Hold")._default_manager
        held = holds.filter(task=OuterRef("pk"), decide_by__gt=clock.moment(now))
        return self.overdue(now).filter(~Exists(held))

    def people(self) -> "ServerTaskQuerySet":
        return self.filter(_of_system(False))

    def system(self) -> "ServerTaskQuerySet":
        return self.filter(_of_system(True))

    def of_lane(self, is_system: bool) -> "ServerTaskQuerySet":
        """Those of the system, or those of people."""
        return self.filter(_of_system(is_system))

    def run_within(self, begin: datetime, end: datetime | None) -> "ServerTaskQuerySet":
        """Those that were executing at some time from ``begin`` to ``end``; None is until now."""
        still = Q(completed_time__isnull=True) | Q(completed_time__gte=begin)
        started = self.filter(still, start_time__isnull=False)
        return started if end is None else started.filter(start_time__lte=end)

    def of_kind(self, kind: str) -> "ServerTaskQuerySet":
        return self.filter(kind=kind)

    def beats(self, slots: Mapping[str, datetime]) -> "ServerTaskQuerySet":
        """The rows of any of these kinds for any of these slots."""
        return self.filter(kind__in=list(slots), occurrence__in=list(slots.values()))

    def in_state(self, state: str | None) -> "ServerTaskQuerySet":
        """Those in ``state``; all if None."""
        return self if state is None else self.filter(state=state)

    def numbered(self, pks: Iterable[int]) -> "ServerTaskQuerySet":
        """Those with these numbers, in their order, so that two who change many never cross."""
        return self.filter(pk__in=list(pks)).order_by("id")

    def newest(self) -> "ServerTaskQuerySet":
        return self.order_by("-id")

    def older_than(self, pk: int | None) -> "ServerTaskQuerySet":
        """Newest first, from below the task numbered ``pk`` on; all if None."""
        return (self if pk is None else self.filter(pk__lt=pk)).newest()

    def newer_than(self, pk: int) -> "ServerTaskQuerySet":
        """Oldest first, from above the task numbered ``pk`` on."""
        return self.filter(pk__gt=pk).order_by("id")

    def timed_out_since(self, moment: datetime) -> "ServerTaskQuerySet":
        """Not started by their expiry, which passed after ``moment``; the latest first."""
        return self.filter(state="TimedOut", completed_time__gt=moment).order_by("-completed_time")

    def children_of(self, task: "ServerTask") -> "ServerTaskQuerySet":
        return self.filter(parent=task).newest()

    def reruns_of(self, task: "ServerTask") -> "ServerTaskQuerySet":
        return self.filter(rerun_of=task).newest()

    def of_name(self, name: str) -> "ServerTask":
        """Return the task called ``name``. Raises ``DoesNotExist``, for a malformed name too."""
        match = NAME.match(name)
        if match is None:
            raise self.model.DoesNotExist(f"No task is called {name[:40]!r}.")
        return self.get(pk=int(match[1]))


class HoldQuerySet(models.QuerySet["Hold"]):
    """What waits for somebody's decision."""

    def open(self, now: datetime | None = None) -> "HoldQuerySet":
        """Those that are still to be decided, the longest expired first."""
        waiting = self.filter(task__state=State.QUEUED, task__completed_time__isnull=True)
        undecided = waiting.filter(decide_by__gt=clock.moment(now)).select_related("task")
        return undecided.order_by("task__queue_time_expiry", "task_id")

    def over(self, now: datetime | None = None) -> "HoldQuerySet":
        return self.filter(decide_by__lte=clock.moment(now))


class ServerNodeQuerySet(models.QuerySet["ServerNode"]):
    """Server nodes by whether they work."""

    def alive(self, now: datetime | None = None) -> "ServerNodeQuerySet":
        """Running, and heard of within the time after which a node counts as lost."""
        return self.filter(stopped__isnull=True, last_seen__gt=_silence_began(now))

    def silent(self, now: datetime | None = None) -> "ServerNodeQuerySet":
        """Stopped or not heard of for so long that it counts as lost."""
        return self.filter(
            Q(stopped__isnull=False)
            | Q(last_seen__isnull=True)
            | Q(last_seen__lte=_silence_began(now))
        )

    def taking_work(self, now: datetime | None = None) -> "ServerNodeQuerySet":
        return self.alive(now).filter(is_draining=False)

    def among(self, nodes: Iterable["ServerNode"]) -> "ServerNodeQuerySet":
        return self.filter(pk__in=[node.pk for node in nodes])

    def with_state(self, now: datetime | None = None) -> "ServerNodeQuerySet":
        """Add what ``ServerNode.state`` is told by."""
        is_alive = Q(stopped__isnull=True, last_seen__gt=_silence_began(now))
        added = {"is_alive": models.ExpressionWrapper(is_alive, models.BooleanField())}
        return self.with_running().annotate(**added)

    def with_running(self) -> "ServerNodeQuerySet":
        """Add how many tasks of people, and of the system, each node is running."""
        counts = {
            "running_people": _running_count(is_system=False),
            "running_system": _running_count(is_system=True),
        }
        return self.annotate(**counts)


def _of_system(is_system: bool) -> Q:
    """Compare as with any other value: SQLite uses no index for a bare or a negated column."""
    return Q(is_system__in=[is_system])


def _running_count(*, is_system: bool) -> Coalesce:
    """Count over the running alone: a join would read every task that the node ever ran."""
    tasks = apps.get_model("tasks", "ServerTask")._default_manager
    running = tasks.filter(OPEN, _of_system(is_system), node=OuterRef("pk"), state__in=RUNNING)
    counted = running.order_by().values("node").annotate(count=models.Count("pk")).values("count")
    return Coalesce(Subquery(counted), Value(0))


def _silence_began(now: datetime | None) -> Any:
    moment: Any = clock.moment(now)
    return moment - timedelta(seconds=conf.node_silence())


class LogChunkQuerySet(models.QuerySet["LogChunk"]):
    """Chunks of logs by position."""

    def after(self, task: "ServerTask", line: int) -> "LogChunkQuerySet":
        """Those that hold lines behind number ``line``, in order; the first may begin before it."""
        holding = self.filter(task=task, first_line__lte=line + 1).order_by("-first_line")
        begin = Coalesce(Subquery(holding.values("first_line")[:1]), Value(0))
        return self.filter(task=task, first_line__gte=begin).order_by("first_line")
