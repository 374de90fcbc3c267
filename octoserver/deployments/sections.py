"""Cut a task's log into the sections of its steps, for the page of a deployment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from octoserver.deployments.running import EXECUTING, FAILED, WAITING
from tasks import log
from tasks.models import ServerTask

LINES_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Section:
    """One step: where it stands, and the end of what it wrote."""

    name: str
    state: str
    seconds: float | None
    lines: Sequence[log.LogLine]
    first_line: int
    left_out: int

    @property
    def is_open(self) -> bool:
        return self.state in (EXECUTING, FAILED)


def of(run: Any) -> list[Section]:
    """Return the sections of a deployment or of a runbook's run, with all of its steps."""
    task: ServerTask | None = run.task
    return [_section(entry, task, is_over=run.is_completed) for entry in run.progress]


def _section(entry: dict[str, Any], task: ServerTask | None, *, is_over: bool) -> Section:
    first = int(entry.get("first_line", 0))
    last = entry.get("last_line")
    state = entry["state"]
    if is_over and state in (EXECUTING, WAITING):
        # Its worker did not live to say how it ended.
        state = "Interrupted" if state == EXECUTING else "Skipped"
    lines: Sequence[log.LogLine] = []
    if task is not None and first:
        total = int(last) if last else log.line_count(task)
        after = max(total - LINES_SHOWN, first - 1)
        lines = log.lines(task, after=after, limit=total - after) if total > after else []
    return Section(
        name=entry["name"],
        state=state,
        seconds=entry.get("seconds"),
        lines=lines,
        first_line=first,
        left_out=max(lines[0].number - first, 0) if lines else 0,
    )
