"""What the pages of projects show."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from octoserver.deployments import deployments
from octoserver.deployments.models import Deployment, Environment, Project
from octoserver.deployments.views import older
from tasks import lifecycle
from tests.conftest import ClientFor
from tests.deployments import ran, rows

pytestmark = pytest.mark.django_db

SAME_TIME = "Queue again at the same time"


def test_a_step_s_log_is_shown_in_its_colours_and_without_a_click_where_it_is_short(
    shop: Project, places: list[Environment], client_for: ClientFor, viewer: User
) -> None:
    rows.step(shop, script=r"printf '\033[31mred\033[0m <b> \033]0;title\007plain\n'")
    done = ran.project(shop, places[0])
    page = client_for(viewer).get(done.run.get_absolute_url()).content.decode()
    assert '<span class="sgr-fg-red">red</span> &lt;b&gt; plain' in page
    assert "<details open>" in page


def test_a_deployment_that_was_canceled_before_its_time_is_queued_again_for_it(
    shop: Project, places: list[Environment], client_for: ClientFor, administrator: User
) -> None:
    rows.step(shop)
    later = timezone.now() + timedelta(hours=1)
    release, person = rows.release(shop), client_for(administrator)
    first = deployments.deploy(release, places[0], person=administrator, queue_time=later)
    page = f"/projects/deployments/Deployments-{first.pk}/"
    assert SAME_TIME not in person.get(page).content.decode()
    lifecycle.cancel(first.task, person=administrator)
    assert SAME_TIME in person.get(page).content.decode()
    person.post(f"{page}redeploy/", {"_same_time": "1"})
    again = Deployment.objects.exclude(pk=first.pk).get()
    assert again.task.queue_time == later


def test_a_long_log_waits_to_be_opened_unless_its_step_failed(
    shop: Project, places: list[Environment], client_for: ClientFor, viewer: User
) -> None:
    rows.step(shop, "Long", "seq 300")
    rows.step(shop, "Bad", "exit 3")
    done = ran.project(shop, places[0])
    page = client_for(viewer).get(done.run.get_absolute_url()).content.decode()
    assert page.count("<details open>") == 1
    assert "earlier lines" in page


def test_all_deployments_of_a_project_are_listed_a_page_at_a_time(
    shop: Project,
    places: list[Environment],
    client_for: ClientFor,
    viewer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(older.cut, "__kwdefaults__", {"size": 2})
    rows.step(shop)
    release = rows.release(shop)
    made = [deployments.deploy(release, places[0], person=None).pk for _ in range(5)]
    client, url = client_for(viewer), f"/projects/{shop.slug}/deployments/"
    seen: list[int] = []
    while url:
        page = client.get(url).context["page"]
        seen += [row.pk for row in page.rows]
        url = f"/projects/{shop.slug}/deployments/{page.older}" if page.older else ""
    assert seen == made[::-1]


@pytest.mark.parametrize("query", ["before=0", "before=x", f"before={'9' * 19}", "environment=x"])
def test_an_address_that_somebody_made_up_is_no_error(
    query: str,
    shop: Project,
    places: list[Environment],
    client_for: ClientFor,
    viewer: User,
) -> None:
    for name in ("deployments", "releases", "history"):
        assert client_for(viewer).get(f"/projects/{shop.slug}/{name}/?{query}").status_code == 200
