"""Keep sensitive values out of logs, in whatever pieces they are printed.

A value is found across the borders of chunks, and across ends of lines, escape sequences and other
characters that do not show. What may be the beginning of one is held back until more has come.
"""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "********"
# A shorter value could not be told from ordinary words.
SHORTEST = 4
# What may stand between two characters of a value without showing on a page: escape sequences of a
# terminal, ends of lines and other control characters.
UNSEEN = re.compile(
    rb"(?:\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])|[\x00-\x1f\x7f])+"
)
HALF_ESCAPE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,200}\x1b?)?\Z")
NEWLINE = b"\n"


class Masker:
    """Replace sensitive values in a stream of bytes, or in single texts."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._needles: set[bytes] = set()
        self._pattern: re.Pattern[bytes] | None = None
        self._longest = 0
        self._held = b""
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Mask these values too, from here on."""
        self._needles |= {needle for value in values for needle in _forms(value)}
        if self._needles:
            ordered = sorted(self._needles, key=len, reverse=True)
            self._pattern = re.compile(b"|".join(map(re.escape, ordered)))
            self._longest = len(ordered[0])

    def feed(self, data: bytes) -> bytes:
        """Return what of the stream can be shown by now."""
        if self._pattern is None:
            return data
        data = self._held + data
        shown, self._held = self._cut(data, self._beginning(data))
        return shown

    def end(self) -> bytes:
        """Return what was held back: the stream has ended."""
        held, self._held = self._held, b""
        return self._cut(held, len(held))[0] if held else b""

    def text(self, text: str) -> str:
        """Return a whole text without the values."""
        if self._pattern is None:
            return text
        data = text.encode("utf-8", "replace")
        return self._cut(data, len(data))[0].decode("utf-8", "replace")

    def _cut(self, data: bytes, end: int) -> tuple[bytes, bytes]:
        """Mask the values that begin before ``end``; return what goes out, and what stays.

        An end of line inside a value stays one, behind the mask.
        """
        seen = UNSEEN.sub(b"", data)
        if self._pattern is None or not self._pattern.search(seen):
            return data[:end], data[end:]
        places = _places(data)
        parts, done = [], 0
        for match in self._pattern.finditer(seen):
            first, last = places[match.start()], places[match.end() - 1] + 1
            if first >= end:
                break
            parts += [data[done:first], MASK.encode(), NEWLINE * data.count(NEWLINE, first, last)]
            done = last
        end = max(end, done)
        return b"".join([*parts, data[done:end]]), data[end:]

    def _beginning(self, data: bytes) -> int:
        """Return where the end of ``data`` begins that may be the beginning of a value."""
        half = HALF_ESCAPE.search(data, max(len(data) - 256, 0))
        end = half.start() if half else len(data)
        begin = max(end - 16 * self._longest - 1024, 0)
        seen = UNSEEN.sub(b"", data[begin:end])
        for start in range(max(len(seen) - self._longest + 1, 0), len(seen)):
            rest = seen[start:]
            if any(needle.startswith(rest) and needle != rest for needle in self._needles):
                return begin + _places(data[begin:end])[start]
        return end


def _places(data: bytes) -> list[int]:
    """Return the position of each byte that shows."""
    places: list[int] = []
    done = 0
    for match in UNSEEN.finditer(data):
        places.extend(range(done, match.start()))
        done = match.end()
    places.extend(range(done, len(data)))
    return places


def _forms(value: str) -> set[bytes]:
    """Return the ways in which a value is commonly printed, its longer lines each by itself."""
    texts = {value, *(line for line in value.splitlines() if len(line.strip()) >= 2 * SHORTEST)}
    found: set[str] = set()
    for text in texts:
        found |= {text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1]}
        found |= {json.dumps(text, ensure_ascii=False)[1:-1], text.replace("'", "'\\''")}
        found.add(base64.b64encode(text.encode("utf-8", "replace")).decode().rstrip("="))
    shown = {UNSEEN.sub(b"", text.strip().encode("utf-8", "replace")) for text in found}
    return {needle for needle in shown if len(needle) >= SHORTEST}
