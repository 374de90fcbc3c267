"""Keep sensitive values out of logs, in whatever pieces they are printed.

A value is found across the borders of chunks, and across ends of lines, escape sequences and other
characters that do not show. What may be the beginning of one is held back until more has come.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
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
        # The longest first: of two that begin alike, it is the one to mask.
        self._needles: list[bytes] = []
        self._held = b""
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Mask these values too, from here on."""
        found = {needle for value in values for needle in _forms(value)}
        self._needles = sorted(found.union(self._needles), key=len, reverse=True)

    def feed(self, data: bytes) -> bytes:
        """Return what of the stream can be shown by now."""
        if not self._needles:
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
        if not self._needles:
            return text
        data = text.encode("utf-8", "replace")
        return self._cut(data, len(data))[0].decode("utf-8", "replace")

    def _cut(self, data: bytes, end: int) -> tuple[bytes, bytes]:
        """Mask the values that begin before ``end``; return what goes out, and what stays.

        An end of line inside a value stays one, behind the mask.
        """
        seen = UNSEEN.sub(b"", data)
        # To look for each is faster by far than one pattern of all: a key has some hundred forms.
        here = [needle for needle in self._needles if needle in seen]
        if not here:
            return data[:end], data[end:]
        pattern = re.compile(b"|".join(map(re.escape, here)))
        places = _places(data)
        parts, done = [], 0
        for match in pattern.finditer(seen):
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
        begin = max(end - 16 * len(self._needles[0]) - 1024, 0)
        seen = UNSEEN.sub(b"", data[begin:end])
        start = len(seen)
        for needle in self._needles:
            start = _begun(needle, seen, start)
        return begin + _places(data[begin:end])[start] if start < len(seen) else end


def _begun(needle: bytes, seen: bytes, end: int) -> int:
    """Return where, before ``end``, the end of ``seen`` begins that begins a value; or ``end``."""
    start = max(len(seen) - len(needle) + 1, 0)
    while (start := seen.find(needle[:1], start, end)) >= 0:
        # A short look first: to compare all that is left of a long value takes its time.
        head = needle[: min(8, len(seen) - start)]
        if seen.startswith(head, start) and needle.startswith(seen[start:]):
            return start
        start += 1
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
        found.update(_in_base64(text.encode("utf-8", "replace")))
    shown = {UNSEEN.sub(b"", text.strip().encode("utf-8", "replace")) for text in found}
    return {needle for needle in shown if len(needle) >= SHORTEST}


def _in_base64(value: bytes) -> Iterator[str]:
    """Yield a value in base64: alone, and what of it is alike wherever it stands amid others.

    As in ``user:password``, which is how browsers and curl send one: what stands before it moves
    the borders of the letters, of which the first and the last may hold a bit of both.
    """
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(value).decode().rstrip("=")
        for before in range(3):
            bits = 8 * (before + len(value))
            yield encode(bytes(before) + value).decode()[-(-8 * before // 6) : bits // 6]
