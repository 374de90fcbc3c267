"""An environment's limit covers every act on the tasks there, by whatever way it is asked for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from octoserver.deployments import deployments, projects
from octoserver.deployments.models import Environment, Project
from tasks import bulk, kinds, lifecycle, queue
from tasks.models import Hold, ServerTask, State
from tests.conftest import ClientFor
from tests.deployments import rows
from tests.factories import UserFactory
from tests.tasks import rows as task_rows

pytestmark = pytest.mark.django_db

SOON = timedelta(hours=4)
WHY = "You may not deploy to Production."


def later() -> Any:
    return timezone.now() + SOON


ACTS: dict[str, Callable[[ServerTask, User], Any]] = {
    "cancel": lambda task, who: lifecycle.cancel(task, person=who),
    "prioritize": lambda task, who: lifecycle.prioritize(task, person=who),
    "reschedule": lambda task, who: lifecycle.reschedule(task, queue_time=later(), person=who),
    "start anyway": lambda task, who: lifecycle.start_anyway(task, expiry=later(), person=who),
    "let expire": lambda task, who: lifecycle.let_expire(task, person=who),
    "rerun": lambda task, who: queue.rerun(task, person=who),
    "cancel many": lambda task, who: bulk.cancel([task.pk], person=who),
    "prioritize many": lambda task, who: bulk.prioritize([task.pk], person=who),
    "reschedule many": lambda task, who: bulk.reschedule(
        [task.pk], queue_time=None, queue_time_expiry=later(), person=who
    ),
    "start many anyway": lambda task, who: bulk.start_anyway([task.pk], expiry=later(), person=who),
    "let many expire": lambda task, who: bulk.let_expire([task.pk], person=who),
}
ON_PAGES = (
    "ServerTasks-{task}/cancel/",
    "ServerTasks-{task}/prioritize/",
    "cancel/",
    "prioritize/",
    "start-anyway/",
    "let-expire/",
)
BY_COMMAND = (["cancel"], ["decide", "--let-expire"], ["decide", "--start-by", "+4h"])


@pytest.fixture
def team(db: None) -> Group:
    return Group.objects.create(name="Release team")


@pytest.fixture
def production(places: list[Environment], team: Group) -> Environment:
    return projects.save_environment(places[2], person=None, name="Production", groups=[team])


@pytest.fixture(params=["deployment", "run of a runbook"])
def task(request: Any, shop: Project, production: Environment) -> ServerTask:
    """What somebody has queued to Production; it expired and is held for a decision."""
    projects.save(shop, person=None, name="Shop", slug="shop", promotes_in_order=False)
    runbook = rows.runbook(shop)
    rows.step(shop)
    rows.step(shop, "Sweep", runbook=runbook)
    run: Any
    if request.param == "deployment":
        run = deployments.deploy(rows.release(shop), production, person=None)
    else:
        run = deployments.run_runbook(runbook, production, person=None)
    Hold.objects.create(task=run.task, decide_by=later())
    found: ServerTask = run.task
    return found


@pytest.fixture
def member(system_manager: User, team: Group) -> User:
    """May do as much as the system manager, who is not in the team."""
    person: User = UserFactory(username="mia")
    person.groups.set([*system_manager.groups.all(), team])
    return person


def as_it_is(task: ServerTask) -> Any:
    return (
        list(ServerTask.objects.filter(pk=task.pk).values()),
        ServerTask.objects.count(),
        Hold.objects.count(),
    )


@pytest.mark.parametrize("act", ACTS)
def test_who_is_in_no_group_of_an_environment_does_nothing_to_a_task_there(
    act: str, task: ServerTask, system_manager: User
) -> None:
    before = as_it_is(task)
    with pytest.raises(PermissionDenied, match=WHY):
        ACTS[act](task, system_manager)
    assert as_it_is(task) == before


@pytest.mark.parametrize("act", [name for name in ACTS if name != "rerun"])
@pytest.mark.parametrize("who", ["member", "administrator", "server"])
def test_who_is_in_a_group_may_and_so_may_administrators_and_the_server(
    act: str, who: str, task: ServerTask, request: pytest.FixtureRequest
) -> None:
    before = as_it_is(task)
    ACTS[act](task, None if who == "server" else request.getfixturevalue(who))
    assert as_it_is(task) != before


@pytest.mark.parametrize("address", ON_PAGES)
def test_no_page_acts_on_a_task_for_who_may_not_deploy_there(
    address: str, task: ServerTask, client_for: ClientFor, system_manager: User, member: User
) -> None:
    before, url = as_it_is(task), f"/tasks/{address.format(task=task.pk)}"
    form = {"task": task.pk, "hours": "4"}
    answer = client_for(system_manager).post(url, form, follow=True)
    assert as_it_is(task) == before
    if "{task}" in address:
        assert answer.status_code == 403
    else:
        words = f"{task.name}: {WHY} Nothing was changed."
        assert words in strip_tags(answer.content.decode())
    assert client_for(member).post(url, form).status_code == 302
    assert as_it_is(task) != before


@pytest.mark.parametrize("words", BY_COMMAND)
def test_no_command_acts_on_a_task_as_somebody_who_may_not_deploy_there(
    words: list[str], task: ServerTask, system_manager: User, member: User
) -> None:
    before = as_it_is(task)
    with pytest.raises(CommandError, match=WHY):
        call_command("task", *words, task.name, "--as", system_manager.username)
    assert as_it_is(task) == before
    call_command("task", *words, task.name, "--as", member.username)
    assert as_it_is(task) != before


def test_one_that_is_withheld_keeps_the_whole_selection_as_it_is(
    task: ServerTask, client_for: ClientFor, system_manager: User
) -> None:
    other = task_rows.ServerTaskFactory()
    client_for(system_manager).post("/tasks/cancel/", {"task": [other.pk, task.pk]})
    assert not ServerTask.objects.filter(state=State.CANCELED).exists()


def test_no_page_offers_what_would_be_refused(
    task: ServerTask, client_for: ClientFor, system_manager: User, member: User
) -> None:
    name, url = kinds.get(task.kind).page(task) or ("", "")
    buttons = {
        "/tasks/": [f'id="select-{task.pk}"', f'name="task" value="{task.pk}"', "start-anyway"],
        task.get_absolute_url(): ['id="cancel"', 'id="prioritize"'],
        url: [f"/tasks/ServerTasks-{task.pk}/cancel/"],
    }
    for address, marks in buttons.items():
        refused = client_for(system_manager).get(address).content.decode()
        offered = client_for(member).get(address).content.decode()
        for mark in marks:
            assert mark not in refused, address
            assert mark in offered, address
        assert task.name in refused or name in refused


def test_an_environment_that_is_open_withholds_nothing(
    task: ServerTask, production: Environment, system_manager: User
) -> None:
    projects.save_environment(production, person=None, name="Production", groups=[])
    assert kinds.withheld(system_manager, [task]) == {}
    assert lifecycle.cancel(task, person=system_manager)


def test_a_task_whose_project_is_gone_is_nobodys(task: ServerTask, system_manager: User) -> None:
    assert kinds.withheld(system_manager, [task]) == {task.pk: WHY}
    Project.objects.all().delete()
    assert kinds.withheld(system_manager, [task]) == {}


def test_of_many_tasks_it_is_asked_in_as_many_questions_as_of_one(
    task: ServerTask, system_manager: User
) -> None:
    def questions(tasks: list[ServerTask]) -> int:
        person = User.objects.get(pk=system_manager.pk)
        person.has_perm("any")
        with CaptureQueriesContext(connection) as queries:
            kinds.withheld(person, tasks)
        return len(queries)

    assert questions([task]) == questions([task] * 50) == 1
