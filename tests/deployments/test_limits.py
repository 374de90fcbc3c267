"""Who may deploy to an environment is not got around, by whatever way leads there."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import ProtectedError
from django.utils import timezone

from octoserver import authority
from octoserver.deployments import deployments, projects, triggers
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import (
    Deployment,
    Environment,
    Project,
    Release,
    RunbookRun,
    Trigger,
)
from tasks import queue
from tasks.models import ServerTask
from tests.conftest import ClientFor
from tests.deployments import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db: None) -> Group:
    return Group.objects.create(name="Release team")


@pytest.fixture
def production(places: list[Environment], team: Group) -> Environment:
    return projects.save_environment(places[2], person=None, name="Production", groups=[team])


@pytest.fixture
def release(shop: Project) -> Release:
    projects.save(shop, person=None, name="Shop", slug="shop", promotes_in_order=False)
    rows.step(shop)
    return rows.release(shop)


@pytest.fixture
def done(release: Release, production: Environment) -> Deployment:
    """A deployment in Production that somebody else has made."""
    older = rows.release(release.project, "0.9.0")
    rows.complete(deployments.deploy(older, production, person=None).task)
    deployment = deployments.deploy(release, production, person=None)
    rows.complete(deployment.task)
    return deployment


def test_no_page_lets_a_deployer_into_an_environment_of_others(
    done: Deployment, production: Environment, client_for: ClientFor, deployer: User
) -> None:
    shop = done.release.project
    runbook = rows.runbook(shop)
    rows.step(shop, "Sweep", runbook=runbook)
    later = timezone.localtime() + timedelta(hours=1)
    base, own = f"/projects/{shop.slug}", f"/projects/deployments/Deployments-{done.pk}"
    client, there = client_for(deployer), {"environment": production.pk}
    scheduled = there | {"queue_time": later.strftime("%Y-%m-%dT%H:%M")}
    before = ServerTask.objects.count(), Deployment.objects.count(), RunbookRun.objects.count()
    assert client.post(f"{base}/releases/1.0.0/deploy/", there).status_code == 200
    assert client.post(f"{base}/releases/1.0.0/deploy/", scheduled).status_code == 200
    assert client.post(f"{base}/runbooks/{runbook.pk}/run/", there).status_code == 200
    assert client.post(f"{own}/redeploy/").status_code == 403
    assert client.post(f"{own}/roll-back/").status_code == 403
    assert client.post(f"/tasks/ServerTasks-{done.task_id}/rerun/").status_code == 403
    assert client.post("/tasks/new/", {"kind": "Deploy", "deployment": done.pk}).status_code == 200
    after = ServerTask.objects.count(), Deployment.objects.count(), RunbookRun.objects.count()
    assert after == before


def test_a_deployment_whose_task_is_removed_is_not_queued_again(
    done: Deployment, client_for: ClientFor, deployer: User
) -> None:
    ServerTask.objects.all().delete()
    client = client_for(deployer)
    client.post("/tasks/new/", {"kind": "Deploy", "deployment": done.pk})
    with pytest.raises(queue.ArgumentsRefused):
        queue.enqueue("Deploy", {"deployment": done.pk}, person=deployer)
    assert not ServerTask.objects.exists()


def test_the_page_of_a_deployment_offers_nothing_that_would_be_refused(
    done: Deployment, client_for: ClientFor, deployer: User, team: Group
) -> None:
    client = client_for(deployer)
    page = client.get(done.get_absolute_url()).content.decode()
    assert "Redeploy" not in page
    assert "Roll back" not in page
    deployer.groups.add(team)
    page = client.get(done.get_absolute_url()).content.decode()
    assert "Redeploy" in page
    assert "Roll back to 0.9.0" in page


def test_whoever_may_not_deploy_there_does_not_say_who_may(
    production: Environment, system_manager: User, team: Group
) -> None:
    with pytest.raises(Refused, match="Only who may deploy to Production") as refusal:
        projects.save_environment(production, person=system_manager, name="Production", groups=[])
    assert refusal.value.field == "groups"
    with pytest.raises(Refused):
        projects.delete_environment(production, person=system_manager)
    projects.save_environment(production, person=system_manager, name="Live", groups=[team])
    assert list(production.groups.all()) == [team]


def test_a_group_that_limits_an_environment_is_not_deleted_since_that_would_open_it(
    production: Environment, team: Group, client_for: ClientFor, superuser: User
) -> None:
    with pytest.raises(ProtectedError):
        team.delete()
    page = client_for(superuser).post(f"/admin/auth/group/{team.pk}/delete/", {"post": "yes"})
    assert page.status_code == 200
    assert "Production" in page.content.decode()
    assert Group.objects.filter(pk=team.pk).exists()


def test_nobody_puts_themselves_or_others_into_a_group_that_may_deploy_where_they_may_not(
    production: Environment, team: Group, system_manager: User, administrator: User, deployer: User
) -> None:
    assert team not in authority.grantable_groups(system_manager)
    assert team in authority.grantable_groups(administrator)
    assert authority.may_change_user(system_manager, deployer)
    deployer.groups.add(team)
    assert not authority.may_change_user(system_manager, deployer)
    assert not authority.may_change_group(system_manager, team)
    system_manager.groups.add(team)
    assert team in authority.grantable_groups(system_manager)
    assert authority.may_change_user(system_manager, deployer)


@pytest.mark.parametrize("act", ["make", "turn elsewhere", "delete"])
def test_a_trigger_of_an_environment_is_left_to_those_who_may_deploy_there(
    act: str,
    shop: Project,
    places: list[Environment],
    production: Environment,
    system_manager: User,
) -> None:
    values: dict[str, Any] = {"name": "Nightly", "cron": "0 2 * * *", "time_zone": "UTC"}
    nightly = rows.trigger(shop, production) if act != "make" else Trigger(project=shop)
    place = production if act == "make" else places[0]
    change: Callable[[], Any] = partial(
        triggers.save, nightly, person=system_manager, environment=place, **values
    )
    if act == "delete":
        change = partial(triggers.delete, nightly, person=system_manager)
    with pytest.raises(PermissionDenied):
        change()
    assert Trigger.objects.filter(environment=production).exists() is (act != "make")
