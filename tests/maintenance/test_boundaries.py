"""What bounds a switch, and what being let in does not reach beyond (G2)."""

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction

from maintenance import gate, mode
from maintenance.models import ModeSwitch
from tests.maintenance.test_command import run

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def change_in_progress(action: Callable[[], object]) -> Iterator[None]:
    """Do something in a gated change on another connection, and roll it back after the block."""
    done, over = threading.Event(), threading.Event()

    def act() -> None:
        try:
            passage = gate.unchecked(None)
            action()
            done.set()
            assert over.wait(timeout=60)
            passage.close(failed=True)
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    try:
        assert done.wait(timeout=60)
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.postgresql
class TestRowsThatTheSwitchNeeds:
    """A change may hold the mode's row, or the administrator's, which the switch refers to."""

    @pytest.fixture(autouse=True)
    def _switched_by_ada(self, administrator: User) -> None:
        mode.enable(person=administrator)
        mode.disable(person=administrator)

    def test_enable_gives_up_in_time_and_changes_nothing(self, administrator: User) -> None:
        with change_in_progress(administrator.delete):
            switch = mode.enable(timeout=0.2)
        assert (switch.enabled, switch.changed, switch.settled) == (False, False, False)
        assert switch.in_flight is None
        assert ModeSwitch.objects.count() == 2
        assert mode.enable(timeout=60).settled

    def test_the_command_says_so(self, administrator: User) -> None:
        with change_in_progress(administrator.delete):
            code, said = run("on", "--timeout", "0.2")
        assert (code, "still off" in said, "Nothing was changed" in said) == (3, True, True)

    def test_the_command_says_so_when_the_mode_is_on_already(self, administrator: User) -> None:
        mode.enable(person=administrator)
        with change_in_progress(administrator.delete):
            code, said = run("on", "--timeout", "0.2")
        assert (code, "still on" in said, "None" in said) == (3, True, False)

    def test_disable_gives_up_in_time_too(self, administrator: User, settings: object) -> None:
        mode.enable(person=administrator)
        settings.MAINTENANCE_SWITCH_TIMEOUT = 0.2  # type: ignore[attr-defined]
        with change_in_progress(administrator.delete), pytest.raises(OperationalError):
            mode.disable()
        assert mode.disable().changed


def check(person: User) -> int | None:
    """Let a person in as the queue does, and count the changes in progress then."""
    with transaction.atomic():
        gate.check(person)
        return mode.in_flight()


@pytest.mark.postgresql
def test_g2_being_let_in_counts_for_no_other_connection(deployer: User) -> None:
    passage = gate.admitted(deployer)
    counts: list[int | None] = []

    def act() -> None:
        try:
            counts.append(check(deployer))
        finally:
            connection.close()

    thread = threading.Thread(target=contextvars.copy_context().run, args=[act])
    thread.start()
    thread.join()
    passage.close()
    assert counts == [2]


def test_g2_being_let_in_ends_with_the_transaction(deployer: User) -> None:
    passage = gate.admitted(deployer)
    context = contextvars.copy_context()  # as a background task of the view would have it
    passage.close()
    mode.enable()

    with pytest.raises(gate.InMaintenanceMode):
        context.run(check, deployer)
