"""Show the colours of a terminal as CSS classes, and nothing else that would steer one.

Only what selects a colour or a weight (SGR) means anything in a log. Everything else, cursor
movements, titles and links among it, is taken out. A colour lasts until it is taken back, across
lines too. Finer colours are shown as the nearest of the eight that a page can tell apart.
"""

import re
from collections.abc import Iterator

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

# ESC [ … letter, ESC ] … BEL or ESC \, two-letter sequences, and single control characters.
STEERING = re.compile(
    r"\x1b(?:\[([0-?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\|\Z)|[@-Z\\^_])"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
WEIGHTS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "struck"}
ENDED = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("inverse",),
    29: ("struck",),
}
COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def plain(text: str) -> str:
    """Return a line without what would steer a terminal."""
    return STEERING.sub("", text)


class Painter:
    """Paints the lines of one log in their order."""

    def __init__(self) -> None:
        self._weights: set[str] = set()
        self._colours: dict[str, str] = {}

    def paint(self, line: str) -> SafeString:
        """Return a line as HTML, coloured as a terminal would show it."""
        if line.isprintable() and not (self._weights or self._colours):
            return escape(line)
        return mark_safe("".join(self._pieces(line)))  # noqa: S308 every piece is escaped

    def follow(self, line: str) -> None:
        """Take note of the colours of a line that is not shown."""
        for match in STEERING.finditer(line):
            self._turn(match)

    def _pieces(self, line: str) -> Iterator[str]:
        done = 0
        for match in STEERING.finditer(line):
            yield self._span(line[done : match.start()])
            self._turn(match)
            done = match.end()
        yield self._span(line[done:])

    def _span(self, text: str) -> str:
        classes = sorted(self._weights) + [f"{on}-{name}" for on, name in self._colours.items()]
        if not text or not classes:
            return escape(text)
        return format_html(
            '<span class="{}">{}</span>', " ".join(f"sgr-{c}" for c in classes), text
        )

    def _turn(self, match: re.Match[str]) -> None:
        words, letter = match[1], match[2]
        if letter == "m" and not words.strip("0123456789;:"):
            codes = iter([int(word[:4] or 0) for word in re.split("[;:]", words)])
            for code in codes:
                self._select(code, codes)

    def _select(self, code: int, rest: Iterator[int]) -> None:
        if code == 0:
            self._weights.clear()
            self._colours.clear()
        elif code in WEIGHTS:
            self._weights.add(WEIGHTS[code])
        elif code in ENDED:
            self._weights.difference_update(ENDED[code])
        elif 30 <= code <= 49 or 90 <= code <= 107:
            self._colour("fg" if code // 10 in (3, 9) else "bg", code % 10, rest)

    def _colour(self, on: str, number: int, rest: Iterator[int]) -> None:
        self._colours.pop(on, None)
        name = COLOURS[number] if number < 8 else _finer(rest) if number == 8 else ""
        if name:
            self._colours[on] = name


def _finer(rest: Iterator[int]) -> str:
    """Return the nearest colour to one of 256, or to one given by its red, green and blue."""
    way = next(rest, 0)
    if way == 5:
        number = next(rest, 0)
        if number < 16:
            return COLOURS[number % 8]
        if number >= 232:
            return "white" if number >= 244 else "black"
        parts = [(number - 16) // 36 * 51, (number - 16) // 6 % 6 * 51, (number - 16) % 6 * 51]
    elif way == 2:
        parts = [next(rest, 0), next(rest, 0), next(rest, 0)]
    else:
        return ""
    return COLOURS[sum(bit for bit, part in zip((1, 2, 4), parts, strict=True) if part > 127)]
