"""Create, change and delete triggers, and fire those that are due: the one module that does."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from octoserver.deployments import changes, deployments, history, names, projects, promotion
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Environment, Project, Release, Runbook, Trigger
from tasks import clock, queue
from tasks.models import ServerTask
from tasks.sentences import kept

SHOWN = 5
# Minute, hour, day, month, weekday.
FIELDS = 5
# A scheduler that runs looks once a second.
LATE = timedelta(minutes=1)
# A clock that is set back by less repeats nothing, as with Debian's cron: no job runs twice. After
# more than that the times are those of another day.
REPEATS_AFTER = timedelta(hours=3)
# As many in a scheduler's turn, so that it never takes long.
AT_ONCE = 20

# What came of a trigger's last time.
QUEUED = kept(gettext_noop("Queued %(task)s."))
SKIPPED = kept(gettext_noop("Skipped, because %(task)s is not completed yet."))
NOT_QUEUED = kept(gettext_noop("Not queued: %(why)s"))
NO_RELEASE = kept(gettext_noop("There is no release yet."))
SET_BACK = kept(gettext_noop("The clock was set back: it goes by it again."))
LATE_ONCE = kept(
    gettext_noop("%(why)s Late, and once for all it missed: no scheduler ran at its time.")
)

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
        Project.objects.select_for_update().get(pk=trigger.project_id)
        _admit(person, trigger, environment)
        unused = promotion.why_unused(trigger.project, environment)
        if unused:
            raise Refused(unused, field="environment")
        names.check("name", name)
        due = next_times(cron, time_zone, after=now, count=1)[0]
        before = history.of_trigger(Trigger.objects.get(pk=trigger.pk)) if trigger.pk else None
        projects.be_free(Trigger, "name", name, but=trigger, project=trigger.project)
        trigger.name, trigger.cron, trigger.time_zone = name, cron, time_zone
        trigger.environment, trigger.runbook = environment, runbook
        trigger.is_enabled, trigger.next_due = is_enabled, due
        projects.store(trigger)
        history.record(
            person,
            history.TRIGGER % {"name": name},
            project=trigger.project,
            before=before,
            after=history.of_trigger(trigger),
        )
    return trigger


def _admit(person: Any, trigger: Trigger, *environments: Environment) -> None:
    """Raise ``PermissionDenied`` where a person may not deploy; also where it deploys by now."""
    now = [Trigger.objects.get(pk=trigger.pk).environment] if trigger.pk else []
    for environment in (*now, *environments):
        if not deployments.may_deploy_to(person, environment):
            raise PermissionDenied(
                _("You may not deploy to %(environment)s.") % {"environment": environment.name}
            )


def delete(trigger: Trigger, *, person: Any) -> None:
    """Delete a trigger. Raises ``PermissionDenied`` for who may not deploy where it does."""
    with changes.by(person):
        Project.objects.select_for_update().get(pk=trigger.project_id)
        trigger = Trigger.objects.select_related("project").get(pk=trigger.pk)
        _admit(person, trigger)
        before = history.of_trigger(trigger)
        history.record(
            person, history.TRIGGER % {"name": trigger.name}, project=trigger.project, before=before
        )
        trigger.delete()


def next_times(cron: str, time_zone: str, *, after: datetime, count: int = SHOWN) -> list[datetime]:
    """Return the next times of an expression, all later than ``after``. Raises ``Refused``."""
    found = list(islice(times(cron, time_zone, after=after), count))
    if len(found) < count:
        raise Refused(_("This time never comes."), field="cron")
    return found


def times(cron: str, time_zone: str, *, after: datetime) -> Iterator[datetime]:
    """Yield the times of an expression that are later than ``after``. Raises ``Refused``."""
    try:
        zone = ZoneInfo(time_zone)
    except (ValueError, OSError, KeyError):
        raise Refused(
            _("%(time_zone)r is no time zone known here: write one such as Europe/Berlin.")
            % {"time_zone": time_zone},
            field="time_zone",
        ) from None
    try:
        if len(cron.split()) != FIELDS:
            # A sixth would be seconds, or years as other programs have it.
            raise CronSimError("Wrong number of fields")
        found = (time.astimezone(UTC) for time in CronSim(cron, after.astimezone(zone)))
    except CronSimError as error:
        words = str(error).rstrip(".").lower()
        raise Refused(
            _(
                "This is no cron expression (%(words)s): write minute, hour, day, month and"
                " weekday, such as 30 2 * * 1-5."
            )
            % {"words": words},
            field="cron",
        ) from None
    # Asked in the hour that a clock goes through twice, it begins with the first time through.
    yield from (time for time in found if time > after)


def fire_due(*, now: datetime | None = None) -> list[Trigger]:
    """Fire every trigger whose time has come, each once, however many times it has missed.

    Any number of schedulers may do this at once; one that fails does not keep back the others.
    """
    at = now or clock.now()
    due = Trigger.objects.due(at).select_related("project", "environment", "runbook__project")
    return [trigger for trigger in due[:AT_ONCE] if _fire_alone(trigger, at)]


def follow_clock(*, now: datetime | None = None) -> list[Trigger]:
    """Have triggers come due by the clock again, after one that was far ahead is right again."""
    at = now or clock.now()
    far = Trigger.objects.to_come(None).filter(next_due__gt=at + REPEATS_AFTER)
    return [trigger for trigger in far if _follow(trigger, at)]


def _follow(trigger: Trigger, now: datetime) -> bool:
    """Return whether a trigger would have waited for longer than it should, and does no more."""
    try:
        due = next_times(trigger.cron, trigger.time_zone, after=now, count=1)[0]
    except Refused:
        return False
    if trigger.next_due is None or trigger.next_due - due <= REPEATS_AFTER:
        return False
    same = Trigger.objects.filter(pk=trigger.pk, next_due=trigger.next_due, is_enabled=True)
    logger.warning("Trigger %s: %s", trigger.pk, SET_BACK)
    return bool(same.update(next_due=due, last_outcome=SET_BACK))


def _fire_alone(trigger: Trigger, now: datetime) -> bool:
    """Fire one trigger, and let none but it suffer if that goes wrong; its time stays due."""
    try:
        return _fire(trigger, now)
    except Exception:
        logger.exception("Trigger %s of project %s failed.", trigger.name, trigger.project_id)
        return False


def _fire(trigger: Trigger, now: datetime) -> bool:
    """Fire one trigger; False if another scheduler was first."""
    following: datetime | None
    try:
        following = next_times(trigger.cron, trigger.time_zone, after=now, count=1)[0]
    except Refused:
        following = None
    with transaction.atomic():
        # Before the trigger's own row, as whoever deletes the project has it; who has it now is
        # not waited for, since that would keep back the triggers of other projects.
        rows = Project.objects.select_for_update(skip_locked=True)
        if not rows.filter(pk=trigger.project_id).exists():
            return False
        taken = Trigger.objects.filter(
            pk=trigger.pk, next_due=trigger.next_due, is_enabled=True
        ).update(next_due=following, last_due=trigger.next_due)
        if not taken:
            return False
        task, outcome = _attempt(trigger)
        if trigger.next_due and now - trigger.next_due >= LATE:
            outcome = LATE_ONCE % {"why": outcome}
        change: dict[str, Any] = {"last_outcome": outcome[:300]}
        if task is not None:
            change["last_task"] = task
        Trigger.objects.filter(pk=trigger.pk).update(**change)
    logger.info("Trigger %s of %s: %s", trigger.name, trigger.project.name, outcome)
    return True


def _attempt(trigger: Trigger) -> tuple[ServerTask | None, str]:
    """Queue the work of a trigger; return its task, if there is one, and what happened."""
    # Retention may have removed it since the trigger was read.
    last = ServerTask.objects.filter(pk=trigger.last_task_id or 0).first()
    if last is not None and not last.is_completed:
        return None, SKIPPED % {"task": last.name}
    try:
        with transaction.atomic():
            task = _queue(trigger)
    except (Refused, queue.ArgumentsRefused) as refusal:
        return None, NOT_QUEUED % {"why": refusal}
    except Exception as error:  # one broken trigger must not keep the others from firing
        logger.exception("Trigger %s failed.", trigger.name)
        return None, NOT_QUEUED % {"why": f"{type(error).__name__}."}
    return task, QUEUED % {"task": task.name}


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
        raise Refused(_(NO_RELEASE))
    return _task_of(deployments.deploy(release, trigger.environment, person=None, trigger=trigger))


def _task_of(run: Any) -> ServerTask:
    task: ServerTask = run.task
    return task
