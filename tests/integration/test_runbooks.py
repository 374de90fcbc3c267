"""Every script of docs/maintenance-runbooks.md does what it says, on both shapes."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.integration import server

TEXT = (server.ROOT / "docs" / "maintenance-runbooks.md").read_text()
SCRIPTS = dict(re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```sh\n(.*?)^```$", TEXT, re.M | re.S))
BUSY = """
from django.utils import timezone
from datetime import timedelta
from uuid import uuid4
from tasks.models import ServerNode, ServerTask
now, mark = timezone.now(), uuid4()
node = ServerNode.objects.create(name="one", incarnation=mark, started=now,
                                 last_seen=now + timedelta(hours=1))
ServerTask.objects.create(kind="RunScript", description="Long", state="Executing", created=now,
    queue_time=now, queue_time_expiry=now + timedelta(hours=1), start_time=now, node=node,
    node_name="one", incarnation=mark)
"""
NODES = """
from tasks.models import ServerNode
for name in ("one", "two"):
    ServerNode.objects.get_or_create(name=name)
"""
# What each script does in order where all goes well; the mode is on at each of them.
STEPS = {
    "Operating system patches, single machine": ["stop", "work", "start"],
    "Operating system patches, cluster": ["work one", "work two"],
    "Upgrade, single machine": ["stop", "backup", "work", "start"],
    "Upgrade, cluster": [
        "stop one", "stop two", "backup", "work one", "work two", "start one", "start two",
    ],
    "Moving the server or its database": ["stop", "work", "start"],
}  # fmt: skip
WITH_THE_MODE = [name for name in STEPS if name != "Operating system patches, cluster"]


class Runbook:
    """A script whose stops, starts and work only leave a line."""

    def __init__(self, name: str, env: dict[str, str], folder: Path) -> None:
        self.env, self.folder = env, folder
        self.script = folder / "runbook.sh"
        self.script.write_text(SCRIPTS[name])

    def run(self, **variables: str) -> subprocess.CompletedProcess[str]:
        manage = f"{sys.executable} {server.ROOT}/manage.py"
        given = {"MANAGE": manage, "NEW_MANAGE": manage, "NODES": "one two", "PATIENCE": "60"}
        for name in ("STOP", "START", "WORK", "BACKUP"):
            given[name] = f"sh {self._step(name.lower())}"
        return subprocess.run(
            ["sh", str(self.script)],
            env=self.env | given | variables,
            cwd=server.ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def _step(self, name: str) -> Path:
        path = self.folder / f"{name}.sh"
        path.write_text(f'echo {name} "$@" >> {self.folder}/steps\n')
        return path

    @property
    def steps(self) -> list[str]:
        path = self.folder / "steps"
        return [line.strip() for line in path.read_text().splitlines()] if path.exists() else []

    def is_on(self) -> bool:
        status = server.manage("maintenance", "status", "--json", env=self.env)
        found: bool = json.loads(status.stdout)["in_maintenance_mode"]
        return found


def test_every_script_of_the_runbooks_is_run() -> None:
    assert set(SCRIPTS) == set(STEPS)


def test_each_does_its_steps_in_order_and_leaves_the_mode_off(
    env: dict[str, str], tmp_path: Path
) -> None:
    prepared(env, NODES)
    for name, steps in STEPS.items():
        runbook = Runbook(name, env, folder_for(tmp_path, name))
        done = runbook.run()
        assert (done.returncode, runbook.steps) == (0, steps), f"{name}: {done.stderr}"
        assert not runbook.is_on(), name


def test_where_the_server_does_not_become_idle_nothing_is_done(
    env: dict[str, str], tmp_path: Path
) -> None:
    prepared(env, BUSY)
    for name in WITH_THE_MODE:
        runbook = Runbook(name, env, folder_for(tmp_path, name))
        done = runbook.run(PATIENCE="1")
        assert (done.returncode, runbook.steps) == (3, []), f"{name}: {done.stdout}"
        assert not runbook.is_on(), name


def test_where_the_work_fails_the_mode_stays_on(env: dict[str, str], tmp_path: Path) -> None:
    prepared(env)
    runbook = Runbook(WITH_THE_MODE[0], env, folder_for(tmp_path, "failing"))
    assert runbook.run(WORK="false").returncode == 1
    assert runbook.steps == ["stop"]
    assert runbook.is_on()


def prepared(env: dict[str, str], code: str = "pass") -> None:
    assert server.manage("migrate", "--no-input", env=env).returncode == 0
    done = server.manage("shell", "--no-imports", "-c", code, env=env)
    assert done.returncode == 0, done.stderr


def folder_for(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / re.sub(r"\W+", "-", name)
    folder.mkdir()
    return folder
