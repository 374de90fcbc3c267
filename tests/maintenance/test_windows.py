"""Windows are planned, edited and called off; what makes no sense leaves nothing behind."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection

from maintenance import activities, mode, signals, windows
from maintenance.models import Activity, ModeSwitch, Window
from maintenance.trail import Origin
from tests.maintenance.windows import BY, ahead, begun, draft, let_the_end_come, planned

pytestmark = pytest.mark.django_db


def test_a_window_is_planned_with_the_checklist_of_its_activity(administrator: User) -> None:
    window = windows.plan(draft(activity=Activity.UPGRADE), origin=Origin(person=administrator))
    assert (window.person, window.person_name, window.version) == (administrator, "ada", 1)
    steps = tuple(window.steps.values_list("text", flat=True))
    assert steps == activities.PLANS[Activity.UPGRADE].steps
    assert not mode.current().is_enabled
    assert not ModeSwitch.objects.exists()


@pytest.mark.parametrize("activity", Activity.values)
def test_every_activity_has_advice_and_steps_that_end_with_the_mode_off(activity: str) -> None:
    plan = activities.PLANS[activity]
    assert plan.advice
    assert plan.steps[-1] == activities.OFF


@pytest.mark.parametrize(
    ("begins", "lasts", "more", "field", "words"),
    [
        (-1, 60, {}, "starts", "The start lies in the past."),
        (0, 60, {}, "starts", "The start lies in the past."),
        (60, -1, {}, "ends", "The end does not come after the start."),
        (60, 0, {}, "ends", "The end does not come after the start."),
        (60, 31 * 1440 + 1, {}, "ends", "A window lasts at most 31 days."),
        (60, 365 * 1440, {}, "ends", "A window lasts at most 31 days."),
        (367 * 1440, 60, {}, "starts", "more than a year ahead"),
        (60, None, {"closes_itself": True}, "ends", "needs an end"),
    ],
)
def test_times_that_make_no_sense_are_said_at_the_field(
    begins: float, lasts: float | None, more: dict[str, bool], field: str, words: str
) -> None:
    with pytest.raises(windows.WindowRefused, match=words) as caught:
        planned(begins=begins, lasts=lasts, **more)
    assert caught.value.field == field
    assert not Window.objects.exists()


@pytest.mark.parametrize(
    ("begins", "lasts", "clashes"),
    [
        (0.5, 59.5, False),
        (1, 61, True),
        (90, 10, True),
        (90, None, True),
        (120, 60, False),
        (30, None, True),
        (120, None, False),
    ],
)
def test_windows_do_not_overlap_and_the_clash_is_named(
    begins: float, lasts: float | None, clashes: bool
) -> None:
    first = planned(begins=60, lasts=60, reason="New roof")
    second = replace(draft(lasts=None), starts=first.starts + timedelta(minutes=begins - 60))
    if lasts is not None:
        second = replace(second, ends=second.starts + timedelta(minutes=lasts))
    if not clashes:
        windows.plan(second, origin=BY)
        return
    with pytest.raises(windows.Overlaps, match=f"Window {first.pk} is planned then.*New roof"):
        windows.plan(second, origin=BY)


def test_one_without_an_end_leaves_no_room_after_it() -> None:
    planned(begins=60, lasts=None)
    with pytest.raises(windows.Overlaps, match="no end"):
        planned(begins=5000)


def test_one_that_was_called_off_is_in_nobodys_way() -> None:
    windows.call_off(planned(), origin=BY)
    planned()


class TestEditing:
    def test_everything_can_be_edited_before_the_start(self) -> None:
        window = planned()
        wanted = draft(begins=90, lasts=10, activity=Activity.MOVE, reason="Newer disk")
        windows.edit(window, wanted, version=1, origin=BY)
        window.refresh_from_db()
        assert (window.starts, window.ends, window.reason, window.version) == (
            wanted.starts, wanted.ends, "Newer disk", 2,
        )  # fmt: skip
        assert window.steps.count() == len(activities.PLANS[Activity.MOVE].steps)

    def test_it_does_not_clash_with_itself(self) -> None:
        windows.edit(planned(), draft(begins=61), version=1, origin=BY)

    def test_the_second_of_two_who_edit_one_window_is_told(self) -> None:
        window = planned()
        windows.edit(window, draft(reason="first"), version=1, origin=BY)
        with pytest.raises(windows.EditedMeanwhile, match="Somebody else"):
            windows.edit(window, draft(reason="second"), version=1, origin=BY)
        window.refresh_from_db()
        assert window.reason == "first"

    def test_one_that_is_open_keeps_its_start(self) -> None:
        window = begun()
        with pytest.raises(windows.WindowRefused, match="only its end and its reason"):
            windows.edit(window, draft(), version=1, origin=BY)

    def test_one_that_is_open_gets_another_end_and_is_looked_at_again(self) -> None:
        window = begun(closes_itself=True)
        assert mode.settle(timeout=60).settled
        wanted = windows.Draft(
            starts=window.starts, ends=ahead(minutes=99), closes_itself=True,
            activity=window.activity, reason="Longer",
        )  # fmt: skip
        windows.edit(window, wanted, version=1, origin=BY)
        window.refresh_from_db()
        assert (window.ends, window.settled) == (wanted.ends, None)
        assert mode.current().reason == "Longer"

    def test_one_that_has_ended_cannot_be_edited(self) -> None:
        window = begun(closes_itself=True)
        let_the_end_come(window)
        with pytest.raises(windows.WindowOver):
            windows.edit(window, draft(), version=1, origin=BY)


class TestCallingOff:
    def test_before_the_start_it_never_begins(self) -> None:
        window = windows.call_off(planned(), origin=BY)
        Window.objects.update(starts=ahead(minutes=-1))
        assert not mode.current().is_enabled
        assert (window.called_off_by, window.opened) == ("ada", None)
        assert not mode.record()

    def test_while_it_is_open_the_mode_ends_with_it(self) -> None:
        window = begun()
        windows.call_off(window, origin=BY)
        assert not mode.current().is_enabled
        assert [entry.enabled for entry in ModeSwitch.objects.all()] == [False, True]
        window.refresh_from_db()
        assert window.ended is not None

    def test_the_mode_that_was_turned_on_by_hand_stays_on(self) -> None:
        mode.enable()
        windows.call_off(begun(), origin=BY)
        assert mode.current().is_enabled
        assert ModeSwitch.objects.count() == 1

    def test_twice_is_told(self) -> None:
        window = planned()
        windows.call_off(window, origin=BY)
        with pytest.raises(windows.WindowOver):
            windows.call_off(window, origin=BY)


class TestSteps:
    def test_a_step_is_ticked_off_once_and_can_be_taken_back(self) -> None:
        step = planned().steps.all()[0]
        assert windows.tick(step, done=True, origin=BY)
        assert not windows.tick(step, done=True, origin=Origin(name="eve"))
        step.refresh_from_db()
        assert (step.done_by, step.done is None) == ("ada", False)
        assert windows.tick(step, done=False, origin=BY)
        step.refresh_from_db()
        assert (step.done_by, step.done) == ("", None)

    def test_the_checklist_of_one_called_off_is_closed(self) -> None:
        window = planned()
        windows.call_off(window, origin=BY)
        assert not windows.tick(window.steps.all()[0], done=True, origin=BY)


def test_receivers_hear_of_windows() -> None:
    heard = []
    told = [signals.window_planned, signals.window_edited, signals.window_called_off]

    def hear(signal: object, window: Window, **kwargs: object) -> None:
        heard.append((told.index(signal), window.pk))  # type: ignore[arg-type]

    for signal in told:
        signal.connect(hear)
    try:
        window = planned()
        windows.edit(window, draft(), version=1, origin=BY)
        windows.call_off(window, origin=BY)
    finally:
        for signal in told:
            signal.disconnect(hear)
    assert heard == [(0, window.pk), (1, window.pk), (2, window.pk)]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_plan_the_same_time_at_once_one_does() -> None:
    start, outcomes = threading.Barrier(6), []

    def plan() -> None:
        try:
            start.wait(timeout=60)
            outcomes.append(planned().pk)
        except windows.Overlaps:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=plan) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Window.objects.count() == 1
    assert outcomes.count(None) == 5
