"""Say how far a running task has come: by its steps where it has some, else by those before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tasks import clock, durations
from tasks.models import ServerTask
from tasks.sections import Section


@dataclass(frozen=True, kw_only=True)
class Progress:
    """``done`` steps of ``steps``, or ``elapsed`` of what tasks of its kind usually take."""

    steps: int = 0
    done: int = 0
    # What it is at, where that is known.
    step: str = ""
    # Seconds.
    elapsed: float = 0
    usual: float | None = None

    @property
    def is_overdue(self) -> bool:
        return self.usual is not None and self.elapsed > self.usual

    @property
    def left(self) -> timedelta | None:
        """How much longer it takes, if it takes as long as usual."""
        if self.usual is None or self.is_overdue:
            return None
        return timedelta(seconds=self.usual - self.elapsed)


def of(task: ServerTask, sections: Sequence[Section]) -> Progress | None:
    """Return the progress of a running task, at one or two queries; None if nothing is known."""
    if not task.is_running or task.start_time is None:
        return None
    end = durations.expected_end(task)
    if end is None and not sections:
        return None
    begun = [each for each in sections if each.state == "Executing"]
    return Progress(
        steps=len(sections),
        done=sum(each.is_over for each in sections),
        step=begun[0].name if begun else "",
        elapsed=(clock.now() - task.start_time).total_seconds(),
        usual=(end - task.start_time).total_seconds() if end else None,
    )
