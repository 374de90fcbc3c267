"""What follows by itself answers "nothing new" cheaply, and tells of each thing that is new."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from octoserver.deployments import deployments
from octoserver.deployments.models import Deployment
from tasks import kinds, progress, sections
from tasks.models import ServerNode, ServerTask, State
from tasks.sections import Section
from tests.conftest import ClientFor
from tests.deployments import rows as deployment_rows
from tests.tasks import rows
from tests.tasks.test_list_page import HTMX, _poll

pytestmark = pytest.mark.django_db

PAGES = ["home", "tasks:list", "nodes:list", "queue:page", "deployments:dashboard"]


@pytest.fixture
def page(client_for: ClientFor, administrator: User) -> Client:
    return client_for(administrator)


@pytest.mark.parametrize("name", PAGES)
def test_a_live_page_is_told_nothing_while_nothing_is_new(page: Client, name: str) -> None:
    rows.ServerTaskFactory(state=State.EXECUTING, node=rows.ServerNodeFactory())
    answer = page.get(_poll(page.get(reverse(name))), headers=HTMX)
    assert answer.status_code == 204
    assert answer.content == b""
    assert "no-store" in answer["Cache-Control"]
    assert "HX-Request" in answer["Vary"]


@pytest.mark.parametrize("name", PAGES)
def test_a_live_page_of_another_time_gets_its_part_alone(page: Client, name: str) -> None:
    answer = page.get(f"{reverse(name)}?seen=0123456789abcdef", headers=HTMX)
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    assert 'hx-swap="morph"' in answer.content.decode()
    # What comes asks on from there.
    assert page.get(_poll(answer), headers=HTMX).status_code == 204


@pytest.mark.parametrize("name", PAGES)
def test_a_live_page_costs_no_more_statements_with_more_rows(page: Client, name: str) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert page.get(address, headers=HTMX).status_code in (200, 204)
        return len(queries)

    rows.ServerTaskFactory(state=State.EXECUTING, node=rows.ServerNodeFactory())
    rows.ServerTaskFactory()
    address = _poll(page.get(reverse(name)))
    few = statements()
    rows.many(60)
    rows.ServerNodeFactory.create_batch(5)
    assert statements() <= few


@pytest.mark.parametrize(
    "change",
    [
        {"state": State.CANCELLING},
        {"message": "Said something."},
        {"is_prioritized": True},
        {"state": State.SUCCESS, "completed_time": timezone.now()},
    ],
)
@pytest.mark.parametrize("name", ["home", "tasks:list"])
def test_a_change_of_a_row_is_news(page: Client, name: str, change: dict[str, Any]) -> None:
    task = rows.ServerTaskFactory(state=State.EXECUTING)
    address = _poll(page.get(reverse(name)))
    ServerTask.objects.filter(pk=task.pk).update(**change)
    assert page.get(address, headers=HTMX).status_code == 200


def test_that_a_scheduled_task_is_due_is_news(page: Client) -> None:
    task = rows.ServerTaskFactory(queue_time=timezone.now() + timedelta(hours=1))
    address = _poll(page.get(reverse("tasks:list")))
    ServerTask.objects.filter(pk=task.pk).update(queue_time=timezone.now())
    assert page.get(address, headers=HTMX).status_code == 200


def test_a_node_that_says_that_it_lives_is_no_news_but_its_drain_is(page: Client) -> None:
    node = rows.ServerNodeFactory(last_seen=timezone.now())
    address = _poll(page.get(reverse("nodes:list")))
    ServerNode.objects.update(last_seen=timezone.now() + timedelta(seconds=2))
    assert page.get(address, headers=HTMX).status_code == 204
    ServerNode.objects.filter(pk=node.pk).update(is_draining=True)
    assert page.get(address, headers=HTMX).status_code == 200


def test_a_deployment_that_is_over_is_news_to_the_board(page: Client, administrator: User) -> None:
    deployment = deployed(administrator)
    address = _poll(page.get(reverse("deployments:dashboard")))
    assert page.get(address, headers=HTMX).status_code == 204
    ServerTask.objects.filter(pk=deployment.task_id).update(
        state=State.FAILED, completed_time=timezone.now()
    )
    assert page.get(address, headers=HTMX).status_code == 200


def test_a_running_tasks_page_is_told_nothing_while_only_time_goes_by(page: Client) -> None:
    task = rows.ServerTaskFactory(
        state=State.EXECUTING, created=timezone.now() - timedelta(minutes=5)
    )
    rows.write_log(task, "one")
    address = _poll(page.get(task.get_absolute_url()))
    assert page.get(address, headers=HTMX).status_code == 204


def test_a_poll_without_news_reads_no_lines(page: Client) -> None:
    task = rows.ServerTaskFactory(state=State.EXECUTING)
    rows.write_log(task, "one")
    address = _poll(page.get(task.get_absolute_url()))
    with CaptureQueriesContext(connection) as queries:
        page.get(address, headers=HTMX)
    assert not [each for each in queries if '"tasks_logchunk"."text"' in each["sql"]]


# Steps


def deployed(person: User) -> Deployment:
    """Queue the first deployment of a project of one step."""
    shop, place = deployment_rows.project(), deployment_rows.environment()
    deployment_rows.step(shop)
    return deployments.deploy(deployment_rows.release(shop), place, person=person)


@pytest.fixture
def stepped(monkeypatch: pytest.MonkeyPatch) -> tuple[ServerTask, list[Section]]:
    """A task that executes the second of three steps."""
    steps = [
        Section(name="Fetch <it>", state="Success", first_line=2, last_line=3, seconds=4.2),
        Section(name="Build", state="Executing", first_line=4),
        Section(name="Ship", state="Waiting"),
    ]
    monkeypatch.setattr(kinds.TaskKind, "sections", lambda kind, task: steps)
    task = rows.ServerTaskFactory(state=State.EXECUTING)
    rows.write_log(task, "began", "fetching", "fetched", "building")
    return task, steps


def test_steps_fold_with_their_state_name_and_length(page: Client, stepped: Any) -> None:
    text = page.get(stepped[0].get_absolute_url()).content.decode()
    assert '<details class="stretch section" id="from-2" data-first="2" data-last="3" open>' in text
    assert "Fetch &lt;it&gt;" in text
    assert "4 s" in text
    assert '<details class="stretch section" id="from-4" data-first="4" data-last="4" open>' in text
    assert '<div class="stretch" id="from-1" data-first="1" data-last="1">' in text


def test_progress_counts_the_steps(page: Client, stepped: Any) -> None:
    text = page.get(stepped[0].get_absolute_url()).content.decode()
    assert '<progress class="progress" value="1" max="3"' in text
    assert "1 of 3 steps" in text
    assert "<strong>Build</strong>" in text


def test_new_lines_come_in_the_step_that_they_belong_to(page: Client, stepped: Any) -> None:
    task, steps = stepped
    address = _poll(page.get(task.get_absolute_url()))
    rows.write_log(task, "built", "shipping", first=5)
    steps[1] = Section(name="Build", state="Success", first_line=4, last_line=5, seconds=1.0)
    steps[2] = Section(name="Ship", state="Executing", first_line=6)
    text = page.get(address, headers=HTMX).content.decode()
    build, ship = text.index('id="from-4"'), text.index('id="from-6"')
    assert build < text.index('id="L5"') < ship < text.index('id="L6"')
    assert "2 of 3 steps" in text
    assert 'id="L4"' not in text


def test_of_a_long_log_steps_that_went_well_are_folded(
    page: Client, stepped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.window.LINES_SHOWN", 1)
    text = page.get(stepped[0].get_absolute_url()).content.decode()
    assert 'id="from-2" data-first="2" data-last="3">' in text
    assert '<a href="?line=2#L2">Lines 2 to 3</a>' in text
    assert 'id="from-4" data-first="4" data-last="4" open>' in text
    assert (
        'id="from-2" data-first="2" data-last="3" open>'
        in page.get(stepped[0].get_absolute_url(), {"line": 3}).content.decode()
    )


# Progress


def test_progress_without_steps_is_told_by_how_long_such_tasks_took() -> None:
    rows.many(3, state=State.SUCCESS)
    task = rows.ServerTaskFactory(
        state=State.EXECUTING, created=timezone.now() - timedelta(seconds=31)
    )
    found = progress.of(task, [])
    assert found is not None
    assert found.usual == 65
    assert 30 <= found.elapsed < 65
    assert not found.is_overdue


def test_a_task_that_takes_longer_than_usual_is_said_to() -> None:
    rows.many(3, state=State.SUCCESS)
    task = rows.ServerTaskFactory(
        state=State.EXECUTING, created=timezone.now() - timedelta(minutes=5)
    )
    found = progress.of(task, [])
    assert found is not None
    assert found.is_overdue
    assert found.left is None


@pytest.mark.parametrize("state", [State.QUEUED, State.SUCCESS])
def test_what_does_not_run_has_no_progress(state: State) -> None:
    rows.many(3, state=State.SUCCESS)
    assert progress.of(rows.ServerTaskFactory(state=state), []) is None


def test_of_the_first_of_its_kind_no_progress_is_known() -> None:
    assert progress.of(rows.ServerTaskFactory(state=State.EXECUTING), []) is None


def test_a_deployments_steps_are_its_log_s_sections(administrator: User) -> None:
    deployment = deployed(administrator)
    deployment.progress = [{"name": "One", "state": "Success", "first_line": 3, "last_line": 9}]
    deployment.save()
    (section,) = sections.of(deployment.task)
    assert (section.name, section.first_line, section.last_line) == ("One", 3, 9)
