"""Write the log of the task that is being executed: lines in order, chunk by chunk, bounded.

Whoever writes only adds to memory; a thread of the worker stores it every quarter of a second: a
row a line would be a hundred times slower, and a rollback in the work must not take lines with it.
What the database does not take stays here and is tried again.
"""

import codecs
import logging
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import DatabaseError, connection

from tasks import conf, log
from tasks.masking import Masker
from tasks.models import LogChunk, ServerTask

# Seconds and bytes after which what is held back is stored.
DELAY = 0.25
CHUNK = 32 * 1024
# Seconds until what the database did not take is tried again.
RETRY = 1.0
# Characters of one line; what is longer goes on in the next.
LONGEST_LINE = 8000
_DECODER = codecs.getincrementaldecoder("utf-8")
# Bytes that the server's own words may take when the output has used up the limit.
RESERVE = 64 * 1024

logger = logging.getLogger(__name__)


class LogWriter:
    """The log of one task while one worker executes it; any thread of the worker may write."""

    def __init__(self, task: ServerTask, *, now: datetime) -> None:
        """``now`` is the database's time; this machine's clock only measures what passes."""
        self.task = task
        self._epoch = now - timedelta(seconds=time.monotonic())
        self._buffering = threading.Lock()
        self._storing = threading.Lock()
        self._next_line = 1
        # Blocks of lines in their stored form, how many lines and bytes they are, and since when.
        self._held: list[str] = []
        self._held_lines = self._held_bytes = 0
        self._held_since = 0.0
        self._unstored: list[LogChunk] = []
        self._stored = self._retry_at = time.monotonic()
        self._left = conf.log_limit()
        self._dropped = 0
        self._decoder = _DECODER("replace")
        self._rest = ""
        self._masker = Masker()

    @property
    def position(self) -> int:
        """The number of the last line written, stored or not."""
        with self._buffering:
            return self._next_line + self._held_lines - 1

    def continue_from(self, first_line: int) -> None:
        """Begin with this line: an earlier attempt wrote those before it. Call it first of all."""
        self._next_line = first_line

    def mask(self, *values: str) -> None:
        """Never write these values, in whatever pieces they come."""
        self._masker.add(values)

    def masked(self, text: str) -> str:
        """Return ``text`` as this log would write it."""
        return self._masker.text(text)

    def info(self, text: str) -> None:
        self._say(text, log.INFO)

    def warning(self, text: str) -> None:
        self._say(text, log.WARNING)

    def error(self, text: str) -> None:
        self._say(text, log.ERROR)

    def output(self, data: bytes) -> None:
        """Add what a process printed; a line may come in pieces."""
        if self._dropped and self._left <= 0:  # a flood: to read it would keep the worker busy
            with self._buffering:
                self._dropped += len(data)
            return
        self._take(self._masker.feed(data))

    def _take(self, data: bytes) -> None:
        text = self._rest + self._decoder.decode(data)
        if "\r" in text:
            # One at the very end may be half of a line's end.
            text, kept = (text[:-1], "\r") if text.endswith("\r") else (text, "")
            text = text.replace("\r\n", "\n").replace("\r", "\n") + kept
        complete, _, self._rest = text.rpartition("\n")
        if complete or text.startswith("\n"):
            self._add(complete, log.OUTPUT)
        if len(self._rest) > LONGEST_LINE:
            whole = len(self._rest) // LONGEST_LINE * LONGEST_LINE
            self._add(self._rest[:whole], log.OUTPUT)
            self._rest = self._rest[whole:]

    def end_output(self) -> None:
        """Take what came after the last end of a line for a line."""
        self._take(self._masker.end())
        text = (self._rest + self._decoder.decode(b"", final=True)).rstrip("\r")
        self._rest = ""
        if text:
            self._add(text, log.OUTPUT)

    def close(self) -> Sequence[LogChunk]:
        """Return what is not stored yet, for whoever completes the task to store with it."""
        self.end_output()
        if self._dropped:
            self.warning(f"{self._dropped:,} bytes of output are left out of this log.")
        with self._storing, self._buffering:
            self._seal()
            unstored, self._unstored = self._unstored, []
        return unstored

    def flush_if_due(self) -> None:
        now = time.monotonic()
        late = self._held and now - self._held_since >= DELAY
        if (self._unstored or late) and now >= self._retry_at:
            self.flush()

    def flush(self) -> None:
        """Store what is held back; what the database does not take is kept for the next time."""
        with self._storing:
            with self._buffering:
                self._seal()
                ready = list(self._unstored)
            try:
                kept = ready if self._is_ours() else []
                # The rows are there if an earlier attempt was stored but its answer lost.
                LogChunk.objects.bulk_create(kept, ignore_conflicts=True)
            except DatabaseError as error:
                connection.close()
                self._retry_at = time.monotonic() + RETRY
                logger.warning("The log of %s is held back: %s", self.task.name, error)
            else:
                with self._buffering:
                    del self._unstored[: len(ready)]

    def _is_ours(self) -> bool:
        """Return whether the task is this run's still, asking if it was not stored for some time.

        A worker that was stopped for so long that its tasks were reaped wakes up with lines whose
        places in the log are another's.
        """
        now = time.monotonic()
        is_late = now - self._stored > conf.script_silence()
        if is_late and not ServerTask.objects.run_of(self.task).exists():
            return False
        self._stored = now
        return True

    def _say(self, text: str, category: str) -> None:
        self._add("\n".join(self.masked(text).splitlines()), category)

    def _add(self, text: str, category: str) -> None:
        if "\0" in text or not text.isascii():
            text = log.storable(text)
        if len(text) > LONGEST_LINE:
            text = "\n".join(part for line in text.split("\n") for part in _parts(line))
        with self._buffering:
            kept = self._within_limit(text, category)
            if kept is not None:
                self._hold(kept, category)

    def _within_limit(self, text: str, category: str) -> str | None:
        """Return what the limit leaves of ``text``; the server's own words have some room more."""
        room = self._left if category == log.OUTPUT else self._left + RESERVE
        size = len(text) + 1 if text.isascii() else len(text.encode()) + 1
        if size <= room:
            self._left -= size
            return text
        if not self._dropped:
            limit = conf.log_limit() / 1024 / 1024
            note = f"The log is cut here: it holds {limit:g} MiB at most. The task goes on."
            self._hold(note, log.WARNING)
            self._left = min(self._left, 0)
        self._dropped += size
        return None

    def _hold(self, text: str, category: str) -> None:
        now = time.monotonic()
        if not self._held:
            self._held_since = now
        prefix = f"{int((now - self._held_since) * 1000)} {category} "
        self._held.append(prefix + text.replace("\n", "\n" + prefix))
        self._held_lines += text.count("\n") + 1
        self._held_bytes += len(self._held[-1])
        if self._held_bytes >= CHUNK:
            self._seal()

    def _seal(self) -> None:
        """Make a chunk of what is held back."""
        if not self._held:
            return
        self._unstored.append(
            LogChunk(
                task=self.task,
                first_line=self._next_line,
                line_count=self._held_lines,
                started=self._epoch + timedelta(seconds=self._held_since),
                text="\n".join(self._held),
            )
        )
        self._next_line += self._held_lines
        self._held, self._held_lines, self._held_bytes = [], 0, 0


def _parts(line: str) -> list[str]:
    """Break a line that is too long."""
    starts = range(0, max(len(line), 1), LONGEST_LINE)
    return [line[start : start + LONGEST_LINE] for start in starts]


class Flusher:
    """A thread that stores what the writers of a worker hold back for too long."""

    def __init__(self) -> None:
        self._writers: set[LogWriter] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False
        # Whether the thread waits for writers: to wake it for every task would cost as much as one.
        self._is_idle = False

    def add(self, writer: LogWriter) -> None:
        with self._changed:
            self._writers.add(writer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-flusher", daemon=True)
                self._thread.start()
            if self._is_idle:
                self._changed.notify()

    def discard(self, writer: LogWriter) -> None:
        with self._changed:
            self._writers.discard(writer)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        try:
            while (writers := self._next()) is not None:
                for writer in writers:
                    writer.flush_if_due()
        finally:
            connection.close()

    def _next(self) -> list[LogWriter] | None:
        """Wait for a moment, and for writers, who may be gone by then; None once stopped."""
        with self._changed:
            self._is_idle = True
            self._changed.wait_for(lambda: self._stopped or bool(self._writers))
            self._is_idle = False
            self._changed.wait_for(lambda: self._stopped, timeout=DELAY / 2)
            return None if self._stopped else list(self._writers)
