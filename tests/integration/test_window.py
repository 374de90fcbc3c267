"""A window of a few seconds, with real processes and every scheduler killed."""

import http.client
import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration import server
from tests.integration.browser import Browser

PASSWORD = "correct horse battery staple"
MAKE_DEPLOYER = f"""
from django.contrib.auth.models import Group, User
user = User.objects.create_user("dora", password={PASSWORD!r})
user.groups.add(Group.objects.get(name="Project Deployer"))
"""
TRAIL = """
import json
from maintenance.models import ModeSwitch
print(json.dumps([[entry.enabled, entry.time.isoformat(), entry.source]
                  for entry in ModeSwitch.objects.order_by("generation")]))
"""


class Cluster:
    """Two web processes, a worker and a scheduler over one database, each a real process."""

    def __init__(self, env: dict[str, str], stack: ExitStack) -> None:
        self.env, self.stack = env, stack
        self.ports = [server.free_port(), server.free_port()]
        for port in self.ports:
            self.start("web", "--bind", f"127.0.0.1:{port}")
        self.start("worker")
        self.scheduler = self.start("scheduler")

    def start(self, *command: str) -> server.Program:
        program = server.Program(*command, env=self.env)
        self.stack.callback(program.end)
        return program

    def mode_on(self, port: int) -> bool | None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", "/healthz")
            found: bool | None = json.loads(connection.getresponse().read())["in_maintenance_mode"]
        except OSError:
            return None
        else:
            return found
        finally:
            connection.close()

    def all_say(self, expected: bool) -> bool:
        return all(self.mode_on(port) is expected for port in self.ports)

    def maintenance(self, *arguments: str) -> dict[str, object]:
        done = server.manage("maintenance", *arguments, "--json", env=self.env)
        assert done.returncode == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found

    def shell(self, code: str) -> str:
        done = server.manage("shell", "--no-imports", "-c", code, env=self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def cluster(env: dict[str, str]) -> Iterator[Cluster]:
    server.prepare(env)
    with ExitStack() as stack:
        found = Cluster(env, stack)
        found.shell(MAKE_DEPLOYER)
        server.wait_until(lambda: found.all_say(False), what="the web processes never answered")
        yield found


def test_a_window_opens_and_closes_on_the_second_with_every_scheduler_killed(
    cluster: Cluster,
) -> None:
    people = [Browser(port) for port in cluster.ports]
    for person in people:
        person.sign_in("dora", PASSWORD)
    cluster.scheduler.send(signal.SIGKILL)
    cluster.scheduler.ended()
    starts = (datetime.now(UTC) + timedelta(seconds=20)).replace(microsecond=0)
    ends = starts + timedelta(seconds=10)
    cluster.maintenance(
        "plan", starts.isoformat(), "--until", ends.isoformat(), "--closes-itself", "--reason=Disk"
    )  # fmt: skip
    assert "Maintenance is planned." in people[0].get("/").text
    assert cluster.all_say(False)

    follow(cluster, True, starts)
    for person in people:
        refused = person.post("/tasks/new/", {"kind": "RunScript", "script": "true"})
        assert refused.status == 503
        assert "Disk" in refused.text

    follow(cluster, False, ends)
    for person in people:
        sent = {"kind": "RunScript", "script": "true"}
        assert person.post("/tasks/new/", sent).status == 302
    assert json.loads(cluster.shell(TRAIL)) == []

    cluster.start("scheduler")
    expected = [[True, starts.isoformat(), "window"], [False, ends.isoformat(), "window"]]
    server.wait_until(
        lambda: json.loads(cluster.shell(TRAIL)) == expected,
        what=lambda: f"the record is {cluster.shell(TRAIL)}, not {expected}",
    )


def test_whoever_waits_settles_a_window_with_every_scheduler_killed(cluster: Cluster) -> None:
    cluster.scheduler.send(signal.SIGKILL)
    cluster.scheduler.ended()
    cluster.maintenance("plan", "+4s", "--reason", "Disk")
    facts = cluster.maintenance("wait", "--timeout", "60")
    assert (facts["idle"], facts["in_maintenance_mode"], facts["executing"]) == (True, True, 0)
    assert facts["settled"] is not None
    cluster.maintenance("off")
    assert cluster.all_say(False)


def follow(cluster: Cluster, expected: bool, due: datetime) -> None:
    """Ask every process until all say so; nobody may say so early, or not say so when asked late.

    By the time of question and answer, so that it holds on a slow machine too.
    """
    said: set[int] = set()
    while len(said) < len(cluster.ports):
        assert datetime.now(UTC) < due + timedelta(seconds=60), "no process answers"
        for port in cluster.ports:
            asked = datetime.now(UTC)
            found = cluster.mode_on(port)
            if found is expected:
                assert datetime.now(UTC) >= due, f"the mode changed before {due}"
                said.add(port)
            elif found is not None:
                assert asked < due, f"asked at {asked}, a process had not changed by {due}"
