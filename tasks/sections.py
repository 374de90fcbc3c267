"""Cut a task's log into stretches: its steps, and what stands before, between and behind them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks import kinds
from tasks.models import ServerTask

EXECUTING, WAITING, INTERRUPTED, SKIPPED = "Executing", "Waiting", "Interrupted", "Skipped"


@dataclass(frozen=True, kw_only=True)
class Section:
    """One step of a task; without a ``first_line`` it wrote nothing, without a last it goes on.

    ``seconds`` is how long it took.
    """

    name: str
    state: str
    first_line: int | None = None
    last_line: int | None = None
    seconds: float | None = None

    @property
    def is_over(self) -> bool:
        return self.state not in (EXECUTING, WAITING)

    @property
    def needs_a_look(self) -> bool:
        """Whether a reader wants to see it without asking: it runs, or went wrong."""
        return self.state not in ("Success", SKIPPED, WAITING)


@dataclass(frozen=True)
class Stretch:
    """Consecutive lines of one section, or of none."""

    first: int
    last: int
    section: Section | None = None


def of(task: ServerTask) -> Sequence[Section]:
    """Return the steps of a task as its kind knows them; none where this version knows it not."""
    try:
        found = kinds.get(task.kind).sections(task)
    except kinds.UnknownTaskKind:
        return ()
    return [_as_it_ended(section) for section in found] if task.is_completed else found


def _as_it_ended(section: Section) -> Section:
    """A worker that did not live to say how a step ended leaves it as it was."""
    ends = {EXECUTING: INTERRUPTED, WAITING: SKIPPED}
    return Section(
        name=section.name,
        state=ends.get(section.state, section.state),
        first_line=section.first_line,
        last_line=section.last_line,
        seconds=section.seconds,
    )


def cut(sections: Sequence[Section], *, total: int) -> list[Stretch]:
    """Return the stretches of a log of ``total`` lines, in order and without a gap.

    Read the lines before the sections: then none of them belongs to a section not known yet.
    """
    return [stretch for stretch in _cut(sections, total) if stretch.first <= stretch.last]


def _cut(sections: Sequence[Section], total: int) -> Iterator[Stretch]:
    begun = sorted(
        ((each.first_line, each) for each in sections if each.first_line), key=lambda pair: pair[0]
    )
    done = 0
    for index, (first, section) in enumerate(begun):
        following = begun[index + 1][0] if index + 1 < len(begun) else total + 1
        last = min(section.last_line or total, following - 1, total)
        yield Stretch(done + 1, min(first - 1, total))
        yield Stretch(max(first, done + 1), last, section)
        done = max(done, last)
    yield Stretch(done + 1, total)
