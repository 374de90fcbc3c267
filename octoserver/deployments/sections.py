"""Cut a task's log into the sections of its steps, for the page of a deployment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from octoserver.deployments.running import EXECUTING, FAILED, WAITING
from tasks import ansi, log
from tasks.models import ServerTask

LINES_SHOWN = 200
# A log of so many lines in all is shown without a click.
SHORT = 60
INTERRUPTED = "Interrupted"


@dataclass(frozen=True, kw_only=True)
class Section:
    """One step: where it stands, and the end of what it wrote."""

    name: str
    state: str
    seconds: float | None
    # Each with its words as a terminal would colour them.
    lines: Sequence[tuple[log.LogLine, SafeString]]
    first_line: int
    left_out: int
    is_open: bool


def of(run: Any) -> list[Section]:
    """Return the sections of a deployment or of a runbook's run, with all of its steps."""
    task: ServerTask | None = run.task
    is_over = run.is_completed
    is_short = is_over and sum(map(_length, run.progress)) <= SHORT
    return [_section(entry, task, is_over=is_over, is_short=is_short) for entry in run.progress]


def _length(entry: dict[str, Any]) -> int:
    return int(entry.get("last_line", 0)) - int(entry.get("first_line", 0))


def _section(
    entry: dict[str, Any], task: ServerTask | None, *, is_over: bool, is_short: bool
) -> Section:
    first = int(entry.get("first_line", 0))
    last = entry.get("last_line")
    state = entry["state"]
    if is_over and state in (EXECUTING, WAITING):
        # Its worker did not live to say how it ended.
        state = INTERRUPTED if state == EXECUTING else "Skipped"
    lines: Sequence[log.LogLine] = []
    if task is not None and first:
        total = int(last) if last else log.line_count(task)
        after = max(total - LINES_SHOWN, first - 1)
        lines = log.lines(task, after=after, limit=total - after) if total > after else []
    painter = ansi.Painter()
    return Section(
        name=entry["name"],
        state=state,
        seconds=entry.get("seconds"),
        lines=[(line, painter.paint(line.text)) for line in lines],
        first_line=first,
        left_out=max(lines[0].number - first, 0) if lines else 0,
        is_open=is_short or state in (EXECUTING, FAILED, INTERRUPTED),
    )
