"""Cut out of a log what a page shows of it: consecutive lines, bounded in number and in size."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from tasks import log, painting, sections
from tasks.models import ServerTask
from tasks.sections import Section, Stretch

# As much as a browser lays out at once without being felt.
LINES_SHOWN = 500
CHARACTERS_SHOWN = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A stretch of the log, of which a page may have all lines, some or none."""

    first: int
    last: int
    section: Section | None
    lines: Sequence[log.LogLine]
    html: SafeString
    is_open: bool

    @property
    def earlier(self) -> int | None:
        """The line from which the lines before those shown can be seen, if any are left out."""
        if not self.lines:
            return self.first
        begin = self.lines[0].number
        return max(self.first, begin - LINES_SHOWN) if begin > self.first else None

    @property
    def later(self) -> int | None:
        """The line from which the lines behind those shown can be seen."""
        end = self.lines[-1].number if self.lines else self.last
        return end + 1 if end < self.last else None


@dataclass(frozen=True, kw_only=True)
class Window:
    """Consecutive lines of a log, out of so many."""

    lines: Sequence[log.LogLine]
    after: int
    total: int
    # The lines before, as far as their colours may last.
    lead: Sequence[log.LogLine] = ()
    sections: Sequence[Section] = ()
    find: str = ""
    # The line that the reader asked for.
    at: int | None = None

    @property
    def first(self) -> int:
        return self.after + 1

    @property
    def last(self) -> int:
        return self.lines[-1].number if self.lines else self.after

    @property
    def next(self) -> int:
        return self.last + 1

    @property
    def reaches_end(self) -> bool:
        return self.last >= self.total

    @property
    def previous(self) -> int:
        return max(self.first - LINES_SHOWN, 1)

    def stretches(self, *, since: int = 0) -> list[Shown]:
        """Return the stretches of the log, each with what the window has of it.

        With ``since``, of those without a section only what reaches beyond that line.
        """
        found = sections.cut(self.sections, total=self.total)
        return [
            self._shown(stretch)
            for stretch in found
            if stretch.last > since or stretch.section is not None
        ]

    def _shown(self, stretch: Stretch) -> Shown:
        lines = self.lines[max(stretch.first - self.first, 0) : max(stretch.last - self.after, 0)]
        skipped = self.lines[: max(stretch.first - self.first, 0)]
        return Shown(
            first=stretch.first,
            last=stretch.last,
            section=stretch.section,
            lines=lines,
            html=painting.paint(lines, lead=[*self.lead, *skipped], find=self.find, at=self.at),
            is_open=self._is_open(stretch),
        )

    def _is_open(self, stretch: Stretch) -> bool:
        section = stretch.section
        is_asked_for = self.at is not None and stretch.first <= self.at <= stretch.last
        is_last = stretch.last == self.total
        small = self.total <= LINES_SHOWN
        return small or is_last or is_asked_for or (section is not None and section.needs_a_look)


def from_line(task: ServerTask, line: int, *, find: str = "", at: int | None = None) -> Window:
    """Return the lines from number ``line`` on."""
    after = max(line - 1, 0)
    total = log.line_count(task)
    lines = log.lines(task, after=after, limit=LINES_SHOWN, size=CHARACTERS_SHOWN)
    return _window(task, lines, after=after, total=total, find=find, at=at)


def at_end(task: ServerTask) -> Window:
    """Return the last lines."""
    lines = log.tail(task, limit=LINES_SHOWN, size=CHARACTERS_SHOWN)
    after = lines[0].number - 1 if lines else 0
    return _window(task, lines, after=after, total=0)


def news(task: ServerTask, *, after: int) -> Window:
    """Return the lines behind one that a page has; the last ones if they are too many."""
    total = log.line_count(task)
    if total <= after:
        return _window(task, [], after=total, total=total)
    if total - after > LINES_SHOWN:
        return at_end(task)
    lines = log.lines(task, after=after, limit=LINES_SHOWN)
    return _window(task, lines, after=after, total=total)


def _window(
    task: ServerTask,
    lines: Sequence[log.LogLine],
    *,
    after: int,
    total: int,
    find: str = "",
    at: int | None = None,
) -> Window:
    return Window(
        lines=lines,
        after=after,
        # More lines may have come since they were counted, so the last one read counts too.
        total=max(total, lines[-1].number if lines else 0),
        lead=list(log.before(task, after + 1)) if lines else [],
        # After the lines: see ``sections.cut``.
        sections=sections.of(task),
        find=find,
        at=at,
    )
