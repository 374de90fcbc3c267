"""The one writer of the mode: its row, its trail, who asked and what it came to (G6, G8, G9)."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from maintenance import mode, signals
from maintenance.models import MaintenanceMode, ModeSwitch, Source


@pytest.mark.django_db
def test_g6_a_missing_row_means_off() -> None:
    assert not MaintenanceMode.objects.exists()
    assert not mode.current().is_enabled


@pytest.mark.django_db
def test_g6_the_database_holds_one_row_and_no_other() -> None:
    mode.enable()
    with pytest.raises(IntegrityError), transaction.atomic():
        MaintenanceMode.objects.create(id=2)


def test_g8_a_switch_is_on_record(administrator: User) -> None:
    until = timezone.now() + timedelta(hours=2)
    switch = mode.enable(
        person=administrator, reason="Disk", until=until, source=Source.PAGE, address="192.0.2.1"
    )

    assert (switch.enabled, switch.changed, switch.settled) == (True, True, True)
    row = mode.current()
    assert (row.is_enabled, row.person, row.person_name) == (True, administrator, "ada")
    assert (row.reason, row.until) == ("Disk", until)
    entry = ModeSwitch.objects.get()
    assert (entry.enabled, entry.person, entry.source) == (True, administrator, "page")
    assert (entry.address, entry.reason, entry.until) == ("192.0.2.1", "Disk", until)
    assert abs(entry.time - timezone.now()) < timedelta(minutes=1)


def test_g8_the_record_outlives_the_person(administrator: User) -> None:
    mode.enable(person=administrator)
    administrator.delete()
    assert ModeSwitch.objects.get().person_name == "ada"
    assert mode.current().person_name == "ada"


@pytest.mark.django_db
def test_g9_enabling_twice_is_no_error_and_leaves_one_record() -> None:
    mode.enable(reason="first")
    again = mode.enable(reason="second")
    assert (again.enabled, again.changed, again.settled) == (True, False, True)
    assert mode.current().reason == "first"
    assert ModeSwitch.objects.count() == 1


@pytest.mark.django_db
def test_g9_disabling_what_is_off_is_no_error_and_leaves_no_record() -> None:
    assert not mode.disable().changed
    mode.enable()
    assert mode.disable().changed
    assert not mode.disable().changed
    assert [entry.enabled for entry in ModeSwitch.objects.all()] == [False, True]


@pytest.mark.django_db(transaction=True)
def test_a_switch_inside_somebody_elses_transaction_is_refused() -> None:
    with transaction.atomic(), pytest.raises(mode.SwitchInTransaction):
        mode.enable()
    with transaction.atomic(), pytest.raises(mode.SwitchInTransaction):
        mode.disable()
    assert not ModeSwitch.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_g9_two_administrators_at_once_leave_a_sane_history() -> None:
    start = threading.Barrier(6)

    def flip(number: int) -> None:
        try:
            start.wait(timeout=60)
            for _ in range(5):
                mode.enable(name=f"ada {number}")
                mode.disable(name=f"ada {number}")
        finally:
            connection.close()

    threads = [threading.Thread(target=flip, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    history = list(ModeSwitch.objects.order_by("generation"))
    assert [entry.enabled for entry in history] == [True, False] * (len(history) // 2)
    assert [entry.generation for entry in history] == list(range(1, len(history) + 1))
    assert not mode.current().is_enabled


@pytest.mark.django_db
def test_receivers_hear_of_a_switch_and_cannot_undo_it() -> None:
    heard = []

    def hear(sender: type, mode: MaintenanceMode, **kwargs: object) -> None:
        heard.append(mode.is_enabled)
        raise RuntimeError

    signals.mode_enabled.connect(hear)
    signals.mode_disabled.connect(hear)
    try:
        mode.enable()
        mode.enable()
        mode.disable()
    finally:
        signals.mode_enabled.disconnect(hear)
        signals.mode_disabled.disconnect(hear)
    assert heard == [True, False]


@pytest.mark.django_db(transaction=True)
class TestWaiting:
    """G2: enabling waits for what was let in before, and says so when it cannot."""

    @pytest.mark.postgresql
    def test_g2_past_the_bound_the_flag_stays_on_and_the_changes_are_counted(self) -> None:
        with Change(), Change():
            switch = mode.enable(timeout=0.3)
        assert (switch.enabled, switch.changed, switch.settled) == (True, True, False)
        assert switch.in_flight == 2
        assert switch.waited >= 0.3
        assert mode.enable(timeout=60).settled

    @pytest.mark.sqlite
    def test_g2_on_sqlite_nothing_changes_past_the_bound(self) -> None:
        mode.disable()
        with Change():
            switch = mode.enable(timeout=0.3)
        assert (switch.enabled, switch.changed, switch.settled) == (False, False, False)
        assert switch.in_flight is None
        assert not ModeSwitch.objects.exists()
        assert mode.enable(timeout=60).settled

    @pytest.mark.postgresql
    def test_g2_a_switch_gives_up_its_place_when_it_is_overtaken(self) -> None:
        outcome: list[mode.Switch] = []

        def enable() -> None:
            try:
                outcome.append(mode.enable(timeout=30))
            finally:
                connection.close()

        with Change():
            thread = threading.Thread(target=enable)
            thread.start()
            while not mode.current().is_enabled:
                pass
            mode.disable()
            thread.join()
        assert (outcome[0].enabled, outcome[0].settled) == (False, False)


class Change:
    """A change in progress on a connection of its own, from entering to leaving the block."""

    def __enter__(self) -> None:
        self._begun, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._begun.wait(timeout=60)

    def __exit__(self, *args: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        from django.contrib.auth.models import AnonymousUser

        from maintenance import gate

        try:
            passage = gate.admitted(AnonymousUser())
            self._begun.set()
            assert self._over.wait(timeout=60)
            passage.close()
        finally:
            connection.close()
