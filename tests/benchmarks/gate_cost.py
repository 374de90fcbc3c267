"""Compare what a safe and an unsafe request cost behind each gate and behind none, the mode off."""

from collections.abc import Sequence
from typing import Any

from tests.benchmarks.stage import PROMPTLY, stage


def compare(
    variants: Sequence[str], database: str, *, rounds: int, seconds: float
) -> dict[str, dict[str, Any]]:
    """Return, by variant, times and statements of each kind of request.

    ``safe_ratio`` and ``unsafe_ratio`` are medians over the rounds of the throughput divided by
    that of the first variant in the same round. Each kind of request is tried for ``rounds``, but
    for no longer than ``seconds``.
    """
    with stage("all", database, view_time=0, people=1) as ready:
        program = ready.start("calls", str(rounds), str(seconds), *variants)
        facts: dict[str, dict[str, Any]] = program.read(timeout=PROMPTLY + 3 * seconds)
        return facts
