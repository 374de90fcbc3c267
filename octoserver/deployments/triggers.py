"""Create, change and delete triggers, and fire those that are due: the one module that does."""

import logging
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.core.exceptions import PermissionDenied
from django.db import transaction

from octoserver.deployments import changes, deployments, history, projects
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Environment, Release, Runbook, Trigger
from tasks import clock, queue
from tasks.models import ServerTask

SHOWN = 5
# As many in a scheduler's turn, so that it never takes long.
AT_ONCE = 20

logger = logging.getLogger(__name__)


def save(
    trigger: Trigger,
    *,
    person: Any,
    name: str,
    cron: str,
    time_zone: str,
    environment: Environment,
    runbook: Runbook | None = None,
    is_enabled: bool = True,
) -> Trigger:
    """Store a new trigger of ``trigger.project``, or change one. Raises ``Refused``."""
    now = clock.now()
    with changes.by(person):
        if not deployments.may_deploy_to(person, environment):
            raise PermissionDenied(f"You may not deploy to {environment.name}.")
        due = next_times(cron, time_zone, after=now, count=1)[0]
        before = history.of_trigger(Trigger.objects.get(pk=trigger.pk)) if trigger.pk else None
        projects.be_free(Trigger, "name", name, but=trigger, project=trigger.project)
        trigger.name, trigger.cron, trigger.time_zone = name, cron, time_zone
        trigger.environment, trigger.runbook = environment, runbook
        trigger.is_enabled, trigger.next_due = is_enabled, due
        projects.store(trigger)
        history.record(
            person,
            f"Trigger {name}",
            project=trigger.project,
            before=before,
            after=history.of_trigger(trigger),
        )
    return trigger


def delete(trigger: Trigger, *, person: Any) -> None:
    with changes.by(person):
        before = history.of_trigger(trigger)
        history.record(person, f"Trigger {trigger.name}", project=trigger.project, before=before)
        trigger.delete()


def next_times(cron: str, time_zone: str, *, after: datetime, count: int = SHOWN) -> list[datetime]:
    """Return the next times of an expression. Raises ``Refused`` if it has none."""
    try:
        zone = ZoneInfo(time_zone)
    except (ValueError, OSError, KeyError):
        raise Refused(
            f"{time_zone!r} is no time zone known here: write one such as Europe/Berlin.",
            field="time_zone",
        ) from None
    try:
        times = CronSim(cron, after.astimezone(zone))
        return [next(times).astimezone(UTC) for _ in range(count)]
    except CronSimError as error:
        raise Refused(f"This is no cron expression: {error}.", field="cron") from None
    except StopIteration:
        raise Refused("This time never comes.", field="cron") from None


def fire_due(*, now: datetime | None = None) -> list[Trigger]:
    """Fire every trigger whose time has come, each once, however many times it has missed.

    Any number of schedulers may do this at once; one that fails does not keep back the others.
    """
    at = now or clock.now()
    due = Trigger.objects.due(at).select_related("project", "environment", "runbook__project")
    return [trigger for trigger in due[:AT_ONCE] if _fire(trigger, at)]


def _fire(trigger: Trigger, now: datetime) -> bool:
    """Fire one trigger; False if another scheduler was first."""
    following: datetime | None
    try:
        following = next_times(trigger.cron, trigger.time_zone, after=now, count=1)[0]
    except Refused:
        following = None
    with transaction.atomic():
        taken = Trigger.objects.filter(
            pk=trigger.pk, next_due=trigger.next_due, is_enabled=True
        ).update(next_due=following, last_due=trigger.next_due)
        if not taken:
            return False
        task, outcome = _attempt(trigger)
        change: dict[str, Any] = {"last_outcome": outcome[:300]}
        if task is not None:
            change["last_task"] = task
        Trigger.objects.filter(pk=trigger.pk).update(**change)
    logger.info("Trigger %s of %s: %s", trigger.name, trigger.project.name, outcome)
    return True


def _attempt(trigger: Trigger) -> tuple[ServerTask | None, str]:
    """Queue the work of a trigger; return its task, if there is one, and what happened."""
    last = trigger.last_task
    if last is not None and not last.is_completed:
        return None, f"Skipped, because {last.name} is not completed yet."
    try:
        with transaction.atomic():
            task = _queue(trigger)
    except (Refused, queue.ArgumentsRefused) as refusal:
        return None, f"Not queued: {refusal}"
    except Exception as error:  # one broken trigger must not keep the others from firing
        logger.exception("Trigger %s failed.", trigger.name)
        return None, f"Not queued: {type(error).__name__}."
    return task, f"Queued {task.name}."


def _queue(trigger: Trigger) -> ServerTask:
    if trigger.runbook is not None:
        run = deployments.run_runbook(
            trigger.runbook, trigger.environment, person=None, trigger=trigger
        )
        return _task_of(run)
    release = (
        Release.objects.filter(project=trigger.project)
        .select_related("project")
        .order_by("-pk")
        .first()
    )
    if release is None:
        raise Refused("There is no release yet.")
    return _task_of(deployments.deploy(release, trigger.environment, person=None, trigger=trigger))


def _task_of(run: Any) -> ServerTask:
    task: ServerTask = run.task
    return task
