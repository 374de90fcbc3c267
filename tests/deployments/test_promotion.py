"""Along which environments a release goes, and which it passes over."""

import pytest
from django.contrib.auth.models import Group, User

from octoserver.deployments import board, deployments, projects, promotion
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Environment, Project, Release
from tests.conftest import ClientFor
from tests.deployments import rows

pytestmark = pytest.mark.django_db


def deploy(release: Release, place: Environment, *, state: str = "Success") -> None:
    rows.complete(deployments.deploy(release, place, person=None).task, state)


def use(project: Project, *places: Environment) -> None:
    projects.save(
        project, person=None, name=project.name, slug=project.slug, environments=places
    )  # fmt: skip


def test_an_environment_that_the_settings_leave_out_is_passed_over(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop)
    use(shop, places[0], places[2])
    release = rows.release(shop)
    assert promotion.why_not(release, places[2]) == (
        "1.0.0 must succeed in Development before it goes to Production."
    )
    deploy(release, places[0])
    assert promotion.following(release, places[0]) == places[2]
    with pytest.raises(Refused, match="Shop does not use Staging"):
        deploy(release, places[1])
    deploy(release, places[2])


def test_an_environment_in_which_no_step_runs_is_passed_over(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop, "Build", environments=[places[0]])
    rows.step(shop, "Publish", environments=[places[2]])
    release = rows.release(shop)
    deploy(release, places[0])
    with pytest.raises(Refused, match="No step runs in Staging"):
        deploy(release, places[1])
    assert promotion.following(release, places[0]) == places[2]
    deploy(release, places[2])


def test_the_process_of_the_release_decides_and_not_that_of_now(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop, environments=[places[0], places[2]])
    release = rows.release(shop)
    rows.step(shop, "Added later")
    deploy(release, places[0])
    assert promotion.why_not(release, places[2]) == ""


def test_what_is_last_in_order_is_followed_by_nothing(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop)
    assert promotion.following(rows.release(shop), places[2]) is None


def test_the_dashboard_offers_the_next_place_that_the_project_uses(
    shop: Project, places: list[Environment], deployer: User
) -> None:
    rows.step(shop)
    use(shop, places[0], places[2])
    release = rows.release(shop)
    deploy(release, places[0])
    (row,) = board.rows([shop], deployer)
    assert [cell.is_used for cell in row.cells] == [True, False, True]
    assert [cell.offer for cell in row.cells] == [None, None, release]
    assert [cell.is_promotion for cell in row.cells] == [False, False, True]


def test_a_project_that_skips_the_first_environment_deploys_to_its_own_first(
    shop: Project, places: list[Environment], deployer: User
) -> None:
    rows.step(shop)
    use(shop, places[1], places[2])
    release = rows.release(shop)
    (row,) = board.rows([shop], deployer)
    assert [cell.offer for cell in row.cells] == [None, release, None]
    assert not row.cells[1].is_promotion
    deploy(release, places[1])


def test_a_runbook_runs_and_a_trigger_fires_only_where_the_project_goes(
    shop: Project, places: list[Environment]
) -> None:
    runbook = rows.runbook(shop)
    rows.step(shop, "Sweep", runbook=runbook)
    use(shop, places[0])
    with pytest.raises(Refused, match="does not use Staging"):
        deployments.run_runbook(runbook, places[1], person=None)
    with pytest.raises(Refused, match="does not use Staging"):
        rows.trigger(shop, places[1])


def test_forms_offer_only_where_the_project_goes_and_the_person_may(
    shop: Project, places: list[Environment], client_for: ClientFor, deployer: User
) -> None:
    rows.step(shop)
    rows.release(shop)
    team = Group.objects.create(name="Release team")
    projects.save_environment(places[2], person=None, name="Production", groups=[team])
    use(shop, places[0], places[2])
    page = client_for(deployer).get(f"/projects/{shop.slug}/releases/1.0.0/deploy/")
    assert list(page.context["form"].fields["environment"].queryset) == [places[0]]


def test_an_environment_that_a_project_names_is_not_deleted(
    shop: Project, places: list[Environment]
) -> None:
    use(shop, places[1])
    with pytest.raises(Refused, match="named in the settings of Shop"):
        projects.delete_environment(places[1], person=None)
