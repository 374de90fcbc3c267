"""Write down that a no-op has started, in the same way whichever queue runs it."""

import os
import time
from functools import cache
from pathlib import Path


@cache
def _file() -> int:
    return os.open(os.environ["BENCH_RECORD"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def mark(phase: str) -> str:
    """Return what to send along: the phase, and the time of sending."""
    return f"{phase} {time.time():.6f}"


def start(mark: str) -> None:
    """Note the start of what was sent with ``mark``; one short write, so lines stay whole."""
    os.write(_file(), f"{mark} {time.time():.6f}\n".encode())


def read(path: Path, phase: str) -> list[tuple[float, float]]:
    """Return when what was sent in a phase was sent, and when it started."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = (line.split() for line in lines if line.startswith(f"{phase} "))
    return [(float(sent), float(started)) for _, sent, started in found]
