"""Read the bytes of a file as text of characters that YAML takes, or say where they are not."""

from dataclasses import dataclass

import yaml

from octoserver.deployments.errors import BadDocument


@dataclass(frozen=True)
class Place:
    """Where something stands, counted from 0 as YAML's own marks do."""

    line: int
    column: int


def decoded(text: bytes) -> str:
    """Return the text of a file, of characters that YAML knows. Raises ``BadDocument``."""
    try:
        words = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8-sig")
        raise BadDocument("The file is not text in UTF-8.", _end_of(before)) from None
    strange = yaml.reader.Reader.NON_PRINTABLE.search(words)
    if strange:
        what = f"the character 0x{ord(strange[0]):02x} is not allowed"
        raise BadDocument(f"This is not YAML: {what}.", _end_of(words[: strange.start()]))
    return words


def _end_of(text: str) -> Place:
    line, column = text.count("\n"), len(text) - text.rfind("\n") - 1
    return Place(line, column)
