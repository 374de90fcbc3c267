"""The settings of the queue, each with the value that holds where nothing is set."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings

# From Octopus Deploy's documentation: how long an unscheduled task waits, how long past its time a
# scheduled one may start, and how far ahead it may lie.
UNSCHEDULED_EXPIRY = timedelta(days=1)
SCHEDULED_EXPIRY = timedelta(minutes=30)
FURTHEST_AHEAD = timedelta(days=30)


def node_name() -> str:
    return str(settings.NODE_NAME)


def task_cap() -> int:
    """The cap that a node begins with; afterwards its row says it."""
    return int(getattr(settings, "TASK_CAP", 5))


def var_dir() -> Path:
    return Path(settings.VAR_DIR)


def node_silence() -> float:
    """Seconds without a heartbeat after which a node's tasks count as abandoned."""
    return float(getattr(settings, "TASK_NODE_SILENCE", 30))


def outage() -> float:
    """Seconds without any scheduler after which what expired meanwhile is somebody's to decide."""
    return float(getattr(settings, "TASK_OUTAGE", 60))


def decision_time() -> float:
    """Seconds for which such a task waits for a decision, before it times out after all."""
    return float(getattr(settings, "TASK_DECISION_TIME", 3600))


def script_silence() -> float:
    """Seconds for which a worker may be stopped before its scripts are ended.

    They have to be gone before the node counts as lost: a beat may be 3 seconds old by then, and a
    script has 2 between SIGTERM and SIGKILL.
    """
    return node_silence() / 3


def stop_timeout() -> float:
    """Seconds for which a worker that stops lets the tasks of people run on."""
    return float(getattr(settings, "TASK_STOP_TIMEOUT", 3600))


def log_limit() -> int:
    """Bytes that the log of one task may hold; the rest is dropped, and the log says so."""
    return int(getattr(settings, "TASK_LOG_LIMIT", 10 * 1024 * 1024))


def retention_days() -> int:
    """Days for which a completed task is kept."""
    return int(getattr(settings, "TASK_RETENTION_DAYS", 90))


def retention_count() -> int:
    """Completed tasks that are kept at most."""
    return int(getattr(settings, "TASK_RETENTION_COUNT", 1_000_000))


def system_interval(kind: str, default: timedelta | None) -> timedelta | None:
    """The interval of a system kind: what ``TASK_SYSTEM_INTERVALS`` says, else its own."""
    seconds = getattr(settings, "TASK_SYSTEM_INTERVALS", {}).get(kind)
    return timedelta(seconds=seconds) if seconds else default
