"""Read versions by Semantic Versioning 2.0.0: thirty lines here, since nothing else is needed."""

import re
from dataclasses import dataclass
from functools import total_ordering

from django.utils.translation import gettext as _

_NUMBER = r"(?:0|[1-9][0-9]{0,17})"
_PART = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_PATTERN = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-({_PART}(?:\.{_PART})*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)


class NotAVersion(ValueError):  # noqa: N818 a state of the world
    """The text is no version by Semantic Versioning."""

    def __init__(self, text: str) -> None:
        super().__init__(
            _(
                "“%(text)s” is no version by Semantic Versioning: write one like 1.4.2, or"
                " 1.5.0-beta.1 before a release."
            )
            % {"text": text[:64]}
        )


@total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    """A version that knows its place among others; what follows a plus does not count."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""

    @property
    def _place(self) -> tuple[object, ...]:
        # Numbers come before words, fewer parts before more, and any prerelease before none.
        parts = tuple(
            (0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in self.prerelease.split(".")
        )
        release = (0, parts) if self.prerelease else (1, ())
        return (self.major, self.minor, self.patch, release)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._place == other._place

    def __lt__(self, other: "Version") -> bool:
        return self._place < other._place

    def __hash__(self) -> int:
        return hash(self._place)

    @property
    def next(self) -> str:
        """The version that would follow: without its prerelease, or with the next patch."""
        patch = self.patch if self.prerelease else self.patch + 1
        return f"{self.major}.{self.minor}.{patch}"


def parse(text: str) -> Version:
    """Return the version that ``text`` is. Raises ``NotAVersion``."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise NotAVersion(text)
    return Version(int(match[1]), int(match[2]), int(match[3]), match[4] or "")
