"""A registry of what works on this server, so that the mode's page can say what goes on.

The application that runs work registers a source; this one never imports it.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Work:
    """How much work there is: people's tasks executing, the system's, queued, scheduled."""

    executing: int = 0
    executing_system: int = 0
    queued: int = 0
    scheduled: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )


_sources: dict[str, Callable[[], Work]] = {}


def register(name: str, source: Callable[[], Work]) -> None:
    """Add a source of work; registering a name again replaces it."""
    _sources[name] = source


def survey() -> Work | None:
    """Ask every source and add up what they say; None where no source is registered."""
    if not _sources:
        return None
    return sum((source() for source in _sources.values()), Work())
