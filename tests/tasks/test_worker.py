import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DataError, OperationalError, connection

from tasks import clock, crew, lifecycle, log, queue, worker
from tasks.heartbeat import Heartbeat
from tasks.models import ServerNode, ServerTask, State
from tasks.worker import UnknownClaims, Worker
from tests.tasks import zoo
from tests.tasks.conftest import make_node

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo_kinds")]


@pytest.fixture
def hand(node: ServerNode) -> Worker:
    """A worker without threads: it works where it is told to look."""
    return Worker(node)


def executed(hand: Worker, kind: str) -> ServerTask:
    task = queue.enqueue(kind)
    hand.look()
    task.refresh_from_db()
    return task


def words_of(task: ServerTask) -> list[str]:
    return [line.text for line in log.lines(task)]


def test_a_task_is_executed_and_its_log_kept(hand: Worker) -> None:
    task = executed(hand, "Simple")
    assert task.state == State.SUCCESS
    queued, *rest = words_of(task)
    assert queued.startswith("Queued by the server at ")
    assert rest == ["Started on server node north.", "Nothing to do.", "Success"]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Failing", "It was not to be."),
        ("Faulty", "ZeroDivisionError: a fault of the program"),
        ("Exiting", "SystemExit: 3"),
    ],
)
def test_whatever_goes_wrong_in_a_kind_is_a_failed_task(
    hand: Worker, kind: str, message: str
) -> None:
    task = executed(hand, kind)
    assert (task.state, task.message) == (State.FAILED, message)
    assert words_of(task)[-1] == f"Failed: {message}"


def test_the_traceback_of_a_fault_is_in_the_log_but_not_that_of_a_failure(hand: Worker) -> None:
    assert any("Traceback" in line for line in words_of(executed(hand, "Faulty")))
    assert not any("Traceback" in line for line in words_of(executed(hand, "Failing")))


def test_a_task_of_a_kind_that_is_gone_fails(hand: Worker) -> None:
    task = queue.enqueue("Simple")
    ServerTask.objects.update(kind="Gone")
    hand.look()
    task.refresh_from_db()
    assert (task.state, task.message) == (State.FAILED, "There is no task kind 'Gone'.")


def test_one_look_executes_all_that_is_ready_children_too(hand: Worker, deployer: User) -> None:
    parent = queue.enqueue("Parental", person=deployer)
    hand.look()
    child = ServerTask.objects.get(parent=parent)
    assert (child.state, child.person) == (State.SUCCESS, deployer)


def test_q5_a_task_follows_another_of_its_key_in_the_same_look(hand: Worker) -> None:
    for _ in range(3):
        queue.enqueue("Keyed", {"key": "web"})
    hand.look()
    assert {task.state for task in ServerTask.objects.all()} == {State.SUCCESS}


def test_one_look_claims_for_every_free_slot_and_no_more(hand: Worker) -> None:
    tasks = [queue.enqueue("Calling") for _ in range(hand.task_cap + 1)]
    running = []

    def count() -> None:
        running.append(len(hand.running()))

    zoo.Calling.call = staticmethod(count)
    hand.look()
    assert running[0] == hand.task_cap
    assert max(running) == hand.task_cap
    assert {ServerTask.objects.get(pk=task.pk).state for task in tasks} == {State.SUCCESS}


def test_who_was_called_while_it_found_nothing_looks_again(
    hand: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task is queued when the worker has just looked and its slot is not free yet."""
    turn_over, late = lifecycle.turn_over, []

    def and_enqueue(*args: Any, **more: Any) -> Any:
        found = turn_over(*args, **more)
        if not late:
            late.append(queue.enqueue("Simple"))
            threads.call()
        return found

    threads = crew.Crew(hand)
    monkeypatch.setattr(threads, "_rouse", lambda number: None)
    monkeypatch.setattr(lifecycle, "turn_over", and_enqueue)
    hand.look()
    late[0].refresh_from_db()
    assert late[0].state == State.SUCCESS


def test_a_cap_that_is_lowered_while_tasks_run_holds_for_the_next(hand: Worker) -> None:
    hand.task_cap = 1
    first, second = queue.enqueue("Calling"), queue.enqueue("Calling")

    def lower() -> None:
        hand.task_cap = 0

    zoo.Calling.call = staticmethod(lower)
    hand.look()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (State.SUCCESS, State.QUEUED)


@pytest.mark.parametrize("flag", ["is_stopping", "is_draining"])
def test_a_worker_that_stops_or_drains_claims_nothing(hand: Worker, flag: str) -> None:
    setattr(hand, flag, True)
    assert executed(hand, "Simple").state == State.QUEUED


def test_every_system_kind_has_a_slot_beside_those_of_people(hand: Worker) -> None:
    hand.task_cap = 0
    queue.enqueue("Simple")
    queue.enqueue_occurrence("Beating", clock.now())
    hand.look()
    assert ServerTask.objects.people().get().state == State.QUEUED
    assert ServerTask.objects.system().get().state == State.SUCCESS
    assert worker.system_slots() >= 4  # that of the zoo, and those of every server


def test_a_claim_whose_answer_was_lost_is_put_back(hand: Worker, node: ServerNode) -> None:
    """The database had made the claim, and this worker never heard of it."""
    queue.enqueue("Simple")
    lifecycle.claim_next(node)
    heart = Heartbeat(crew.Crew(hand))
    heart.compare()
    assert ServerTask.objects.get().state == State.EXECUTING  # its answer may be on its way
    heart.compare()
    assert ServerTask.objects.get().state == State.QUEUED


def test_a_canceled_claim_whose_answer_was_lost_is_canceled(hand: Worker, node: ServerNode) -> None:
    task = queue.enqueue("Simple")
    lifecycle.claim_next(node)
    lifecycle.cancel(task)
    heart = Heartbeat(crew.Crew(hand))
    heart.compare()
    heart.compare()
    assert ServerTask.objects.get().state == State.CANCELED


def test_a_claim_that_is_still_under_way_is_not_put_back(node: ServerNode) -> None:
    queue.enqueue("Simple")
    task = lifecycle.claim_next(node)
    assert task is not None
    unknown = UnknownClaims()
    with unknown.claiming():
        for _ in range(3):
            assert unknown.settled([task], known=set()) == []
    assert unknown.settled([task], known={task.pk}) == []
    assert unknown.settled([task], known=set()) == []  # seen for the first time since
    assert unknown.settled([task], known=set()) == [task]


def test_q6_a_cancel_reaches_a_running_task_by_the_heartbeat(hand: Worker, deployer: User) -> None:
    task = queue.enqueue("Calling")
    heart = Heartbeat(crew.Crew(hand))

    def cancel() -> None:
        lifecycle.cancel(task, person=deployer)
        heart.compare()

    zoo.Calling.call = staticmethod(cancel)
    hand.look()

    task.refresh_from_db()
    assert (task.state, task.message) == (State.CANCELED, "Canceled by dora.")
    assert "dora asked to cancel." in words_of(task)


def test_q2_a_worker_that_lost_a_task_stops_its_work_and_does_not_complete_it(hand: Worker) -> None:
    task = queue.enqueue("Calling")
    heart = Heartbeat(crew.Crew(hand))

    def reap() -> None:
        ServerTask.objects.update(state=State.FAILED, completed_time=clock.now(), message="Reaped.")
        heart.compare()

    zoo.Calling.call = staticmethod(reap)
    hand.look()

    task.refresh_from_db()
    assert (task.state, task.message) == (State.FAILED, "Reaped.")


def test_q2_a_run_that_was_lost_before_a_thread_was_free_for_it_is_not_executed(
    hand: Worker,
) -> None:
    tasks = [queue.enqueue("Calling") for _ in range(2)]
    executed = []

    def lose_all() -> None:
        executed.append(None)
        for run in hand.running():
            run.abandon()

    zoo.Calling.call = staticmethod(lose_all)
    hand.look()
    assert len(executed) == 1
    assert hand.running() == []
    assert ServerTask.objects.running().count() == len(tasks)  # until it is reaped


def completes(sql: str, params: Any) -> bool:
    """Whether a statement, one for many runs or for one alone, makes a task a success."""
    if "UPDATE" not in sql and "tasks_turn_over" not in sql:
        return False
    values = params.values() if isinstance(params, dict) else params
    return any(value in (State.SUCCESS, [State.SUCCESS]) for value in values)


@pytest.mark.django_db(transaction=True)
def test_q1_an_outcome_is_kept_until_the_database_takes_it(
    hand: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away for the first two attempts."""
    monkeypatch.setattr(worker, "PATIENCE", 0)
    failures = iter(["away", "away"])

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        is_outcome = completes(sql, params)
        if is_outcome and (reason := next(failures, None)):
            raise OperationalError(reason)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        assert executed(hand, "Simple").state == State.SUCCESS
    assert next(failures, None) is None


def stores_log(sql: str, params: Any) -> bool:
    if "tasks_turn_over" in sql:
        return bool(params["texts"])
    return "INTO" in sql and "tasks_logchunk" in sql


def outcome_while(
    hand: Worker, monkeypatch: pytest.MonkeyPatch, failure: Exception, *, patience: float
) -> tuple[ServerTask, int]:
    """Execute a task while no chunk of a log can be stored; return it and how often that failed."""
    monkeypatch.setattr(worker, "PATIENCE", 0)
    monkeypatch.setattr(worker, "LOG_PATIENCE", patience)
    failed = 0

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal failed
        if stores_log(sql, params):
            failed += 1
            raise failure
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        return executed(hand, "Simple"), failed


@pytest.mark.django_db(transaction=True)
def test_q1_an_outcome_is_kept_though_the_disk_is_too_full_for_its_log(
    hand: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OperationalError("database or disk is full")
    task, failed = outcome_while(hand, monkeypatch, full, patience=0.2)
    assert task.state == State.SUCCESS
    assert failed > 2  # it was tried for as long as the database might only have been away


@pytest.mark.django_db(transaction=True)
def test_q1_an_outcome_is_kept_though_the_database_refuses_its_log(
    hand: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, failed = outcome_while(hand, monkeypatch, DataError("what?"), patience=1000)
    assert task.state == State.SUCCESS
    assert failed == 2  # together with others, and alone


@pytest.mark.django_db(transaction=True)
def test_q2_a_fault_of_the_worker_itself_does_not_start_a_task_again(
    hand: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that carries its mark and that it does not know would be taken for never started."""
    monkeypatch.setattr(worker, "PATIENCE", 0)
    faults = iter([ZeroDivisionError(), ZeroDivisionError()])

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        is_outcome = completes(sql, params)
        if is_outcome and (fault := next(faults, None)):
            raise fault
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        task = executed(hand, "Simple")
    assert next(faults, None) is None
    assert (task.state, task.attempt) == (State.SUCCESS, 1)


# The heartbeat


def test_the_heartbeat_says_that_the_node_lives_and_learns_its_cap(
    hand: Worker, node: ServerNode
) -> None:
    ServerNode.objects.update(task_cap=2, is_draining=True, last_seen=None)
    Heartbeat(crew.Crew(hand)).beat()
    node.refresh_from_db()
    assert node.last_seen is not None
    assert (hand.task_cap, hand.is_draining) == (2, True)


def test_a_worker_whose_name_was_taken_over_stops(hand: Worker) -> None:
    ServerNode.objects.update(incarnation=make_node("another").incarnation)
    Heartbeat(crew.Crew(hand)).beat()
    assert hand.is_stopping


# The crew


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_called_crew_fills_its_slots_and_ends_when_its_work_is_done(hand: Worker) -> None:
    """Three tasks can only end if all three run at once, and this thread comes too."""
    zoo.Meeting.place = threading.Barrier(4, timeout=20)
    for _ in range(3):
        queue.enqueue("Meeting")
    threads = crew.muster(hand)
    crew.call()
    zoo.Meeting.place.wait()
    threads.stop()
    crew.dismiss()
    assert {task.state for task in ServerTask.objects.all()} == {State.SUCCESS}
