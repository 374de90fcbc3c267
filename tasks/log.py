"""Read task logs, and add the server's own words to one that no worker is writing.

A chunk's text is lines of ``milliseconds category words``; ``tasks.logwriter`` makes them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tasks import ansi, clock
from tasks.models import LogChunk, ServerTask

INFO, WARNING, ERROR, OUTPUT = "i", "w", "e", "o"
CATEGORIES = {INFO: "Info", WARNING: "Warning", ERROR: "Error", OUTPUT: "Output"}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a task log; ``category`` is a key of ``CATEGORIES``, numbers begin at 1."""

    number: int
    time: datetime
    category: str
    text: str

    @property
    def label(self) -> str:
        return CATEGORIES.get(self.category, "")


def lines(
    task: ServerTask, *, after: int = 0, limit: int = 1000, size: int | None = None
) -> list[LogLine]:
    """Return at most ``limit`` lines behind number ``after``, of ``size`` characters if given."""
    found: list[LogLine] = []
    room = size
    for chunk in LogChunk.objects.after(task, after).iterator(chunk_size=20):
        found += (line for line in parse(chunk) if line.number > after)
        room = None if room is None else room - len(chunk.text)
        if len(found) >= limit or (room is not None and room < 0):
            break
    found = found[:limit]
    return found if size is None else found[: _fitting(found, size)]


def tail(task: ServerTask, *, limit: int, size: int) -> list[LogLine]:
    """Return the last lines: at most ``limit``, of ``size`` characters, but one at least."""
    found: list[LogLine] = []
    for chunk in LogChunk.objects.filter(task=task).order_by("-first_line").iterator(chunk_size=5):
        found = [*parse(chunk), *found]
        if len(found) >= limit or sum(len(line.text) for line in found) >= size:
            break
    found = found[-limit:]
    return found[len(found) - _fitting(found[::-1], size) :]


def _fitting(found: Sequence[LogLine], size: int) -> int:
    """Return how many of the first lines fit; the first does always."""
    for count, line in enumerate(found):
        size -= len(line.text)
        if size < 0:
            return max(count, 1)
    return len(found)


def before(task: ServerTask, number: int) -> Iterator[LogLine]:
    """Yield the lines just before a number: those that its chunk and the one before it hold."""
    near = LogChunk.objects.filter(task=task, first_line__lt=number).order_by("-first_line")[:2]
    for chunk in reversed(near):
        yield from (line for line in parse(chunk) if line.number < number)


def search(task: ServerTask, words: str, *, limit: int = 200) -> list[LogLine]:
    """Return the first lines that hold ``words`` as a page shows them, in whatever case.

    At most ``limit``. It reads the log to there, which its own limit bounds.
    """
    wanted = words.casefold()
    found: list[LogLine] = []
    for chunk in LogChunk.objects.after(task, 0).iterator(chunk_size=20):
        # Most chunks are ruled out as a whole, unless colours may stand between the letters.
        if "\x1b" in chunk.text or wanted in chunk.text.casefold():
            found += (line for line in parse(chunk) if wanted in ansi.plain(line.text).casefold())
        if len(found) >= limit:
            break
    return found[:limit]


def numbers_of(task: ServerTask, words: str) -> list[int]:
    """Return the numbers of all lines that hold ``words``, in whatever case.

    It reads the whole log, which its own limit bounds: 10 MB take some 100 ms.
    """
    wanted = words.casefold()
    found: list[int] = []
    for chunk in LogChunk.objects.after(task, 0).iterator(chunk_size=20):
        # Colours may stand between the letters. A title, cut short, would reach into the next line.
        pieces = chunk.text.split("\n") if "\x1b]" in chunk.text else [chunk.text]
        text = "\n".join(ansi.plain(piece) for piece in pieces)
        text = text.casefold()
        if wanted in text:
            found += (
                number
                for number, line in enumerate(text.split("\n"), start=chunk.first_line)
                if wanted in line.split(" ", 2)[2]
            )
    return found


def line_count(task: ServerTask) -> int:
    """Return the number of the last line, 0 where there is none."""
    last = (
        LogChunk.objects.filter(task=task)
        .order_by("-first_line")
        .only("first_line", "line_count")
        .first()
    )
    return last.first_line + last.line_count - 1 if last else 0


def raw(task: ServerTask) -> Iterator[str]:
    """Yield the whole log as text, a chunk at a time, each line with its time and category."""
    for chunk in LogChunk.objects.after(task, 0).iterator(chunk_size=20):
        yield "".join(
            f"{line.time.isoformat(timespec='milliseconds')} {line.label:<7} {line.text}\n"
            for line in parse(chunk)
        )


def parse(chunk: LogChunk) -> Iterator[LogLine]:
    """Yield the lines of a chunk."""
    for number, line in enumerate(chunk.text.split("\n"), start=chunk.first_line):
        offset, category, text = line.split(" ", 2)
        yield LogLine(number, chunk.started + timedelta(milliseconds=int(offset)), category, text)


def append(task: ServerTask, text: str, *, category: str = WARNING) -> None:
    """Add a line of the server's to the log of a task that no worker is writing to."""
    append_all([(task, text)], category=category)


def append_all(words: Iterable[tuple[ServerTask, str]], *, category: str = WARNING) -> None:
    """Add a line each to the logs of tasks that no worker is writing to."""
    now = clock.now()
    LogChunk.objects.bulk_create(
        (
            LogChunk(
                task=task,
                first_line=line_count(task) + 1,
                line_count=1,
                started=now,
                text=f"0 {category} {clean(text)}",
            )
            for task, text in words
        ),
        ignore_conflicts=True,
    )


def clean(text: str) -> str:
    """Return ``text`` as one line that any database can hold."""
    return storable(" ".join(text.splitlines()))


def storable(text: str) -> str:
    """Replace what PostgreSQL cannot hold: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\u2400").encode("utf-8", "replace").decode()
