import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks import lifecycle, queue
from tasks.claiming import Lane
from tasks.lifecycle import Ending
from tasks.models import LogChunk, ServerNode, ServerTask, State
from tasks.turnstile import Turnstile

ONE_LEADS, OTHERS = 1, 4


class Desk:
    """Doubles numbers, holding the first caller up until all others stand behind it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.turnstile: Turnstile[int, int] = Turnstile(self.settle)
        self.go_on = threading.Event()
        self.began = threading.Event()

    def settle(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.began.set()
        assert self.go_on.wait(30)
        if 13 in numbers:
            raise LookupError("an unlucky number")
        return [2 * number for number in numbers]

    def wait_for_queue(self, length: int) -> None:
        while len(self.turnstile._waiting) < length:
            assert not self.go_on.wait(0.005)


def test_who_comes_while_one_passes_goes_through_together_afterwards() -> None:
    desk = Desk()
    with ThreadPoolExecutor(ONE_LEADS + OTHERS) as people:
        first = people.submit(desk.turnstile.pass_through, 1)
        assert desk.began.wait(30)
        others = [people.submit(desk.turnstile.pass_through, number) for number in (2, 3, 4, 5)]
        desk.wait_for_queue(OTHERS)
        desk.go_on.set()
        assert [first.result(30), *(one.result(30) for one in others)] == [2, 4, 6, 8, 10]
    assert [len(batch) for batch in desk.batches] == [ONE_LEADS, OTHERS]


def test_what_fails_fails_for_all_who_went_together_and_nobody_waits_for_ever() -> None:
    desk = Desk()
    with ThreadPoolExecutor(3) as people:
        first = people.submit(desk.turnstile.pass_through, 1)
        assert desk.began.wait(30)
        others = [people.submit(desk.turnstile.pass_through, number) for number in (7, 13)]
        desk.wait_for_queue(len(others))
        desk.go_on.set()
        assert first.result(30) == 2
        for one in others:
            with pytest.raises(LookupError):
                one.result(30)
    assert desk.turnstile.pass_through(3) == 6


# What passes through it


def ending(task: ServerTask) -> Ending:
    words = LogChunk(
        task=task, first_line=1, line_count=1, started=task.start_time, text=f"0 i {task.name}"
    )
    return Ending(task=task, state=State.SUCCESS, last_words=[words])


def claimed(node: ServerNode, kind: str, **arguments: str) -> ServerTask:
    queue.enqueue(kind, arguments)
    task = lifecycle.claim_next(node)
    assert task is not None
    return task


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo_kinds")]


def test_several_runs_are_completed_and_followed_in_the_order_of_the_claim(
    node: ServerNode,
) -> None:
    runs = [claimed(node, "Simple") for _ in range(3)]
    waiting = [queue.enqueue("Simple") for _ in range(4)]
    urgent = queue.enqueue("Simple", prioritized=True)

    done, taken = lifecycle.turn_over(
        [ending(run) for run in runs], node=node, wanted={Lane.PEOPLE: 3}
    )

    assert done == [True, True, True]
    assert taken == [urgent, *waiting[:2]]
    assert ServerTask.objects.filter(state=State.SUCCESS, completed_time__isnull=False).count() == 3
    assert {chunk.task_id for chunk in LogChunk.objects.all()} == {run.pk for run in runs}


def test_a_run_that_was_reaped_is_left_alone_and_its_words_are_not_kept(node: ServerNode) -> None:
    lost, kept = claimed(node, "Simple"), claimed(node, "Simple")
    ServerTask.objects.filter(pk=lost.pk).update(attempt=2)

    wanted = {Lane.PEOPLE: 2}
    assert lifecycle.turn_over([ending(lost), ending(kept)], node=node, wanted=wanted) == (
        [False, True],
        [],
    )

    lost.refresh_from_db()
    assert lost.state == State.EXECUTING
    assert [chunk.task_id for chunk in LogChunk.objects.all()] == [kept.pk]


def test_each_lane_is_filled_by_its_own_as_far_as_there_is_room(node: ServerNode) -> None:
    run = claimed(node, "Simple")
    waiting = [queue.enqueue("Simple") for _ in range(3)]
    system = queue.enqueue_occurrence("Beating", None)
    assert system is not None

    wanted = {Lane.PEOPLE: 2, Lane.SYSTEM: 3}
    done, taken = lifecycle.turn_over([ending(run)], node=node, wanted=wanted)

    assert done == [True]
    assert set(taken) == {*waiting[:2], system}
    assert lifecycle.turn_over([], node=node, wanted={Lane.SYSTEM: 1}) == ([], [])
    assert lifecycle.turn_over([], node=node, wanted={Lane.PEOPLE: 5}) == ([], waiting[2:])


def test_q5_two_of_the_best_with_the_same_key_never_start_together(node: ServerNode) -> None:
    runs = [claimed(node, "Simple"), claimed(node, "Simple")]
    first, second = (queue.enqueue("Keyed", {"key": "one"}) for _ in range(2))

    done, taken = lifecycle.turn_over(
        [ending(run) for run in runs], node=node, wanted={Lane.PEOPLE: 2}
    )

    assert done == [True, True]
    assert taken == [first]
    second.refresh_from_db()
    assert second.state == State.QUEUED


def test_q5_a_task_follows_one_of_its_key_that_ends_with_the_same_step(node: ServerNode) -> None:
    queue.enqueue("Keyed", {"key": "one"})
    run = lifecycle.claim_next(node)
    assert run is not None
    following = queue.enqueue("Keyed", {"key": "one"})
    wanted = {Lane.PEOPLE: 1}
    assert lifecycle.turn_over([ending(run)], node=node, wanted=wanted) == ([True], [following])
