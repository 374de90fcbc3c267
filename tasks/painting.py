"""Make HTML of log lines. In Python, as a template takes five times as long for a thousand."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from tasks import ansi, log


def paint(
    lines: Iterable[log.LogLine],
    *,
    lead: Iterable[log.LogLine] = (),
    page: str = "",
    find: str = "",
    at: int | None = None,
) -> SafeString:
    """Return list items with the words as a terminal would have coloured them.

    ``lead`` are the lines before, as far as their colours may last; ``page`` the address that the
    numbers link to; ``find`` words to mark; ``at`` the line that the reader asked for.
    """
    painter = ansi.Painter()
    for line in lead:
        painter.follow(line.text)
    return _joined(_item(line, painter, page, find, at) for line in lines)


def paint_found(lines: Sequence[log.LogLine], *, page: str, find: str) -> SafeString:
    """Return lines that do not follow on each other, each with its own colours only."""
    return _joined(_item(line, ansi.Painter(), page, find, None) for line in lines)


def clock(time: datetime) -> SafeString:
    """Return an element with the time of day to the millisecond, in the server's zone.

    A script shows it in the reader's, as it does with all times of a page.
    """
    exact = time.isoformat(timespec="milliseconds")
    shown = timezone.localtime(time).time().isoformat(timespec="milliseconds")
    return mark_safe(f'<time datetime="{exact}" data-local>{shown}</time>')  # noqa: S308 numbers


def _item(line: log.LogLine, painter: ansi.Painter, page: str, find: str, at: int | None) -> str:
    number, classes = line.number, f"line line-{line.label.lower()}"
    # A thousand numbers to tab through would bar the way; a field takes the keyboard to a line.
    return (
        f'<li id="L{number}" class="{classes}{" line-at" if number == at else ""}">'
        f'<a href="{escape(page)}?line={number}#L{number}" tabindex="-1">{number}</a>'
        f"{clock(line.time)}<span>{_words(line.text, painter, find)}</span></li>\n"
    )


def _words(text: str, painter: ansi.Painter, find: str) -> str:
    if not find or not text.isprintable():
        return painter.paint(text)
    pieces = re.split(f"({re.escape(find)})", text, flags=re.IGNORECASE)
    # Every second piece is one that was looked for.
    return "".join(
        f"<mark>{painter.paint(piece)}</mark>" if index % 2 else painter.paint(piece)
        for index, piece in enumerate(pieces)
    )


def _joined(items: Iterable[str]) -> SafeString:
    return mark_safe("".join(items))  # noqa: S308 every piece is escaped
