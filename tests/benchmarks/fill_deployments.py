"""Fill the tables of deployments by the engine itself, beside tasks that are there already.

Of two tasks one is a deployment's, of twenty one is a run of a runbook. Twenty projects are busy in
three environments, each by triggers, and the first of them with four fifths of everything, so that
its pages are full with few tasks as with many; one was deployed once, long ago, and one never.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

from octoserver.deployments.models import (
    Environment,
    Project,
    Runbook,
    RunbookRun,
    Step,
    Trigger,
)

BUSY = 20
# After as many each of the projects has had its share.
TURN = 5 * BUSY
SNAPSHOT = {
    "format": 1,
    "steps": [
        {"name": "Build", "shell": "sh", "script": "true", "time_limit": 60,
         "condition": "success", "retries": 0, "environments": []},
    ],
    "variables": [],
}  # fmt: skip

_RELEASES = """
INSERT INTO deployments_release (project_id, version, notes, snapshot, created, person_name)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %(count)s - 1)
SELECT %(project)s + {which}, '1.0.' || i, '', {snapshot}, {time}, 'someone' FROM n"""

_DEPLOYMENTS = """
INSERT INTO deployments_deployment (release_id, project_id, environment_id, task_id, created,
  person_name, progress, final_state, final_message)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %(count)s - 1)
SELECT CASE WHEN i = 0 THEN %(asleep_release)s ELSE %(release)s + i %% %(releases)s END,
  CASE WHEN i = 0 THEN %(asleep)s ELSE %(project)s + {which} END,
  %(place)s + (i / {turn}) %% 3, %(task)s + i * 2, {time}, 'someone', {progress}, '', '' FROM n"""

_RUNS = """
INSERT INTO deployments_runbookrun (runbook_id, environment_id, task_id, trigger_id, snapshot,
  created, person_name, progress, final_state, final_message)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %(count)s - 1)
SELECT %(runbook)s + {which}, %(place)s + i %% 3, %(task)s + i * 20 + 1,
  %(trigger)s + {which} * 3, {snapshot}, {time}, '', {progress}, '', '' FROM n"""

_LAST = """
UPDATE deployments_trigger SET last_task_id = (
  SELECT max(task_id) FROM deployments_runbookrun WHERE trigger_id = deployments_trigger.id)"""

_CHANGES = """
INSERT INTO deployments_change (time, person_name, project_id, project_name, what)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %(count)s - 1)
SELECT {time}, 'someone', CASE WHEN i %% 4 = 3 THEN NULL ELSE %(project)s + {which} END,
  'Busy', 'Step Build' FROM n"""

_TIME = {
    "postgresql": "%(begun)s::timestamptz + i * interval '150 seconds'",
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', %(begun)s, '+' || (i * 150) || ' seconds')",
}


@dataclass(frozen=True, kw_only=True)
class Filled:
    """One busy project, and a release and a deployment from the middle of its."""

    project: Project
    place: Environment
    version: str
    deployment: int
    runbook: int
    run: int


def fill(tasks: int, *, first_task: int) -> Filled:
    """Add deployments for so many tasks, whose numbers begin at one and have no gap."""
    places = [Environment.objects.create(name=f"Place {n}", position=n) for n in range(3)]
    names = [f"Busy {number:02}" for number in range(BUSY)]
    projects = [Project.objects.create(name=name, slug=f"busy-{name[-2:]}") for name in names]
    asleep = Project.objects.create(name="Asleep", slug="asleep")
    Project.objects.create(name="Never deployed", slug="never-deployed")
    for project in (*projects, asleep):
        Step.objects.create(project=project, name="Build", position=0, script="true")
    chores = [project.runbooks.create(name="Clean up") for project in projects]
    beats = [_beats(chore, places) for chore in chores]
    old = asleep.releases.create(
        version="0.1.0", snapshot=SNAPSHOT, created=datetime(2016, 1, 1, tzinfo=UTC)
    )
    releases, deployments = -(-tasks // 4 // TURN) * TURN, tasks // 2
    is_postgresql = connection.vendor == "postgresql"
    words = {
        "which": f"(CASE WHEN i %% 5 < 4 THEN 0 ELSE i / 5 %% {BUSY} END)",
        "turn": TURN,
        "time": _TIME[connection.vendor],
        "snapshot": "%(snapshot)s::jsonb" if is_postgresql else "%(snapshot)s",
        "progress": "'[]'::jsonb" if is_postgresql else "'[]'",
    }
    values = {
        "begun": datetime(2016, 1, 1, tzinfo=UTC) if is_postgresql else "2016-01-01 00:00:00",
        "project": projects[0].pk,
        "asleep": asleep.pk,
        "asleep_release": old.pk,
        "release": old.pk + 1,
        "releases": releases,
        "place": places[0].pk,
        "task": first_task,
        "runbook": chores[0].pk,
        "trigger": beats[0].pk,
        "snapshot": json.dumps(SNAPSHOT),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RELEASES.format(**words), values | {"count": releases})
        cursor.execute(_DEPLOYMENTS.format(**words), values | {"count": deployments})
        cursor.execute(_RUNS.format(**words), values | {"count": tasks // 20})
        cursor.execute(_LAST)
        cursor.execute(_CHANGES.format(**words), values | {"count": tasks // 2})
        if is_postgresql:
            cursor.execute("ANALYZE")
    middle = releases // 2 // TURN * TURN
    rows = projects[0].releases.filter(version=f"1.0.{middle}").get().deployments
    newest = rows.order_by("-pk").first()
    run = RunbookRun.objects.filter(runbook=chores[0]).order_by("-pk").first()
    assert newest is not None
    assert run is not None
    return Filled(
        project=projects[0],
        place=newest.environment,
        version=f"1.0.{middle}",
        deployment=newest.pk,
        runbook=chores[0].pk,
        run=run.pk,
    )


def _beats(chore: Runbook, places: Sequence[Environment]) -> Trigger:
    """Let triggers of a project run its runbook in every place; return the first."""
    due = datetime(2096, 1, 1, tzinfo=UTC)
    words = {"project": chore.project, "cron": "0 0 1 1 *", "time_zone": "UTC", "next_due": due}
    made = [
        chore.triggers.create(name=f"In {place}", environment=place, **words) for place in places
    ]
    return made[0]
