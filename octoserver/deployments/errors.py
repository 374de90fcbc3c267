"""What is said when something that a person asked for, or a file, is refused."""

from typing import Any


class Refused(Exception):  # noqa: N818 a state of the world
    """Nothing was changed; ``field`` names what to correct, empty for the whole."""

    # Which of several rows is meant, where a writer was given several.
    row: int | None = None

    def __init__(self, words: str, *, field: str = "") -> None:
        self.field = field
        super().__init__(words)


class BadDocument(Exception):  # noqa: N818 a state of the world
    """The text is no project; says where, counted from 1."""

    def __init__(self, words: str, mark: Any = None) -> None:
        self.line = mark.line + 1 if mark else None
        self.column = mark.column + 1 if mark else None
        place = f"Line {self.line}, column {self.column}: " if mark else ""
        super().__init__(place + words)
