"""Run a deployment in this process, as a worker would, with real processes for its steps."""

from typing import Any

from octoserver.deployments import deployments
from octoserver.deployments.models import Environment, Project, Release
from tasks import execution, log
from tasks.execution import Execution
from tasks.logwriter import LogWriter
from tasks.models import LogChunk, ServerTask
from tests.deployments import rows


class Ran:
    """A run that is over: its outcome, its log, its progress."""

    def __init__(self, run: Any) -> None:
        task: ServerTask = run.task
        task.node_name = "north"
        self.execution = Execution(task, LogWriter(task, now=task.created))
        self.outcome = execution.carry_out(self.execution)
        LogChunk.objects.bulk_create(self.execution.log.close())
        rows.complete(task, self.outcome.state)
        ServerTask.objects.filter(pk=task.pk).update(message=self.outcome.message)
        run.refresh_from_db()
        self.run = run
        lines = log.lines(task, limit=10**6)
        self.output = [line.text for line in lines if line.category == log.OUTPUT]
        self.words = [line.text for line in lines if line.category != log.OUTPUT]
        self.text = "\n".join(line.text for line in lines)

    @property
    def states(self) -> dict[str, str]:
        return {entry["name"]: entry["state"] for entry in self.run.progress}


def deployment(release: Release, place: Environment) -> Ran:
    return Ran(deployments.deploy(release, place, person=None))


def project(it: Project, place: Environment) -> Ran:
    """Release a project as it is and deploy it."""
    count = Release.objects.filter(project=it).count()
    return deployment(rows.release(it, f"1.0.{count}"), place)
