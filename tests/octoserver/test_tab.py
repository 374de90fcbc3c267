"""What a page tells the browser's tab, and the links in what was said to have been done."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import mark_safe

from octoserver.templatetags import site_tags
from tasks.models import ServerTask, State
from tests.conftest import ClientFor


@pytest.mark.parametrize("state", list(State))
def test_every_state_of_a_task_has_a_picture_of_its_own_kind(state: State) -> None:
    assert site_tags.favicon(state) != site_tags.favicon("")


def test_a_word_that_is_no_state_leaves_the_plain_picture() -> None:
    assert site_tags.favicon("Removed") == site_tags.favicon("") == "/static/img/favicon.svg"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "ServerTasks-7 is queued.",
            '<a href="/tasks/ServerTasks-7/">ServerTasks-7</a> is queued.',
        ),
        ("<b>ServerTasks-07</b>", "&lt;b&gt;ServerTasks-07&lt;/b&gt;"),
        (mark_safe("<b>kept</b>"), "<b>kept</b>"),
        ("MyServerTasks-7", "MyServerTasks-7"),
    ],
)
def test_the_name_of_a_task_in_a_message_leads_to_it(said: str, shown: str) -> None:
    assert site_tags.with_links(said) == shown


@pytest.mark.django_db
def test_the_tab_of_a_task_shows_its_state_and_gets_it_anew_with_its_facts(
    viewer: User, client_for: ClientFor
) -> None:
    now = timezone.now()
    task = ServerTask.objects.create(
        kind="RunScript", created=now, queue_time=now, queue_time_expiry=now,
        state=State.FAILED, completed_time=now,
    )  # fmt: skip
    text = client_for(viewer).get(task.get_absolute_url()).content.decode()
    assert 'id="icon" href="/static/img/favicon-failed.svg"' in text
    assert 'data-icon="/static/img/favicon-failed.svg" data-state-title="Failed"' in text
