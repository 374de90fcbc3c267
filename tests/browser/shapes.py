"""Tell whether a page has anything that no page before it had, by the elements it is made of."""

import re
from html.parser import HTMLParser

# Elements that have no end.
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
# What differs from page to page without changing how an element looks or what it is.
# Of the admin site's classes, those that only say what is shown there.
NAMES = re.compile(r"\b(field|column|model|app)-[\w-]+")
VALUES = ("class", "role", "type", "aria-current", "aria-invalid", "disabled", "open", "hidden")

Shape = tuple[str, ...]


class Reader(HTMLParser):
    """Collects the shape of each element, with those that it stands in."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: set[Shape] = set()
        self._around: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        known = (f"{name}={NAMES.sub('', values[name] or '')}" for name in VALUES if name in values)
        own = " ".join([tag, *known])
        self.shapes.add((*self._around[-3:], own, " ".join(sorted(values))))
        if tag not in VOID:
            self._around.append(own)

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._around) - 1, -1, -1):
            if self._around[depth].split(" ")[0] == tag:
                del self._around[depth:]
                return


def of(page: str) -> set[Shape]:
    reader = Reader()
    reader.feed(page)
    return reader.shapes
