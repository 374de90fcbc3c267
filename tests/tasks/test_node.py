import subprocess
from datetime import timedelta

import pytest
from pytest_django import Settings

from tasks import clock, node, process
from tasks.models import ServerNode
from tests.tasks.conftest import make_node

pytestmark = pytest.mark.django_db


def test_the_first_start_makes_a_row_with_the_cap_of_the_settings(settings: Settings) -> None:
    settings.TASK_CAP = 3
    registration = node.register("east")
    row = ServerNode.objects.get(name="east")
    assert row.task_cap == 3
    assert row.incarnation == registration.incarnation
    assert ServerNode.objects.alive().get() == row
    registration.lock.close()


def test_a_later_start_keeps_cap_and_drain_and_is_told_from_the_first(settings: Settings) -> None:
    first = node.register("east")
    first.lock.close()
    ServerNode.objects.update(task_cap=9, is_draining=True)
    second = node.register("east")
    row = ServerNode.objects.get()
    assert (row.task_cap, row.is_draining) == (9, True)
    assert second.incarnation != first.incarnation
    second.lock.close()


def test_two_workers_of_one_host_do_not_share_a_name() -> None:
    first = node.register("east")
    with pytest.raises(node.NodeNameInUse, match="running on this host already"):
        node.register("east")
    first.lock.close()
    node.register("east").lock.close()


def test_a_name_in_use_on_another_host_is_refused() -> None:
    ServerNode.objects.filter(pk=make_node("east").pk).update(host="elsewhere:/var")
    with pytest.raises(node.NodeNameInUse, match="in use by elsewhere"):
        node.register("east")


@pytest.mark.parametrize("gone", ["silent", "stopped"])
def test_the_name_of_a_node_that_is_gone_may_move_to_another_host(gone: str) -> None:
    east = make_node("east")
    now = clock.now()
    change = {"stopped": now} if gone == "stopped" else {"last_seen": now - timedelta(minutes=1)}
    ServerNode.objects.filter(pk=east.pk).update(host="elsewhere:/var", **change)
    registration = node.register("east")
    assert ServerNode.objects.get().host == node.host()
    registration.lock.close()


def test_a_stopped_node_is_not_alive() -> None:
    east = make_node("east")
    node.stop(east)
    assert not ServerNode.objects.alive().exists()
    assert ServerNode.objects.silent().get() == east


def test_a_node_that_was_deleted_while_it_lives_comes_back() -> None:
    east = make_node("east")
    ServerNode.objects.all().delete()
    assert node.beat(east)
    assert ServerNode.objects.get().incarnation == east.incarnation


def test_a_node_learns_that_its_name_was_taken_over() -> None:
    east = make_node("east")
    ServerNode.objects.update(incarnation=make_node("west").incarnation)
    assert not node.beat(east)


@pytest.mark.parametrize("name", ["..", "a/b", "../../etc", "x" * 200, "Müller 1"])
def test_any_name_makes_a_lock_inside_the_folder(name: str, settings: Settings) -> None:
    kept = settings.VAR_DIR / "kept"
    (settings.VAR_DIR / "work").mkdir(parents=True, exist_ok=True)
    kept.touch()
    registration = node.register(name)
    assert kept.exists(), "what a predecessor left was looked for outside the node's own folder"
    locks = list((settings.VAR_DIR / "nodes").iterdir())
    assert any(lock.samefile(registration.lock.name) for lock in locks)
    registration.lock.close()


def test_q5_a_start_waits_for_the_scripts_of_a_killed_predecessor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its tasks are reaped as soon as the new start is known, and their keys are free then."""
    monkeypatch.setattr(node, "LAST_BREATH", 30)
    path = process.lock_of("north")
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = subprocess.Popen(["flock", str(path), "sh", "-c", "echo held; sleep 1; date +%s.%N"],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    registration = node.register("north")
    ended = float(holder.stdout.read())
    holder.wait()
    assert registration.row.started is not None
    assert registration.row.started.timestamp() >= ended
    registration.lock.close()


def test_a_start_removes_the_folders_that_a_killed_worker_left() -> None:
    left = process.work_folder("north") / "ServerTasks-1-left"
    left.mkdir(parents=True)
    node.register("north").lock.close()
    assert not left.exists()
