"""What becomes of what people do on the pages of projects, and where its record is found."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import Http404
from django.test import RequestFactory

from octoserver.deployments import deployments
from octoserver.deployments.models import Environment, Project
from octoserver.deployments.views import process, releases
from tests.conftest import ClientFor
from tests.deployments import rows

pytestmark = pytest.mark.django_db

STEP = {
    "name": "Build", "shell": "sh", "script": "x", "condition": "success", "time_limit": "9",
    "retries": "0",
}  # fmt: skip


@pytest.mark.parametrize(
    ("page", "fields", "words"),
    [
        (process.NewStep, STEP, {}),
        (process.EditStep, STEP, {"step": "step"}),
        (process.DeleteStep, {}, {"step": "step"}),
        (releases.NewRelease, {"version": "2.0.0"}, {}),
        (releases.UpdateVariables, {}, {"version": "1.0.0"}),
        (releases.Deploy, {"environment": "1"}, {"version": "1.0.0"}),
    ],
)
def test_what_was_deleted_while_its_form_was_sent_is_not_there(
    page: Any,
    fields: dict[str, str],
    words: dict[str, str],
    shop: Project,
    places: list[Environment],
    superuser: User,
    rf: RequestFactory,
) -> None:
    step = rows.step(shop)
    rows.release(shop)
    fields = {**fields, "environment": str(places[0].pk)} if "environment" in fields else fields
    request = rf.post("/", fields)
    request.user = superuser
    view = page()
    view.setup(
        request, project=shop.slug, **(words | ({"step": step.pk} if "step" in words else {}))
    )
    # What the view has read when somebody else deletes it.
    for name in ("project", *words):
        assert getattr(view, {"version": "release"}.get(name, name))
    Project.objects.all().delete()
    if not fields:
        with pytest.raises(Http404):
            view.post(request)
        return
    answer = view.post(request)
    assert answer.status_code == 404
    assert "was deleted meanwhile" in answer.content.decode()
    for value in fields.values():
        assert value in answer.content.decode()


def test_a_step_of_a_runbook_takes_effect_with_its_next_run(
    shop: Project, client_for: ClientFor, system_manager: User
) -> None:
    client, runbook = client_for(system_manager), rows.runbook(shop)
    for query, words in (("", "the next release"), (f"?runbook={runbook.pk}", "the next run.")):
        answer = client.post(f"/projects/{shop.slug}/process/new/{query}", STEP, follow=True)
        assert f"It takes effect with {words}" in answer.content.decode()


def test_a_task_leads_to_its_deployment_or_run_as_long_as_that_is_there(
    shop: Project, places: list[Environment], client_for: ClientFor, viewer: User
) -> None:
    rows.step(shop)
    runbook = rows.runbook(shop)
    rows.step(shop, "Sweep", runbook=runbook)
    made = (
        deployments.deploy(rows.release(shop), places[0], person=None),
        deployments.run_runbook(runbook, places[0], person=None),
    )
    client = client_for(viewer)
    for run in made:
        link = f'<a href="{run.get_absolute_url()}">{run.name}</a>'
        assert link in client.get(run.task.get_absolute_url()).content.decode()
        rows.complete(run.task)
    Project.objects.all().delete()
    for run in made:
        assert run.name not in client.get(run.task.get_absolute_url()).content.decode()


def test_changes_of_environments_and_of_deleted_projects_are_on_a_page(
    shop: Project, places: list[Environment], client_for: ClientFor, system_manager: User
) -> None:
    client = client_for(system_manager)
    assert (
        client.post(f"/projects/environments/{places[2].pk}/", {"name": "Live"}).status_code == 302
    )
    rows.step(shop)
    assert client.post(f"/projects/{shop.slug}/delete/").status_code == 302
    assert "environments/history/" in client.get("/projects/environments/").content.decode()
    page = client.get("/projects/environments/history/").content.decode()
    for words in (
        "Environment Live",
        '<td class="pre">Production</td>',
        "Project Shop</strong> removed",
        "Step Build (Shop)</strong> added",
    ):
        assert words in page
