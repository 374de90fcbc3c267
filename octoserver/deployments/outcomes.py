"""Keep how a deployment ended when its task is removed, as retention does after a while."""

from typing import Any

from octoserver.deployments.models import Deployment, RunbookRun
from tasks.models import ServerTask


def keep(sender: Any, instance: ServerTask, **kwargs: Any) -> None:
    """Copy the outcome of a task that is about to go; the handler of pre_delete."""
    for kind, runs in (("Deploy", Deployment.objects), ("RunRunbook", RunbookRun.objects)):
        if instance.kind == kind:
            runs.filter(task=instance).update(
                final_state=instance.state,
                final_message=instance.message,
                final_time=instance.completed_time,
            )
