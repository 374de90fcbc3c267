"""Change the states of tasks: the one place that does, on behalf of whoever asks.

Every change is compare-and-set. Whoever loses the race is told by the return value, and has changed
nothing.
"""

from tasks.lifecycle.people import (
    CANCEL,
    PRIORITIZE,
    cancel,
    let_expire,
    prioritize,
    reschedule,
    start_anyway,
)
from tasks.lifecycle.schedulers import MOST_ATTEMPTS, abandoned, expire_due, reap_lost
from tasks.lifecycle.workers import (
    Ending,
    IllegalTransition,
    claim_next,
    finish,
    give_back,
    release,
    turn_over,
)

__all__ = [
    "CANCEL",
    "MOST_ATTEMPTS",
    "PRIORITIZE",
    "Ending",
    "IllegalTransition",
    "abandoned",
    "cancel",
    "claim_next",
    "expire_due",
    "finish",
    "give_back",
    "let_expire",
    "prioritize",
    "reap_lost",
    "release",
    "reschedule",
    "start_anyway",
    "turn_over",
]
