"""Releases, and who may deploy what to where."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied

from maintenance import gate, mode
from octoserver.deployments import (
    deployments,
    processes,
    projects,
    promotion,
    releases,
    triggers,
    variables,
)
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Deployment, Environment, Project, Release, RunbookRun
from tasks import queue
from tasks.models import ServerTask
from tests.deployments import rows

pytestmark = pytest.mark.django_db


def deploy(release: Release, place: Environment, *, state: str = "Success") -> Deployment:
    deployment = deployments.deploy(release, place, person=None)
    rows.complete(deployment.task, state)
    return deployment


def test_a_release_is_a_snapshot_that_later_edits_do_not_change(
    shop: Project, places: list[Environment]
) -> None:
    step = rows.step(shop, script="echo one")
    value = rows.variable(shop, "X", "1")
    release = rows.release(shop)
    processes.save(
        step, person=None, name="Build", shell="sh", script="echo two", time_limit=5,
        condition="success", retries=0,
    )  # fmt: skip
    variables.save(value, person=None, name="X", value="2", is_sensitive=False)
    release.refresh_from_db()
    assert release.snapshot["steps"][0]["script"] == "echo one"
    assert release.snapshot["variables"][0]["value"] == "1"

    releases.update_variables(release, person=None)
    release.refresh_from_db()
    assert release.snapshot["steps"][0]["script"] == "echo one"
    assert release.snapshot["variables"][0]["value"] == "2"


@pytest.mark.parametrize(
    ("version", "words"), [("1.0.0", "already a release"), ("one", "Semantic Versioning")]
)
def test_a_version_that_is_taken_or_none_is_refused(
    shop: Project, version: str, words: str
) -> None:
    rows.step(shop)
    rows.release(shop)
    with pytest.raises(Refused, match=words) as refusal:
        rows.release(shop, version)
    assert refusal.value.field == "version"


def test_a_project_without_a_step_cannot_be_released(shop: Project) -> None:
    with pytest.raises(Refused, match="no step yet"):
        rows.release(shop)


def test_the_suggested_version_follows_the_highest(shop: Project) -> None:
    rows.step(shop)
    assert releases.suggested(shop) == "0.0.1"
    for version in ("1.10.0", "1.9.0"):
        rows.release(shop, version)
    assert releases.suggested(shop) == "1.10.1"


PROMOTION = [
    # what became of it in Development; whether the project promotes in order; may go to Staging
    (None, True, False),
    ("Failed", True, False),
    ("Canceled", True, False),
    ("Success", True, True),
    (None, False, True),
    ("Failed", False, True),
]


@pytest.mark.parametrize(("before", "in_order", "may"), PROMOTION)
def test_promotion_needs_success_in_the_environment_before_if_the_project_says_so(
    before: str | None, in_order: bool, may: bool, places: list[Environment]
) -> None:
    shop = rows.project(promotes_in_order=in_order)
    rows.step(shop)
    release = rows.release(shop)
    if before:
        deploy(release, places[0], state=before)
    assert (promotion.why_not(release, places[1]) == "") is may
    if not may:
        with pytest.raises(Refused, match="must succeed in Development"):
            deploy(release, places[1])
        assert not Deployment.objects.filter(environment=places[1]).exists()


def test_another_release_s_success_does_not_promote_this_one(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop)
    deploy(rows.release(shop, "1.0.0"), places[0])
    assert promotion.why_not(rows.release(shop, "2.0.0"), places[1])


def test_roll_back_goes_to_the_last_other_release_that_succeeded_here(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop)
    first, second, third = (rows.release(shop, f"{number}.0.0") for number in (1, 2, 3))
    deploy(first, places[0])
    deploy(second, places[0], state="Failed")
    last = deploy(third, places[0], state="Failed")
    target = Deployment.objects.rollback_target(last)
    assert target is not None
    assert target.release == first


def test_how_it_ended_is_known_when_its_task_is_removed(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop)
    release = rows.release(shop)
    deployment = deploy(release, places[0])
    ServerTask.objects.all().delete()
    deployment.refresh_from_db()
    assert (deployment.task, deployment.state) == (None, "Success")
    assert promotion.why_not(release, places[1]) == ""


def test_a_project_in_an_environment_has_one_concurrency_key(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop)
    tasks = [
        deployments.deploy(rows.release(shop, version), place, person=None).task
        for version, place in (("1.0.0", places[0]), ("2.0.0", places[0]))
    ]
    keys = {task.concurrency_key for task in tasks if task}
    assert len(keys) == 1


def test_an_environment_limited_to_groups_admits_only_their_people(
    shop: Project, deployer: User, administrator: User
) -> None:
    rows.step(shop)
    group = Group.objects.create(name="Release team")
    place = rows.environment("Production", groups=[group])
    release = rows.release(shop)
    with pytest.raises(PermissionDenied):
        deployments.deploy(release, place, person=deployer)
    assert not Deployment.objects.exists()
    assert deployments.deploy(release, place, person=administrator).task
    deployer.groups.add(group)
    assert deployments.deploy(release, place, person=deployer).person_name == "dora"


def test_a_viewer_deploys_nothing(shop: Project, places: list[Environment], viewer: User) -> None:
    rows.step(shop)
    with pytest.raises(PermissionDenied):
        deployments.deploy(rows.release(shop), places[0], person=viewer)


@pytest.mark.django_db(transaction=True)
def test_in_maintenance_mode_nobody_but_administrators_deploys_and_triggers_go_on(
    deployer: User, administrator: User
) -> None:
    place, shop = rows.environment(), rows.project()
    rows.step(shop)
    release = rows.release(shop)
    trigger = rows.trigger(shop, place)
    mode.enable(person=administrator)
    with pytest.raises(gate.InMaintenanceMode):
        deployments.deploy(release, place, person=deployer)
    assert trigger.next_due is not None
    triggers.fire_due(now=trigger.next_due)
    assert Deployment.objects.get().trigger == trigger


def test_a_form_sent_twice_deploys_once(
    shop: Project, places: list[Environment], deployer: User
) -> None:
    rows.step(shop)
    release = rows.release(shop)
    twice = [deployments.deploy(release, places[0], person=deployer, token="t") for _ in range(2)]
    assert twice[0] == twice[1]
    assert Deployment.objects.count() == ServerTask.objects.count() == 1


def test_a_bad_time_leaves_nothing_half_made(shop: Project, places: list[Environment]) -> None:
    rows.step(shop)
    release = rows.release(shop)
    task = deployments.deploy(release, places[0], person=None).task
    assert task
    with pytest.raises(queue.BadSchedule):
        deployments.deploy(
            release, places[0], person=None, queue_time=task.created.replace(year=2001)
        )
    assert Deployment.objects.count() == 1


def test_a_task_is_not_queued_again_for_the_same_deployment(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop)
    task = deploy(rows.release(shop), places[0]).task
    assert task
    with pytest.raises(queue.ArgumentsRefused, match="queued already"):
        queue.enqueue("Deploy", task.arguments)


def test_a_project_with_deployments_running_or_waiting_is_not_deleted(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop)
    task = deployments.deploy(rows.release(shop), places[0], person=None).task
    with pytest.raises(Refused, match="is not completed"):
        projects.delete(shop, person=None)
    rows.complete(task)
    projects.delete(shop, person=None)
    assert not Project.objects.exists()
    assert ServerTask.objects.exists()


def test_an_environment_in_a_scope_is_not_deleted(shop: Project, places: list[Environment]) -> None:
    rows.variable(shop, "X", "only here", environments=[places[2]])
    with pytest.raises(Refused, match="X of Shop"):
        projects.delete_environment(places[2], person=None)


def test_a_missed_trigger_fires_once_and_not_while_its_last_run_goes_on(
    shop: Project, places: list[Environment]
) -> None:
    runbook = rows.runbook(shop)
    rows.step(shop, "Sweep", runbook=runbook)
    trigger = rows.trigger(shop, places[0], cron="*/5 * * * *", runbook=runbook)
    assert trigger.next_due is not None
    late = trigger.next_due.replace(year=trigger.next_due.year + 1)
    assert triggers.fire_due(now=late) == [trigger]
    assert triggers.fire_due(now=late) == []
    run = RunbookRun.objects.get()

    trigger.refresh_from_db()
    assert trigger.next_due is not None
    assert trigger.next_due > late
    triggers.fire_due(now=trigger.next_due)
    trigger.refresh_from_db()
    assert "Skipped" in trigger.last_outcome
    assert RunbookRun.objects.count() == 1

    rows.complete(run.task)
    triggers.fire_due(now=trigger.next_due)
    assert RunbookRun.objects.count() == 2


def test_a_trigger_that_fails_says_why_and_does_not_hold_up_the_next(
    shop: Project, places: list[Environment]
) -> None:
    rows.trigger(shop, places[0], name="Without a release")
    runbook = rows.runbook(shop)
    rows.step(shop, "Sweep", runbook=runbook)
    good = rows.trigger(shop, places[0], name="Good", runbook=runbook)
    assert good.next_due
    assert len(triggers.fire_due(now=good.next_due)) == 2
    outcomes = dict(shop.triggers.values_list("name", "last_outcome"))
    assert outcomes["Without a release"] == "Not queued: There is no release yet."
    assert RunbookRun.objects.count() == 1


@pytest.mark.parametrize(
    ("cron", "zone", "field"),
    [
        ("every day", "UTC", "cron"),
        ("0 0 31 2 *", "UTC", "cron"),
        ("0 0 * * *", "Mars", "time_zone"),
    ],
)
def test_a_time_that_is_none_is_refused_at_its_field(
    shop: Project, places: list[Environment], cron: str, zone: str, field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        rows.trigger(shop, places[0], cron=cron, time_zone=zone)
    assert refusal.value.field == field


def test_every_change_is_in_the_history_with_before_and_after(
    shop: Project, places: list[Environment], system_manager: User
) -> None:
    step = rows.step(shop, script="echo one")
    processes.save(
        step, person=system_manager, name="Build", shell="sh", script="echo two", time_limit=30,
        condition="success", retries=0,
    )  # fmt: skip
    change = shop.changes.first()
    assert change is not None
    assert (change.person_name, change.what) == ("manuel", "Step Build")
    assert change.differences == [("script", "echo one", "echo two")]
