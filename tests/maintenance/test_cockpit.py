"""The Maintenance page as a cockpit: where the mode stands at a glance, and guarded switches."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from maintenance import cockpit, idle, mode, people, work
from maintenance.forms import EnableForm
from maintenance.work import Work
from tasks.models import ServerTask
from tests.conftest import ClientFor
from tests.maintenance.windows import ahead, begun, planned

PAGE = "/configuration/maintenance/"
SWITCH = f"{PAGE}switch/"

pytestmark = pytest.mark.django_db


def queue_row(**values: object) -> ServerTask:
    now = timezone.now()
    times = {"created": now, "queue_time": now, "queue_time_expiry": now + timedelta(hours=9)}
    return ServerTask.objects.create(**{"kind": "RunScript", **times, **values})


class TestStanding:
    def test_off(self) -> None:
        assert cockpit.standing(idle.look()) == "off"

    def test_planned(self) -> None:
        planned()
        assert cockpit.standing(idle.look()) == "planned"

    def test_closing_until_what_was_let_in_before_is_known_to_be_over(self) -> None:
        begun()
        assert cockpit.standing(idle.look()) == "closing"
        mode.settle(timeout=60)
        assert cockpit.standing(idle.look()) == "on"

    def test_the_page_shows_it_as_a_word(self, viewer: User, client_for: ClientFor) -> None:
        client = client_for(viewer)
        assert '<p class="cockpit-word">Off</p>' in client.get(PAGE).content.decode()
        mode.enable()
        text = client.get(PAGE).content.decode()
        assert '<p class="cockpit-word">On</p>' in text
        assert "img/favicon-maintenance.svg" in text


class TestTimelineOnThePage:
    def test_an_administrator_sees_what_waits_and_what_comes(
        self, administrator: User, client_for: ClientFor
    ) -> None:
        waiting = queue_row(description="Waits <now>")
        coming = queue_row(description="Comes later", queue_time=ahead(minutes=30))
        queue_row(description="The server's own", is_system=True)
        text = client_for(administrator).get(PAGE).content.decode()
        assert waiting.get_absolute_url() in text
        assert "Waits &lt;now&gt;" in text
        assert coming.get_absolute_url() in text
        assert "The server&#x27;s own" not in text

    @pytest.mark.parametrize("person", ["viewer", "nobody", "system_manager"])
    def test_others_are_told_no_task(
        self, person: str, request: pytest.FixtureRequest, client_for: ClientFor
    ) -> None:
        queue_row(description="Secret undertaking")
        mode.enable()
        client = client_for(request.getfixturevalue(person))
        assert "Secret undertaking" not in client.get(PAGE).content.decode()
        assert "Secret undertaking" not in client.get(f"{PAGE}status/").content.decode()

    def test_it_asks_the_same_number_of_questions_whatever_there_is(
        self, administrator: User, client_for: ClientFor,
        django_assert_max_num_queries: object,
    ) -> None:  # fmt: skip
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        client = client_for(administrator)
        counts = []
        for _ in range(2):
            for number in range(10):
                queue_row(description=str(number))
                queue_row(description=str(number), queue_time=ahead(minutes=5 + number))
            with CaptureQueriesContext(connection) as asked:
                client.get(f"{PAGE}status/")
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_a_window_has_the_line_of_its_own_time(
        self, administrator: User, client_for: ClientFor
    ) -> None:
        window = begun(ago=10)
        mode.record(timeout=60)
        ran = queue_row(
            state="Success", description="Ran in it", start_time=ahead(minutes=-8),
            completed_time=ahead(minutes=-5),
        )  # fmt: skip
        text = client_for(administrator).get(window.get_absolute_url()).content.decode()
        assert 'class="piece piece-success"' in text
        assert text.count(ran.get_absolute_url()) == 2


@pytest.mark.postgresql
class TestWhereTheWebServerSClockIsWrong:
    """The database's is followed, and administrators are told."""

    @pytest.fixture(params=[-90, 90])
    def minutes(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
        wrong: int = request.param
        right = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(minutes=wrong))
        return wrong

    def test_the_page_says_so_to_administrators(
        self, minutes: int, administrator: User, viewer: User, client_for: ClientFor
    ) -> None:
        words = "ahead of" if minutes > 0 else "behind"
        text = client_for(administrator).get(PAGE).content.decode()
        assert re.search(f"web server is 1.hour, (29|30).minutes {words} the database", text)
        assert "The clock of this web server" not in client_for(viewer).get(PAGE).content.decode()

    def test_the_line_of_time_stands_at_the_time_of_the_database(self, minutes: int) -> None:
        right = timezone.now() - timedelta(minutes=minutes)
        window = planned(begins=150)
        facts = cockpit.of_window(window)
        assert facts.begin < right < facts.end
        assert facts.now is not None

    def test_a_length_of_time_begins_at_the_time_of_the_database(self, minutes: int) -> None:
        right = timezone.now() - timedelta(minutes=minutes)
        call_command("maintenance", "on", "--until", "+30m", stdout=StringIO())
        until = mode.current().until
        assert until is not None
        assert timedelta(minutes=29) < until - right < timedelta(minutes=31)

    def test_an_end_is_in_the_past_by_the_time_of_the_database(self, minutes: int) -> None:
        right = timezone.now() - timedelta(minutes=minutes)
        for offset in (-1, 5):
            local = timezone.localtime(right + timedelta(minutes=offset))
            form = EnableForm({"until": local.strftime("%Y-%m-%dT%H:%M")})
            assert form.is_valid() == (offset > 0)


class TestTheStepBefore:
    def test_it_says_whom_it_concerns_and_what_runs(
        self, administrator: User, deployer: User, viewer: User, client_for: ClientFor,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        class Some(work.Source):
            def survey(self) -> Work:
                return Work(executing=4, queued=3, scheduled=2)

        monkeypatch.setattr(work, "_sources", {"some": Some()})
        client_for(deployer), client_for(viewer), client_for(viewer)
        text = client_for(administrator).get(SWITCH).content.decode()
        assert "That is 2 of 3 people signed in." in text
        assert "Now: 4 executing, 3 queued, 2 scheduled." in text
        assert not mode.current().is_enabled

    def test_turning_off_says_what_ends_with_it(
        self, administrator: User, client_for: ClientFor
    ) -> None:
        window = begun()
        mode.record(timeout=60)
        text = client_for(administrator).get(SWITCH).content.decode()
        assert f"Window {window.pk} ends now." in text
        assert 'action="/configuration/maintenance/disable/"' in text

    @pytest.mark.parametrize("person", ["system_manager", "deployer", "nobody"])
    def test_it_is_there_for_administrators_only(
        self, person: str, request: pytest.FixtureRequest, client_for: ClientFor
    ) -> None:
        assert client_for(request.getfixturevalue(person)).get(SWITCH).status_code == 403

    def test_a_session_that_ran_out_is_nobody_signed_in(
        self, deployer: User, client_for: ClientFor
    ) -> None:
        client = client_for(deployer)
        assert people.audience() == people.Audience(signed_in=1, refused=1)
        session = client.session
        session.set_expiry(-1)
        session.save()
        assert people.audience() == people.Audience(signed_in=0, refused=0)

    def test_sessions_that_lie_elsewhere_are_not_counted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django.conf import settings

        elsewhere = "django.contrib.sessions.backends.signed_cookies"
        monkeypatch.setattr(settings, "SESSION_ENGINE", elsewhere)
        assert people.audience() is None


def test_a_step_ticked_off_on_the_page_leads_back_to_it(
    administrator: User, client_for: ClientFor
) -> None:
    window = planned()
    client = client_for(administrator)
    assert f"{window.get_absolute_url()}steps/1/" in client.get(PAGE).content.decode()
    answer = client.post(f"{window.get_absolute_url()}steps/1/", {"done": "1", "back": "page"})
    assert answer.headers["Location"] == PAGE
    step = window.steps.get(position=1)
    assert step.done is not None
