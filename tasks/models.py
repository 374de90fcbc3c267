"""The rows of the queue: server nodes, tasks and the chunks of their logs."""

from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tasks.querysets import HoldQuerySet, LogChunkQuerySet, ServerNodeQuerySet, ServerTaskQuerySet
from tasks.states import COMPLETED, RUNNING, NodeState, State

# The states are at home beside the rows that have them.
__all__ = [
    "COMPLETED",
    "RUNNING",
    "Hold",
    "LogChunk",
    "NodeState",
    "QueuePause",
    "SchedulerMark",
    "ServerNode",
    "ServerTask",
    "State",
]


class ServerNode(models.Model):
    """A host with a worker. What it is doing is known from the tasks that carry its id."""

    name = models.CharField(max_length=200, unique=True)
    host = models.CharField(max_length=255, default="", editable=False)
    version = models.CharField(max_length=40, default="", editable=False)
    task_cap = models.PositiveSmallIntegerField(default=5)
    is_draining = models.BooleanField(default=False)
    # A new value at every start of the worker: rows that carry an older one have lost theirs.
    incarnation = models.UUIDField(null=True, editable=False)
    started = models.DateTimeField(null=True, editable=False)
    last_seen = models.DateTimeField(null=True, editable=False)
    stopped = models.DateTimeField(null=True, editable=False)

    # What ``with_running`` adds: the tasks of people, and of the system, that it runs.
    running_people: int
    running_system: int
    # What ``with_state`` adds to that; null where the node was never seen.
    is_alive: bool | None
    # What ``nodes.overview`` adds to that.
    running_tasks: "list[ServerTask]"

    objects = ServerNodeQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(task_cap__gte=1), name="servernode_task_cap_at_least_1"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> NodeState:
        """Where the node stands, if it was read ``with_state``."""
        if not self.is_alive:
            return NodeState.OFFLINE
        if not self.is_draining:
            return NodeState.RUNNING
        return NodeState.DRAINING if self.running else NodeState.DRAINED

    @property
    def running(self) -> int:
        """How many tasks it runs, if it was read ``with_running``."""
        return self.running_people + self.running_system


class QueuePause(models.Model):
    """Whether the queue is paused: the one row that every claim asks. A missing row means no."""

    SINGLETON = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=SINGLETON, editable=False)
    is_paused = models.BooleanField(default=False)
    since = models.DateTimeField(null=True)
    reason = models.TextField(default="", blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_name = models.CharField(max_length=150, default="", blank=True)

    class Meta:
        # Only its writer changes it, so nobody needs a permission to change the row.
        default_permissions = ["view"]
        permissions = [("pause_queue", "Can pause the queue")]
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="queuepause_singleton"),
        ]

    def __str__(self) -> str:
        return str(_("paused") if self.is_paused else _("not paused"))


class ServerTask(models.Model):
    """One run of one task kind: queued, executed once, completed."""

    kind = models.CharField(max_length=64)
    description = models.CharField(max_length=200)
    arguments = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    # What the last change of state has to say: why it failed, expired or was canceled.
    message = models.TextField(default="", blank=True)

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_name = models.CharField(max_length=150, default="", blank=True)
    is_system = models.BooleanField(default=False)
    # The beat of a system kind that this row is; one row a beat, however many schedulers run.
    occurrence = models.DateTimeField(null=True, editable=False)
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="children"
    )
    rerun_of = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="reruns"
    )

    created = models.DateTimeField()
    queue_time = models.DateTimeField()
    queue_time_expiry = models.DateTimeField()
    is_prioritized = models.BooleanField(default=False)
    concurrency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    # What the form of a double click carries twice: the second finds the row of the first.
    token = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001

    node = models.ForeignKey(ServerNode, null=True, on_delete=models.SET_NULL, related_name="tasks")
    node_name = models.CharField(max_length=200, default="", blank=True)
    incarnation = models.UUIDField(null=True, editable=False)
    # Counts the claims: a worker that was taken for dead must not complete a later one's run.
    attempt = models.PositiveIntegerField(default=0, editable=False)
    start_time = models.DateTimeField(null=True)
    completed_time = models.DateTimeField(null=True)
    cancel_requested_by = models.CharField(max_length=150, default="", blank=True)

    objects = ServerTaskQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        # To add is to queue; nobody changes or deletes a row by hand.
        default_permissions = ["add", "view"]
        permissions = [
            ("cancel_servertask", "Can cancel task"),
            ("prioritize_servertask", "Can move task to top"),
            ("run_script", "Can run scripts"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "occurrence"],
                condition=models.Q(occurrence__isnull=False),
                name="servertask_one_per_occurrence",
            ),
            models.UniqueConstraint(
                fields=["person", "token"],
                condition=models.Q(token__isnull=False),
                name="servertask_one_per_token",
            ),
            models.UniqueConstraint(
                fields=["concurrency_key"],
                condition=models.Q(
                    concurrency_key__isnull=False, state__in=["Executing", "Cancelling"]
                ),
                name="servertask_one_running_per_key",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in State]),
                name="servertask_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[state.value for state in COMPLETED], completed_time__isnull=False
                )
                | models.Q(
                    state__in=["Queued", "Executing", "Cancelling"], completed_time__isnull=True
                ),
                name="servertask_completed_has_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["Executing", "Cancelling"])
                | models.Q(start_time__isnull=False, incarnation__isnull=False),
                name="servertask_running_has_node",
            ),
        ]
        indexes = [
            # The claim: prioritized first, then by queue time; queued rows only, so it stays small.
            models.Index(
                "is_system",
                models.F("is_prioritized").desc(),
                "queue_time",
                "id",
                condition=models.Q(state="Queued"),
                name="servertask_ready",
            ),
            models.Index(
                fields=["queue_time_expiry"],
                condition=models.Q(state="Queued"),
                name="servertask_expiring",
            ),
            models.Index(
                fields=["node", "incarnation"],
                condition=models.Q(state__in=["Executing", "Cancelling"]),
                name="servertask_running",
            ),
            # What is not completed, which stays few, by any question asked of it.
            models.Index(
                fields=["state", "node"],
                condition=models.Q(completed_time__isnull=True),
                name="servertask_open",
            ),
            models.Index(
                fields=["concurrency_key"],
                condition=models.Q(completed_time__isnull=True, concurrency_key__isnull=False),
                name="servertask_open_key",
            ),
            # The filters of the Tasks page, each newest first.
            models.Index(fields=["state", "-id"], name="servertask_by_state"),
            models.Index(fields=["kind", "-id"], name="servertask_by_kind"),
            models.Index(fields=["node", "-id"], name="servertask_by_node"),
            models.Index(fields=["person", "-id"], name="servertask_by_person"),
            models.Index(fields=["is_system", "-id"], name="servertask_by_system"),
            models.Index(
                fields=["completed_time"],
                condition=models.Q(completed_time__isnull=False),
                name="servertask_completed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.description}"

    def get_absolute_url(self) -> str:
        return reverse("tasks:detail", args=[self.pk])

    @property
    def name(self) -> str:
        """The id that people see and type, such as ServerTasks-42."""
        return f"ServerTasks-{self.pk}"

    @property
    def is_completed(self) -> bool:
        return self.state in COMPLETED

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING

    def argument(self, name: str, default: Any = None) -> Any:
        return self.arguments.get(name, default)


class Hold(models.Model):
    """A task that expired while no scheduler ran: kept from timing out until somebody decides."""

    task = models.OneToOneField(
        ServerTask, primary_key=True, on_delete=models.CASCADE, related_name="hold"
    )
    decide_by = models.DateTimeField()

    objects = HoldQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.task.name


class SchedulerMark(models.Model):
    """When a scheduler last ran, on any node: the one row from which the next one sees a gap."""

    SINGLETON = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=SINGLETON, editable=False)
    last_alive = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.last_alive:%Y-%m-%d %H:%M:%S}"


class LogChunk(models.Model):
    """Some consecutive lines of a task's log: a row a chunk, as a row a line is 100 times slower.

    ``text`` holds the lines, separated by newlines, each as ``milliseconds category words``: the
    time since ``started``, one letter of ``tasks.log.CATEGORIES``, and what was written.
    """

    task = models.ForeignKey(ServerTask, on_delete=models.CASCADE, related_name="log_chunks")
    first_line = models.PositiveIntegerField()
    line_count = models.PositiveIntegerField()
    started = models.DateTimeField()
    text = models.TextField()

    objects = LogChunkQuerySet.as_manager()

    class Meta:
        ordering = ["task", "first_line"]
        default_permissions = ["view"]
        constraints = [
            models.UniqueConstraint(fields=["task", "first_line"], name="logchunk_position"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id}:{self.first_line}+{self.line_count}"
