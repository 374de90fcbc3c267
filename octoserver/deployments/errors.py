"""What a writer says when it refuses something that a person asked for."""


class Refused(Exception):  # noqa: N818 a state of the world
    """Nothing was changed; ``field`` names what to correct, empty for the whole."""

    # Which of several rows is meant, where a writer was given several.
    row: int | None = None

    def __init__(self, words: str, *, field: str = "") -> None:
        self.field = field
        super().__init__(words)
