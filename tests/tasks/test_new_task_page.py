from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import Settings

from tasks import kinds
from tasks.models import ServerTask
from tests.conftest import ClientFor
from tests.tasks import rows

URL = "/tasks/new/"
SCRIPT = {"kind": "RunScript", "script": "echo hello"}


class WalkForm(forms.Form):
    miles = forms.IntegerField()
    with_dog = forms.BooleanField(required=False)
    paths = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")], required=False)


class Walk(kinds.TaskKind):
    name = "Walk"
    label = "Take a walk"
    permission = "tasks.run_script"
    form_class = WalkForm


@pytest.fixture
def person(deployer: User) -> User:
    return rows.grant(deployer, "run_script", "add_servertask")


@pytest.fixture
def page(client_for: ClientFor, person: User) -> Client:
    return client_for(person)


@pytest.fixture
def _walk() -> Any:
    kinds.register(Walk)
    yield
    kinds.unregister("Walk")


def _text(response: Any) -> str:
    text: str = response.content.decode()
    return text


def _token(response: Any) -> str:
    class Finder(HTMLParser):
        token = ""

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if given.get("name") == "_once":
                self.token = given["value"] or ""

    finder = Finder()
    finder.feed(_text(response))
    return finder.token


def _when(**ahead: float) -> str:
    return timezone.localtime(timezone.now() + timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M:%S")


class TestChoosing:
    def test_shows_the_form_at_once_where_there_is_one_kind(self, page: Client) -> None:
        assert 'name="script"' in _text(page.get(URL))

    @pytest.mark.usefixtures("_walk")
    def test_asks_where_there_are_several(self, page: Client) -> None:
        text = _text(page.get(URL))
        assert 'href="?kind=Walk"' in text
        assert '<form class="card stacked"' not in text
        assert 'name="miles"' in _text(page.get(URL, {"kind": "Walk"}))

    @pytest.mark.parametrize("kind", ["Dance", "Retention", "runscript", "<b>", "x" * 500])
    def test_answers_an_unknown_kind_clearly(self, page: Client, kind: str) -> None:
        for response in (page.get(URL, {"kind": kind}), page.post(URL, {"kind": kind})):
            assert response.status_code == 200
            assert "There is no task kind “" in _text(response)
            assert "<b>" not in _text(response)
        assert not ServerTask.objects.exists()

    def test_says_so_where_a_person_may_queue_no_kind(
        self, client_for: ClientFor, nobody: User
    ) -> None:
        person = rows.grant(nobody, "add_servertask")
        assert "do not let you queue a task of any kind" in _text(client_for(person).get(URL))

    def test_refuses_whoever_may_not_queue(self, client_for: ClientFor, viewer: User) -> None:
        assert client_for(viewer).get(URL).status_code == 403
        assert client_for(viewer).post(URL, SCRIPT).status_code == 403
        assert not ServerTask.objects.exists()


class TestQueuing:
    def test_leads_to_the_task_with_a_confirmation(self, page: Client, person: User) -> None:
        response: Any = page.post(URL, SCRIPT, follow=True)
        task = ServerTask.objects.get()
        assert response.redirect_chain == [(task.get_absolute_url(), 302)]
        assert f"{task.name} is queued." in strip_tags(_text(response))
        assert task.arguments["script"] == "echo hello"
        assert task.person == person
        assert task.queue_time == task.created

    def test_for_later_keeps_the_times(self, page: Client) -> None:
        response: Any = page.post(
            URL,
            SCRIPT | {"queue_time": _when(hours=2), "queue_time_expiry": _when(hours=5)},
            follow=True,
        )
        task = ServerTask.objects.get()
        assert f"{task.name} is scheduled." in strip_tags(_text(response))
        assert timedelta(minutes=119) < task.queue_time - task.created < timedelta(minutes=121)
        assert task.queue_time_expiry - task.queue_time == timedelta(hours=3)

    def test_reads_times_in_the_zone_of_the_server(self, page: Client, settings: Settings) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        ahead = timezone.now() + timedelta(days=3)
        page.post(URL, SCRIPT | {"queue_time": ahead.strftime("%Y-%m-%dT12:00")})
        assert (
            ServerTask.objects.get().queue_time.astimezone(timezone.get_fixed_timezone(0)).hour == 3
        )

    @pytest.mark.usefixtures("_walk")
    def test_takes_what_browsers_send_for_every_sort_of_field(self, page: Client) -> None:
        page.post(URL, {"kind": "Walk", "miles": "3", "with_dog": "on", "paths": ["a", "b"]})
        assert ServerTask.objects.get().arguments == {
            "miles": 3,
            "with_dog": True,
            "paths": ["a", "b"],
        }

    def test_a_double_click_queues_one_task_and_leads_to_it_twice(self, page: Client) -> None:
        form = SCRIPT | {"_once": _token(page.get(URL))}
        first, second = page.post(URL, form), page.post(URL, form)
        assert ServerTask.objects.count() == 1
        assert first["Location"] == second["Location"]

    def test_every_page_has_a_token_of_its_own(self, page: Client) -> None:
        tokens = {_token(page.get(URL)) for _ in range(3)}
        assert len(tokens) == 3
        assert all(len(token) > 20 for token in tokens)

    def test_a_form_corrected_after_a_mistake_still_queues_one_task(self, page: Client) -> None:
        token = _token(page.get(URL))
        refused = page.post(URL, SCRIPT | {"_once": token, "queue_time": "soon"})
        assert _token(refused) == token
        for _ in range(2):
            page.post(URL, SCRIPT | {"_once": token})
        assert ServerTask.objects.count() == 1

    def test_needs_the_page_it_was_typed_on(self, client_for: ClientFor, person: User) -> None:
        stranger = client_for(person, enforce_csrf_checks=True)
        assert stranger.post(URL, SCRIPT).status_code == 403
        assert not ServerTask.objects.exists()


class TestBadInput:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ({"script": ""}, "The script is empty."),
            ({"script": "  \r\n "}, "The script is empty."),
            ({"script": "x" * (1024 * 1024 + 1)}, "1 MiB is the most."),
            ({"script": "nul\0"}, "Null characters are not allowed."),
            ({"time_limit": "long"}, "Enter a whole number."),
            ({"shell": "perl"}, "perl is not one of the available choices."),
            ({"queue_time": "soon"}, "Write the time like 2030-12-31 22:30."),
            ({"queue_time": "2030-02-30T10:00"}, "Write the time like 2030-12-31 22:30."),
            ({"queue_time": "2001-01-01T10:00"}, "The time lies in the past."),
            ({"queue_time": "0001-01-01T00:00"}, "The time lies in the past."),
            ({"queue_time": "9999-12-31T23:59"}, "more than 30 days ahead."),
            ({"queue_time_expiry": "later"}, "Write the time like 2030-12-31 22:30."),
            ({"queue_time_expiry": "2001-01-01T10:00"}, "lies before its time."),
            ({"queue_time_expiry": "9999-12-31T23:59"}, "lies too far ahead."),
            ({"_once": "x" * 65}, "at most 64 characters"),
        ],
    )
    def test_is_answered_at_its_field_with_everything_kept(
        self, page: Client, data: dict[str, str], words: str
    ) -> None:
        response = page.post(URL, SCRIPT | {"time_limit": "77"} | data)
        text = _text(response)
        assert response.status_code == 200
        assert words in text
        assert "errorlist" in text
        assert not ServerTask.objects.exists()
        if "time_limit" not in data:
            assert 'value="77"' in text
        if "script" not in data:
            assert "echo hello</textarea>" in text
        for name in {"queue_time", "queue_time_expiry"} & set(data):
            assert f'value="{data[name]}"' in text

    @pytest.mark.parametrize(
        ("typed", "kind"),
        [("soon", "text"), ("2001-01-01 10:00", "text"), ("2001-01-01T10:00", "datetime-local")],
    )
    def test_stands_in_a_field_that_shows_it(self, page: Client, typed: str, kind: str) -> None:
        text = _text(page.post(URL, SCRIPT | {"queue_time": typed}))
        assert f'<input type="{kind}" name="queue_time" value="{typed}"' in text

    def test_more_than_30_days_ahead_is_refused_and_just_below_is_not(self, page: Client) -> None:
        refused = page.post(URL, SCRIPT | {"queue_time": _when(days=30, minutes=5)})
        assert "The time lies more than 30 days ahead." in _text(refused)
        assert page.post(URL, SCRIPT | {"queue_time": _when(days=29, hours=23)}).status_code == 302

    def test_every_mistake_is_shown_at_once(self, page: Client) -> None:
        text = _text(page.post(URL, SCRIPT | {"script": "", "queue_time": "soon"}))
        assert "The script is empty." in text
        assert "Write the time like" in text

    def test_what_is_not_utf_8_makes_no_half_made_row(self, page: Client) -> None:
        response = page.post(
            URL,
            data=b"kind=RunScript&script=%ff%fe%00",
            content_type="application/x-www-form-urlencoded",
        )
        assert response.status_code == 200
        assert not ServerTask.objects.exists()
