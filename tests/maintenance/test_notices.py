"""Notices: written with what they tell of, delivered once, retried within bounds, on record."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection, transaction
from pytest_django import Settings

from maintenance import mode, reports, trail, windows
from maintenance.models import ModeSwitch
from maintenance.notices import courier, deliveries, secrets, subscriptions, webhooks
from maintenance.notices.courier import Courier
from maintenance.notices.models import Attempt, Delivery, Notice, Webhook
from tasks.models import ServerTask
from tasks.scheduler import Scheduler
from tests.maintenance import receivers
from tests.maintenance.windows import BY, begun, draft, let_the_end_come, planned

pytestmark = pytest.mark.django_db

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def webhook(url: str, **values: Any) -> Webhook:
    made = Webhook(name=values.pop("name", "Chat"), url=url, **values)
    webhooks.save(made, secret=SECRET, by="ada")
    return made


def events() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("event", flat=True))


def come_due() -> None:
    """Let every waiting delivery's next try be now."""
    Delivery.objects.waiting().update(next_try=trail.now("default") - timedelta(seconds=1))


@pytest.fixture
def reader(deployer: User) -> User:
    """A deployer who has an address and wants mail."""
    deployer.email = "dora@example.com"
    deployer.save()
    subscriptions.set_email(deployer, wanted=True)
    return deployer


class TestWriting:
    def test_planned_edited_and_called_off_are_noted(self) -> None:
        window = planned()
        windows.edit(window, draft(begins=90), version=1, origin=BY)
        windows.call_off(window, origin=BY)
        assert events() == ["planned", "planned", "called_off"]
        assert {notice.window_id for notice in Notice.objects.all()} == {window.pk}
        assert [each.data["window"]["version"] for each in Notice.objects.order_by("pk")] == [
            1, 2, 2,
        ]  # fmt: skip

    def test_on_and_off_by_hand_are_noted_once_each(self) -> None:
        for _ in range(2):
            mode.enable(name="ada", reason="New disk")
        for _ in range(2):
            mode.disable(name="ada")
        assert events() == ["on", "off"]
        assert Notice.objects.last().data["mode"]["reason"] == "New disk"  # type: ignore[union-attr]

    def test_what_the_clock_does_is_noted_at_its_time_by_whoever_records_it(self) -> None:
        window = begun(closes_itself=True)
        let_the_end_come(window)
        mode.record()
        window.refresh_from_db()
        on, off = Notice.objects.filter(event__in=["on", "off"]).order_by("pk")
        assert (on.event, on.time, on.window) == ("on", window.starts, window)
        assert (off.event, off.time, off.window) == ("off", window.ends, window)

    def test_a_refused_window_is_not_noted(self) -> None:
        with pytest.raises(windows.WindowRefused):
            windows.plan(draft(begins=-10), origin=BY)
        assert events() == []

    def test_what_is_rolled_back_is_not_told(self) -> None:
        window = planned()
        before = events()
        with transaction.atomic():
            row = trail.lock("default")
            trail.note(row, enabled=True, origin=BY, using="default", window=window)
            transaction.set_rollback(True)
        assert events() == before
        assert not ModeSwitch.objects.exists()


class TestDelivering:
    def test_everybody_who_wants_it_is_told_once(self, reader: User, viewer: User) -> None:
        with receivers.answering() as received:
            webhook(received.url)
            planned(reason="New\ndisk")
            assert Courier().deliver_all() == 2
            assert Courier().deliver_all() == 0
        assert len(received.messages) == 1
        assert [letter.to for letter in mail.outbox] == [["dora@example.com"]]
        assert "New" in mail.outbox[0].body
        assert set(Delivery.objects.values_list("state", flat=True)) == {"Sent"}

    def test_the_message_can_be_verified_and_says_what_happened(self) -> None:
        with receivers.answering() as received:
            webhook(received.url)
            mode.enable(name="ada", reason="New disk")
            Courier().deliver_all()
        [(headers, body)] = received.messages
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(secrets.key_of(SECRET), signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
        message = json.loads(body)
        assert message["type"] == "maintenance.on"
        assert message["data"]["mode"]["reason"] == "New disk"
        assert message["data"]["by"] == "ada"

    def test_a_failure_is_tried_again_with_the_same_identifier_and_body(self) -> None:
        with receivers.answering(status=500, answer=b"no \x00 <b>room</b>") as received:
            webhook(received.url)
            mode.enable(name="ada")
            Courier().deliver_all()
            delivery = Delivery.objects.get()
            assert (delivery.state, delivery.tries) == ("Waiting", 1)
            assert delivery.next_try > trail.now("default") + timedelta(seconds=5)
            assert Courier().deliver_all() == 0
            come_due()
            received.status = 200
            assert Courier().deliver_all() == 1
        first, second = received.messages
        assert first[0]["webhook-id"] == second[0]["webhook-id"]
        assert first[1] == second[1]
        outcomes = list(Attempt.objects.order_by("number").values_list("succeeded", "outcome"))
        assert outcomes == [(False, "HTTP 500: no <b>room</b>"), (True, "HTTP 200")]

    def test_it_is_given_up_after_the_last_attempt(self, settings: Settings) -> None:
        settings.MAINTENANCE_NOTICE_DELAYS = [1, 1]
        webhook("http://127.0.0.1:1/")
        mode.enable(name="ada")
        made = 0
        while Delivery.objects.waiting().exists() or not made:
            come_due()
            made += Courier().deliver_all()
        assert made == 3
        assert Delivery.objects.get().state == "GivenUp"
        come_due()
        assert Courier().deliver_all() == 0

    def test_the_default_bound_is_a_day(self) -> None:
        assert len(deliveries.DELAYS) == 8
        assert timedelta(seconds=sum(deliveries.DELAYS)) < deliveries.TOO_OLD

    def test_what_happened_too_long_ago_is_told_to_nobody(self, reader: User) -> None:
        planned()
        Notice.objects.update(time=trail.now("default") - timedelta(hours=25))
        Courier().deliver_all()
        assert mail.outbox == []
        assert Delivery.objects.get().state == "GivenUp"
        assert Attempt.objects.get().outcome == "it happened too long ago"

    def test_nor_is_it_after_attempts_in_vain_before_a_long_outage(self, reader: User) -> None:
        planned()
        deliveries.address()
        long_ago = trail.now("default") - timedelta(hours=25)
        Notice.objects.update(time=long_ago)
        Delivery.objects.update(tries=2, next_try=long_ago + timedelta(minutes=6))
        Courier().deliver_all()
        assert mail.outbox == []
        assert Attempt.objects.get().outcome == "it happened too long ago"

        assert deliveries.try_again(Delivery.objects.get())  # somebody wants it all the same
        Courier().deliver_all()
        assert len(mail.outbox) == 1
        assert Delivery.objects.get().state == "Sent"

    def test_a_server_that_sends_no_mail_any_more_says_so(
        self, reader: User, settings: Settings
    ) -> None:
        planned()
        deliveries.address()
        settings.MAINTENANCE_SENDS_EMAIL = False
        Courier().deliver_all()
        assert mail.outbox == []
        assert Delivery.objects.get().state == "GivenUp"
        assert Attempt.objects.get().outcome == "this server sends no mail"

    @pytest.mark.parametrize("status", [301, 307])
    def test_a_redirect_is_a_failure(self, status: int) -> None:
        with receivers.answering(status=status, headers={"Location": "/other"}) as received:
            webhook(received.url)
            planned()
            Courier().deliver_all()
        assert len(received.messages) == 1
        assert "redirect" in Attempt.objects.get().outcome

    def test_gone_is_not_tried_again(self) -> None:
        with receivers.answering(status=410) as received:
            webhook(received.url)
            planned()
            Courier().deliver_all()
        assert Delivery.objects.get().state == "GivenUp"

    def test_what_is_turned_off_removed_or_not_wanted_any_more_is_not_told(
        self, reader: User
    ) -> None:
        off = webhook("http://127.0.0.1:1/")
        gone = webhook("http://127.0.0.1:1/", name="Gone")
        planned()
        deliveries.address()
        Webhook.objects.filter(pk=off.pk).update(is_enabled=False)
        gone.delete()
        subscriptions.set_email(reader, wanted=False)
        assert Courier().deliver_all() == 3
        assert mail.outbox == []
        assert set(Delivery.objects.values_list("state", flat=True)) == {"GivenUp"}

    def test_a_person_who_may_not_sign_in_any_more_is_not_told(self, reader: User) -> None:
        reader.is_active = False
        reader.save()
        planned()
        Courier().deliver_all()
        assert mail.outbox == []

    def test_a_mail_server_that_fails_is_on_record_and_tried_again(
        self, reader: User, settings: Settings
    ) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        planned()
        Courier().deliver_all()
        assert Delivery.objects.get().state == "Waiting"
        assert "ConnectionRefusedError" in Attempt.objects.get().outcome

    def test_an_attempt_whose_process_was_killed_is_made_again_later(self) -> None:
        with receivers.answering() as received:
            webhook(received.url)
            planned()
            deliveries.address()
            assert deliveries.begin(deliveries.candidates()[0])
            assert Courier().deliver_all() == 0
            come_due()
            assert Courier().deliver_all() == 1
        assert Delivery.objects.get().state == "Sent"
        assert [each.outcome for each in Attempt.objects.order_by("number")] == ["", "HTTP 200"]

    def test_a_secret_that_no_key_opens_is_said(self, settings: Settings) -> None:
        with receivers.answering() as received:
            webhook(received.url)
            settings.VARIABLES_KEYS = ["another"]
            planned()
            Courier().deliver_all()
        assert received.messages == []
        assert Attempt.objects.get().outcome == "No key of this server opens the secret."

    def test_old_notices_are_forgotten(self, settings: Settings) -> None:
        planned()
        Notice.objects.update(time=trail.now("default") - timedelta(days=400))
        mode.enable(name="ada")
        deliveries.address()
        assert events() == ["on"]


class TestReport:
    def test_the_report_of_a_window_has_its_notices(self, reader: User) -> None:
        window = planned()
        Courier().deliver_all()
        told = reports.as_json(reports.of(window))["notices"]
        assert [(each["event"], each["to"], each["state"]) for each in told] == [
            ("planned", "dora@example.com", "Sent")
        ]


@pytest.mark.django_db(transaction=True)
class TestSeveralAtOnce:
    def test_each_attempt_is_made_by_one_of_many(self) -> None:
        with receivers.answering() as received:
            for number in range(4):
                webhook(received.url, name=f"Chat {number}")
            for _ in range(5):
                mode.enable(name="ada")
                mode.disable(name="ada")
            together(8, lambda: Courier().deliver_all())
        assert len(received.messages) == 40
        assert len({headers["webhook-id"] for headers, _ in received.messages}) == 40
        assert Attempt.objects.count() == 40
        assert not Delivery.objects.exclude(state="Sent").exists()

    def test_a_receiver_that_hangs_keeps_neither_the_scheduler_nor_the_others(self) -> None:
        runner = Courier()
        with receivers.hanging() as (url, came), receivers.answering() as received:
            webhook(url, name="A hanging one")
            webhook(received.url, name="B")
            for _ in range(3):
                mode.enable(name="ada")
                mode.disable(name="ada")
            assert runner.nudge()  # returns at once: nothing has answered yet
            assert came.wait(30)
            while len(received.messages) < 6:
                runner.nudge()
                threading.Event().wait(0.02)
            assert Attempt.objects.filter(delivery__recipient="A hanging one").count() == 1
        for sender in runner._senders:
            sender.join(30)

    def test_system_tasks_are_queued_while_a_receiver_hangs(self) -> None:
        keeper = Scheduler()
        with receivers.hanging() as (url, came):
            webhook(url)
            mode.enable(name="ada")
            while not came.wait(0.02):
                keeper.tick()
            ServerTask.objects.all().delete()
            keeper.tick()
            assert ServerTask.objects.system().exists()
            assert Attempt.objects.get().ended is None
        for sender in courier._courier._senders:
            sender.join(30)


def together(number: int, act: Any) -> None:
    """Do it in so many threads at once, each with a connection of its own."""
    barrier = threading.Barrier(number)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            barrier.wait()
            act()
        except Exception as error:  # noqa: BLE001
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_step_of_the_scheduler_only_looks_where_nothing_is_due(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(2):
        courier.nudge()
