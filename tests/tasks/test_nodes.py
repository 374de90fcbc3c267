from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from maintenance import mode
from maintenance.gate import InMaintenanceMode
from tasks import clock, lifecycle, nodes, queue
from tasks.models import NodeState, ServerNode, State
from tests.tasks import rows

pytestmark = pytest.mark.django_db


def stored(node: ServerNode) -> ServerNode:
    return ServerNode.objects.with_state().get(pk=node.pk)


def silence(node: ServerNode) -> None:
    ServerNode.objects.filter(pk=node.pk).update(last_seen=clock.now() - timedelta(hours=1))


class TestState:
    def test_a_node_that_was_just_seen_is_running(self, node: ServerNode) -> None:
        assert stored(node).state == NodeState.RUNNING

    def test_a_drained_node_is_draining_while_it_runs_something(self, node: ServerNode) -> None:
        nodes.drain(node)
        assert stored(node).state == NodeState.DRAINED
        rows.ServerTaskFactory(state=State.EXECUTING, node=node, is_system=True)
        assert stored(node).state == NodeState.DRAINING

    @pytest.mark.parametrize("change", ["silent", "stopped", "never seen"])
    def test_a_node_without_a_worker_is_offline(self, node: ServerNode, change: str) -> None:
        hour_ago = clock.now() - timedelta(hours=1)
        changes: dict[str, dict[str, object]] = {
            "silent": {"last_seen": hour_ago},
            "stopped": {"stopped": clock.now()},
            "never seen": {"last_seen": None},
        }
        nodes.drain(node)
        ServerNode.objects.update(**changes[change])
        assert stored(node).state == NodeState.OFFLINE

    def test_the_overview_names_what_each_node_runs(
        self, node: ServerNode, other_node: ServerNode
    ) -> None:
        task = rows.ServerTaskFactory(state=State.EXECUTING, node=other_node)
        rows.ServerTaskFactory(state=State.SUCCESS, node=node)
        found = {each.name: each.running_tasks for each in nodes.overview()}
        assert found == {"north": [], "south": [task]}


class TestChanges:
    def test_a_new_cap_is_stored(self, node: ServerNode) -> None:
        assert nodes.set_cap(node, 9)
        assert stored(node).task_cap == 9

    @pytest.mark.parametrize("cap", [-1, 0, nodes.LARGEST_CAP + 1])
    def test_a_cap_that_is_none_changes_nothing(self, node: ServerNode, cap: int) -> None:
        with pytest.raises(nodes.BadCap, match="whole number from 1 to"):
            nodes.set_cap(node, cap)
        assert stored(node).task_cap == 5

    def test_drain_and_resume_say_whether_they_made_a_difference(self, node: ServerNode) -> None:
        assert [nodes.drain(node), nodes.drain(node)] == [True, False]
        assert [nodes.resume(node), nodes.resume(node)] == [True, False]

    @pytest.mark.usefixtures("zoo_kinds")
    def test_another_node_takes_over_what_a_drained_one_leaves(
        self, node: ServerNode, other_node: ServerNode
    ) -> None:
        task = queue.enqueue("Simple")
        nodes.drain(node)
        assert lifecycle.claim_next(node) is None
        assert lifecycle.claim_next(other_node) == task

    def test_a_node_that_lives_is_not_deleted(self, node: ServerNode) -> None:
        assert not nodes.delete(node)
        assert ServerNode.objects.exists()

    def test_an_offline_node_is_deleted_and_its_tasks_keep_its_name(self, node: ServerNode) -> None:
        task = rows.ServerTaskFactory(state=State.SUCCESS, node=node, node_name="north")
        silence(node)
        assert nodes.delete(node)
        assert not nodes.delete(node)
        task.refresh_from_db()
        assert (task.node, task.node_name) == (None, "north")

    def test_what_a_deleted_node_was_running_is_still_reaped(self, node: ServerNode) -> None:
        task = rows.ServerTaskFactory(
            state=State.EXECUTING, node=node, node_name="north", incarnation=node.incarnation
        )
        silence(node)
        nodes.delete(node)
        assert lifecycle.reap_lost() == [task]


CHANGES = {
    "cap": lambda node, person: nodes.set_cap(node, 7, person=person),
    "drain": lambda node, person: nodes.drain(node, person=person),
    "resume": lambda node, person: nodes.resume(node, person=person),
    "delete": lambda node, person: nodes.delete(node, person=person),
}


@pytest.mark.parametrize("change", CHANGES)
class TestEveryChange:
    def test_needs_its_permission(self, change: str, node: ServerNode, deployer: User) -> None:
        with pytest.raises(PermissionDenied):
            CHANGES[change](node, deployer)

    def test_waits_for_the_end_of_maintenance_mode(
        self, change: str, node: ServerNode, system_manager: User
    ) -> None:
        mode.enable(reason="Patches")
        with pytest.raises(InMaintenanceMode):
            CHANGES[change](node, system_manager)

    def test_is_an_administrators_at_any_time(
        self, change: str, node: ServerNode, administrator: User
    ) -> None:
        mode.enable(reason="Patches")
        ServerNode.objects.update(is_draining=change == "resume")
        if change == "delete":
            silence(node)
        assert CHANGES[change](node, administrator)
