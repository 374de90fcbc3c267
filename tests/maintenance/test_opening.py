"""A window opens and closes by the clock, with nobody there; what it did is written afterwards."""

import threading
import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from maintenance import effective, gate, mode, signals, windows
from maintenance.models import MaintenanceMode, ModeSwitch, Window
from tests.conftest import ClientFor
from tests.maintenance import zoo
from tests.maintenance.test_mode import Change
from tests.maintenance.windows import BY, ahead, begun, let_the_end_come, mode_row, planned


@pytest.mark.django_db
class TestByTheClock:
    """Nothing here is recorded by anybody: no scheduler runs."""

    def test_people_are_refused_from_the_start_on_and_told_why(self, client: Client) -> None:
        window = planned()
        assert client.post("/zoo/write/").status_code == 200
        Window.objects.update(starts=ahead(minutes=-1))
        refused = client.post("/zoo/write/", headers={"Accept": "application/json"})
        assert refused.status_code == 503
        assert refused.json()["Reason"] == window.reason
        assert refused.json()["InMaintenanceMode"] is True
        assert zoo.changes() == ["zoo POST"]

    def test_administrators_are_not(self, administrator: User, client_for: ClientFor) -> None:
        begun()
        assert client_for(administrator).post("/zoo/write/").status_code == 200

    def test_it_closes_itself_only_if_that_was_chosen(self, client: Client) -> None:
        window = begun()
        let_the_end_come(window)
        assert client.post("/zoo/write/").status_code == 503
        Window.objects.update(closes_itself=True)
        assert client.post("/zoo/write/").status_code == 200

    def test_pages_are_held_read_only(self, deployer: User, client_for: ClientFor) -> None:
        begun()
        assert client_for(deployer).get("/zoo/catch_write/").content == b"could not"

    def test_a_change_still_costs_two_statements(
        self, deployer: User, client_for: ClientFor
    ) -> None:
        planned()
        client = client_for(deployer)
        client.get("/zoo/read/")
        with CaptureQueriesContext(connection) as queries:
            client.post("/zoo/sensitive/")
        question = effective.outlook(connection.vendor)
        assert len([query for query in queries if question in query["sql"]]) == 1

    def test_turning_it_off_ends_the_window(self) -> None:
        window = begun()
        assert mode.disable(name="eve").changed
        assert not mode.current().is_enabled
        window.refresh_from_db()
        assert (window.ended is None, window.ended_by) == (False, "eve")
        assert not mode.disable().changed

    def test_turning_on_what_a_window_holds_on_changes_nothing(self) -> None:
        begun()
        again = mode.enable(reason="by hand")
        assert (again.enabled, again.changed, again.settled) == (True, False, True)
        assert mode.current().reason == "New disk"

    def test_a_mode_turned_on_with_an_end_of_its_own_is_off_from_then_on(self) -> None:
        mode.enable(until=ahead(minutes=5), closes_itself=True)
        assert mode.current().is_enabled
        mode_row(until=ahead())
        assert not mode.current().is_enabled
        assert mode.enable(reason="again").changed
        assert [entry.enabled for entry in ModeSwitch.objects.all()] == [True, False, True]

    def test_what_closes_itself_needs_an_end(self) -> None:
        with pytest.raises(ValueError, match="has an end"):
            mode.enable(closes_itself=True)


@pytest.mark.django_db
class TestTheRecord:
    def test_an_opening_is_written_with_its_true_time(self, administrator: User) -> None:
        window = begun(ago=30)
        assert mode.record()
        assert not mode.record()
        entry = ModeSwitch.objects.get()
        assert (entry.enabled, entry.source, entry.window) == (True, "window", window)
        assert (entry.time, entry.person_name, entry.reason) == (window.starts, "ada", "New disk")
        window.refresh_from_db()
        assert window.opened == window.starts

    def test_a_window_that_came_and_went_while_nobody_looked_is_written_whole(self) -> None:
        window = begun(ago=120, lasts=60, closes_itself=True)
        assert mode.record()
        closing, opening = ModeSwitch.objects.all()
        assert (opening.enabled, opening.time) == (True, window.starts)
        assert (closing.enabled, closing.time) == (False, window.ends)
        window.refresh_from_db()
        assert (window.ended, window.ended_by) == (window.ends, "by itself")

    def test_what_happened_is_written_in_order_before_the_next_switch_by_hand(self) -> None:
        begun(ago=120, lasts=60, closes_itself=True)
        mode.enable(reason="by hand")
        mode.disable()
        assert [e.enabled for e in ModeSwitch.objects.all()] == [False, True, False, True]
        times = list(ModeSwitch.objects.order_by("generation").values_list("time", flat=True))
        assert times == sorted(times)

    def test_a_window_within_a_time_that_was_turned_on_by_hand_switches_nothing(self) -> None:
        mode.enable()
        window = begun(ago=120, lasts=60, closes_itself=True)
        assert not mode.record()
        window.refresh_from_db()
        assert window.ended == window.ends
        assert ModeSwitch.objects.count() == 1

    def test_the_modes_own_end_within_a_window_switches_nothing(self) -> None:
        begun(ago=10)
        mode_row(is_enabled=True, until=ahead(minutes=-5), closes_itself=True, generation=1)
        mode.record()
        assert mode.current().is_enabled
        assert not MaintenanceMode.objects.get().is_enabled
        assert not ModeSwitch.objects.exists()

    def test_windows_that_follow_each_other_are_written_one_after_the_other(self) -> None:
        first = begun(ago=120, lasts=60, closes_itself=True)
        second = begun(ago=60, lasts=30, closes_itself=True)
        mode.record()
        entries = ModeSwitch.objects.order_by("generation").values_list("enabled", "window")
        assert list(entries) == [
            (True, first.pk), (False, first.pk), (True, second.pk), (False, second.pk),
        ]  # fmt: skip

    def test_receivers_hear_of_it_once(self) -> None:
        heard: list[tuple[bool, Window | None]] = []

        def hear(switch: ModeSwitch, **kwargs: object) -> None:
            heard.append((switch.enabled, switch.window))

        signals.mode_enabled.connect(hear)
        signals.mode_disabled.connect(hear)
        try:
            window = begun()
            windows.tend()
            windows.tend()
            mode.disable()
        finally:
            signals.mode_enabled.disconnect(hear)
            signals.mode_disabled.disconnect(hear)
        assert heard == [(True, window), (False, window)]

    def test_a_refusal_before_the_record_belongs_to_the_window(self, client: Client) -> None:
        from maintenance.models import Refusal

        window = begun(ago=1)
        assert client.post("/zoo/write/").status_code == 503
        assert Refusal.objects.during(window.starts, None).count() == 1


@pytest.mark.django_db(transaction=True)
class TestSettled:
    def test_it_is_written_once_the_exclusive_side_was_taken(self) -> None:
        window = begun()
        assert mode.current().settled is None
        switch = mode.settle(timeout=60)
        assert (switch.enabled, switch.settled, switch.changed) == (True, True, False)
        window.refresh_from_db()
        assert window.settled is not None
        first = window.settled
        mode.settle(timeout=60)
        window.refresh_from_db()
        assert window.settled == first

    def test_turning_it_on_by_hand_writes_it_too(self) -> None:
        assert mode.enable().mode.settled is not None
        mode.disable()
        assert mode.current().settled is None

    def test_what_is_off_is_not_settled(self) -> None:
        assert not mode.settle(timeout=60).settled

    def test_a_change_let_in_before_keeps_it_from_being_settled(self) -> None:
        window = planned()
        with Change():
            if connection.vendor == "postgresql":
                Window.objects.update(starts=ahead(minutes=-1))
                switch = mode.settle(timeout=0.3)
                assert (switch.enabled, switch.settled, switch.in_flight) == (True, False, 1)
            else:
                switch = mode.settle(timeout=0.3)
                assert not switch.settled
        Window.objects.update(starts=ahead(minutes=-1))
        assert mode.settle(timeout=60).settled
        window.refresh_from_db()
        assert window.settled is not None

    @pytest.mark.sqlite
    def test_on_sqlite_a_change_that_spans_the_start_holds_it_back_too(self) -> None:
        Window.objects.create(starts=(start := ahead(seconds=2)))
        with Change():
            _wait_for(lambda: mode.current().is_enabled, until=start)
            switch = mode.settle(timeout=0.3)
            assert (switch.enabled, switch.settled) == (True, False)
        assert mode.settle(timeout=60).settled

    def test_a_settled_mark_is_not_given_to_what_was_edited_meanwhile(self) -> None:
        begun(closes_itself=True)
        row = mode.current()
        Window.objects.update(opened=ahead(), version=2)
        mode._write_settled(row, timeout=1)
        assert mode.current().settled is None


def _wait_for(condition: object, *, until: object) -> None:
    deadline = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"not by {until}"
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
def test_no_change_commits_after_a_window_is_settled_under_writers() -> None:
    mode.disable()
    window = Window.objects.create(starts=ahead(seconds=2))
    refused = threading.Event()

    def write(number: int) -> None:
        count = 0
        try:
            while True:
                passage = gate.admitted(AnonymousUser())
                Group.objects.create(name=f"zoo {number} {count}")
                passage.close()
                count += 1
        except gate.InMaintenanceMode:
            refused.set()
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    _wait_for(lambda: mode.settle(timeout=1).settled, until=window.starts)
    found = len(zoo.changes())
    for thread in threads:
        thread.join()

    assert refused.is_set()
    assert found > 0
    assert len(zoo.changes()) == found
    window.refresh_from_db()
    assert window.settled is not None
    assert window.settled >= window.starts


@pytest.mark.django_db(transaction=True)
def test_of_many_who_record_at_once_one_does() -> None:
    begun(ago=120, lasts=60, closes_itself=True)
    begun(ago=30)
    start = threading.Barrier(6)

    def tend() -> None:
        try:
            start.wait(timeout=60)
            mode.record(timeout=60)
        finally:
            connection.close()

    threads = [threading.Thread(target=tend) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = ModeSwitch.objects.order_by("generation").values_list("enabled", flat=True)
    assert list(entries) == [True, False, True]


@pytest.mark.django_db
def test_an_end_that_is_moved_after_it_came_opens_nothing_again() -> None:
    window = begun(closes_itself=True, ago=30)
    let_the_end_come(window)
    later = windows.Draft(
        starts=window.starts, ends=ahead() + timedelta(hours=1), closes_itself=True
    )
    with pytest.raises(windows.WindowOver):
        windows.edit(window, later, version=1, origin=BY)
    assert not mode.current().is_enabled
