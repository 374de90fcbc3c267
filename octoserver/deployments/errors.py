"""What a writer says when it refuses something that a person asked for."""


class Refused(Exception):  # noqa: N818 a state of the world
    """Nothing was changed; ``field`` names what to correct, empty for the whole."""

    def __init__(self, words: str, *, field: str = "") -> None:
        self.field = field
        super().__init__(words)
