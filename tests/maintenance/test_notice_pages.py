"""Pages of notices: each person's own choice, the calendar by a private link, webhooks."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from icalendar import Calendar
from pytest_django import Settings

from maintenance import mode, trail, windows
from maintenance.models import Window
from maintenance.notices import subscriptions, webhooks
from maintenance.notices.courier import Courier
from maintenance.notices.models import Delivery, Subscription, Webhook
from tests.conftest import ClientFor
from tests.maintenance.windows import BY, ahead, begun, draft, planned

pytestmark = pytest.mark.django_db

NOTICES = "/configuration/maintenance/notices/"
MINE = f"{NOTICES}mine/"
NEW = f"{NOTICES}webhooks/new/"


@pytest.fixture
def client(administrator: User, client_for: ClientFor) -> Client:
    return client_for(administrator)


def link_of(page: str) -> str:
    found = re.search(r'value="http://testserver(/[^"]+\.ics)"', page)
    assert found
    return found[1]


def entries(client: Client, path: str) -> list[dict[str, object]]:
    calendar = Calendar.from_ical(client.get(path).content)
    return [dict(event) for event in calendar.walk("VEVENT")]


class TestMail:
    def test_a_person_opts_in_and_out(self, deployer: User, client_for: ClientFor) -> None:
        client = client_for(deployer)
        client.post(MINE, {"by_email": "on"})
        assert subscriptions.of(deployer).by_email
        assert "checked" in client.get(MINE).content.decode()
        client.post(MINE)
        assert not subscriptions.of(deployer).by_email

    def test_it_is_a_change_like_any_other(self, deployer: User, client_for: ClientFor) -> None:
        mode.enable(name="ada")
        client = client_for(deployer)
        assert client.post(MINE, {"by_email": "on"}).status_code == 503
        assert client.post(f"{MINE}calendar/").status_code == 503
        assert not Subscription.objects.exists()

    def test_a_person_without_an_address_is_told(self, client: Client, administrator: User) -> None:
        administrator.email = ""
        administrator.save()
        assert "has no e-mail address" in client.get(MINE).content.decode()

    def test_a_server_without_mail_says_so(self, client: Client, settings: Settings) -> None:
        settings.MAINTENANCE_SENDS_EMAIL = False
        assert "sends no e-mail" in client.get(MINE).content.decode()


class TestCalendar:
    @pytest.fixture
    def path(self, deployer: User, client_for: ClientFor) -> str:
        client = client_for(deployer)
        return link_of(client.post(f"{MINE}calendar/", follow=True).content.decode())

    def test_it_needs_no_session_and_works_in_maintenance_mode(self, path: str) -> None:
        window = planned(reason="New disk; all, of it\nBEGIN:VEVENT")
        mode.enable(name="ada")
        client = Client()
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/calendar; charset=utf-8"
        assert answer["Cache-Control"] == "private, no-cache"
        assert "sessionid" not in client.cookies
        [event] = entries(client, path)
        assert str(event["DESCRIPTION"]).startswith("New disk; all, of it\nBEGIN:VEVENT")
        assert event["DTSTART"].dt == window.starts  # type: ignore[attr-defined]
        assert event["DTEND"].dt == window.ends  # type: ignore[attr-defined]

    def test_times_are_in_utc(self, path: str, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Berlin"
        planned()
        text = Client().get(path).content.decode()
        times = re.findall(r"^DT(?:START|END|STAMP):\d{8}T\d{6}Z\r$", text, re.MULTILINE)
        assert len(times) == 3

    def test_an_edit_keeps_the_identifier_and_counts_on(self, path: str) -> None:
        window = planned()
        [before] = entries(Client(), path)
        windows.edit(window, draft(begins=120), version=1, origin=BY)
        [edited] = entries(Client(), path)
        windows.call_off(window, origin=BY)
        [off] = entries(Client(), path)
        assert before["UID"] == edited["UID"] == off["UID"]
        assert [each["SEQUENCE"] for each in (before, edited, off)] == [0, 1, 2]
        assert [each["STATUS"] for each in (before, edited, off)] == [
            "CONFIRMED", "CONFIRMED", "CANCELLED",
        ]  # fmt: skip
        assert before["DTSTAMP"].dt <= edited["DTSTAMP"].dt <= off["DTSTAMP"].dt  # type: ignore[attr-defined]

    def test_a_window_that_was_open_has_taken_place_although_called_off(self, path: str) -> None:
        window = begun()
        mode.record()
        windows.call_off(window, origin=BY)
        assert entries(Client(), path)[0]["STATUS"] == "CONFIRMED"

    def test_nothing_new_is_said_in_few_bytes(self, path: str) -> None:
        planned()
        etag = Client().get(path)["ETag"]
        again = Client().get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        planned(begins=200)
        assert Client().get(path, headers={"If-None-Match": etag}).status_code == 200

    def test_long_over_windows_leave_it(self, path: str) -> None:
        window = planned()
        long_ago = ahead(days=-200)
        Window.objects.update(
            starts=long_ago, ends=long_ago + timedelta(hours=1), called_off=long_ago
        )
        assert entries(Client(), path) == []
        assert window.pk

    def test_a_renewed_link_makes_the_old_one_void_and_a_void_one_is_not_there(
        self, path: str, deployer: User, client_for: ClientFor
    ) -> None:
        client = client_for(deployer)
        newer = link_of(client.post(f"{MINE}calendar/", follow=True).content.decode())
        assert Client().get(path).status_code == 404
        assert Client().get(newer).status_code == 200
        client.post(f"{MINE}calendar/", {"action": "revoke"})
        assert Client().get(newer).status_code == 404

    def test_who_may_not_sign_in_any_more_has_no_calendar(self, path: str, deployer: User) -> None:
        deployer.is_active = False
        deployer.save()
        assert Client().get(path).status_code == 404

    def test_what_the_database_holds_opens_nothing(self, path: str, deployer: User) -> None:
        nonce = Subscription.objects.get(person=deployer).calendar
        base = "/configuration/maintenance/calendar/"
        for token in (nonce, f"{nonce}.", f"{nonce}.x", "x", f"{nonce}.{'A' * 43}"):
            assert Client().get(f"{base}{token}.ics").status_code == 404


class TestWebhooks:
    def test_one_is_added_and_its_secret_shown_once(self, client: Client) -> None:
        sent = {"name": "Chat", "url": "https://chat.example.com/hook", "is_enabled": "on"}
        answer = client.post(NEW, sent)
        found = re.search(r'value="(whsec_[^"]+)"', answer.content.decode())
        assert found
        assert "no-store" in answer["Cache-Control"]
        webhook = Webhook.objects.get()
        assert found[1] not in webhook.sealed_secret
        admin = f"/admin/maintenance/webhook/{webhook.pk}/change/"
        for page in (NOTICES, f"{NOTICES}webhooks/{webhook.pk}/", admin):
            text = client.get(page).content.decode()
            assert "Chat" in text
            assert found[1] not in text
            assert webhook.sealed_secret not in text

    def test_the_secret_is_in_no_log(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG", logger="maintenance")
        secret = webhooks.save(Webhook(name="Chat", url="http://127.0.0.1:1/key"), by="ada")
        planned()
        Courier().deliver_all()
        assert "Chat" in caplog.text
        assert secret not in caplog.text
        assert "127.0.0.1" not in caplog.text

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://chat.example.com/", "chat.example.com", "https://", "http://a b/",
            "javascript:1",
            "https://user:password@chat.example.com/", "https://chat.example.com:x/",
            "https://chat.example.com/\r\nX: y", "https://chat.example.com/#a",
        ],
    )  # fmt: skip
    def test_what_is_no_address_is_refused(self, url: str, client: Client) -> None:
        answer = client.post(NEW, {"name": "Chat", "url": url})
        assert answer.status_code == 200
        assert "errorlist" in answer.content.decode()
        assert not Webhook.objects.exists()

    def test_a_secret_that_is_none_is_refused(self, client: Client) -> None:
        sent = {"name": "Chat", "url": "https://a.example.com/", "secret": "whsec_short"}
        text = client.post(NEW, sent).content.decode()
        assert "24 to 64 bytes" in text
        assert "whsec_short" not in text

    def test_a_changed_one_keeps_its_secret_unless_another_is_given(self, client: Client) -> None:
        webhook = Webhook(name="Chat", url="http://a.example.com/")
        webhooks.save(webhook, by="ada")
        sealed = webhook.sealed_secret
        page = f"{NOTICES}webhooks/{webhook.pk}/"
        client.post(page, {"name": "Talk", "url": "http://b.example.com/"})
        webhook.refresh_from_db()
        assert (webhook.name, webhook.is_enabled, webhook.sealed_secret) == ("Talk", False, sealed)
        assert "whsec_" in client.post(f"{page}secret/").content.decode()
        webhook.refresh_from_db()
        assert webhook.sealed_secret != sealed

    def test_it_is_changed_in_the_admin_site_too(self, client: Client) -> None:
        webhook = Webhook(name="Chat", url="http://a.example.com/")
        webhooks.save(webhook, by="ada")
        sealed = webhook.sealed_secret
        page = f"/admin/maintenance/webhook/{webhook.pk}/change/"
        assert client.post(page, {"name": "Talk", "url": "http://b/"}).status_code == 302
        webhook.refresh_from_db()
        assert (webhook.name, webhook.sealed_secret) == ("Talk", sealed)

    def test_a_system_manager_sees_none(self, system_manager: User, client_for: ClientFor) -> None:
        client = client_for(system_manager)
        assert client.get(NOTICES).status_code == 403
        assert "webhook" not in client.get("/admin/").content.decode().lower()

    def test_a_test_goes_to_that_one_alone_and_its_outcome_is_shown(self, client: Client) -> None:
        webhook = Webhook(name="Chat", url="http://127.0.0.1:1/")
        webhooks.save(webhook, by="ada")
        webhooks.save(Webhook(name="Other", url="http://127.0.0.1:1/"), by="ada")
        client.post(f"{NOTICES}webhooks/{webhook.pk}/test/")
        assert Courier().deliver_all() == 1
        text = client.get(NOTICES).content.decode()
        assert "no connection: Connection refused" in text

    def test_one_given_up_is_tried_again(self, client: Client) -> None:
        webhook = Webhook(name="Chat", url="http://127.0.0.1:1/")
        webhooks.save(webhook, by="ada")
        delivery = webhooks.test(webhook, by="ada")
        Delivery.objects.update(state="GivenUp", completed=trail.now("default"))
        client.post(f"{NOTICES}deliveries/{delivery.pk}/again/")
        assert Courier().deliver_all() == 1
