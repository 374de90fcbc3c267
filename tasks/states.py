"""Where tasks and nodes stand: the words of each, and what they have in common."""

from django.db import models
from django.utils.translation import pgettext_lazy


class State(models.TextChoices):
    """Where a task stands, spelled as Octopus Deploy spells it."""

    QUEUED = "Queued", pgettext_lazy("state", "Queued")
    EXECUTING = "Executing", pgettext_lazy("state", "Executing")
    CANCELLING = "Cancelling", pgettext_lazy("state", "Cancelling")
    SUCCESS = "Success", pgettext_lazy("state", "Success")
    FAILED = "Failed", pgettext_lazy("state", "Failed")
    CANCELED = "Canceled", pgettext_lazy("state", "Canceled")
    TIMED_OUT = "TimedOut", pgettext_lazy("state", "Timed Out")


COMPLETED = (State.SUCCESS, State.FAILED, State.CANCELED, State.TIMED_OUT)
RUNNING = (State.EXECUTING, State.CANCELLING)


class NodeState(models.TextChoices):
    """What a node is about; ``Draining`` is drained with something still running."""

    RUNNING = "Running", pgettext_lazy("state", "Running")
    DRAINING = "Draining", pgettext_lazy("state", "Draining")
    DRAINED = "Drained", pgettext_lazy("state", "Drained")
    OFFLINE = "Offline", pgettext_lazy("state", "Offline")
