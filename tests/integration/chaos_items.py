"""What a chaos run queues: scripts that write down what they do, in a folder outside the database.

A script leaves a marker that only one can make, and a line with the time for its start and its end.
One with a key holds a lock on the key's file, with all that it starts, so that the kernel tells who
runs beside it.
"""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEYS = 6

HEAD = """d={records}; i={item}
say() {{ printf '%s %s %s %s\\n' "$1" "$i" "$OCTOSERVER_TASK_ID" "$(date +%s%N)" >> "$d/events"; }}
( set -C; : > "$d/ran/$i" ) 2>/dev/null || say again
"""
LOCK = """exec 9>> "$d/keys/{key}"
flock -n 9 || say overlap
"""
BODIES = {
    "short": "sleep {seconds}",
    "chatty": "seq 1 3000; sleep {seconds}; seq 1 2000",
    "deaf": "trap '' TERM; sleep {seconds}; sleep {seconds}",
    "family": "setsid sleep 100 & p=$!; sleep 100 & q=$!; sleep {seconds}; kill $p $q; wait",
    "stubborn": "setsid sh -c \"trap '' TERM; sleep {seconds}; sleep {seconds}\" & wait",
}


@dataclass
class Item:
    """One task that was asked for, and what became of that."""

    name: str
    kind: str
    body: str
    key: str
    after: float
    expires: float
    prioritized: bool
    # What somebody does to it, so many seconds later.
    later: str = ""
    later_in: float = 0.0
    # The row's number and the time of the answer, once it is accepted.
    number: int | None = None
    accepted: float = 0.0

    def request(self, records: Path, *, seconds: float) -> dict[str, Any]:
        script = HEAD.format(records=records, item=self.name)
        script += LOCK.format(key=self.key) if self.key else ""
        script += f"say start\n{BODIES[self.body].format(seconds=seconds)}\nsay end\n"
        return {
            "op": "enqueue",
            "item": self.name,
            "kind": self.kind,
            "arguments": {"script": script, "key": self.key, "time_limit": 120},
            "after": self.after,
            "expires": self.expires,
            "prioritized": self.prioritized,
        }


def draw(number: int, chance: random.Random) -> Item:
    """Make up the task with this number."""
    is_scheduled = chance.random() < 0.15
    later = chance.choices(["", "cancel", "prioritize"], [84, 8, 8])[0]
    return Item(
        name=f"item-{number}",
        kind=chance.choices(["Recorded", "Repeatable"], [80, 20])[0],
        body=chance.choices(list(BODIES), [70, 8, 6, 10, 6])[0],
        key=f"key-{chance.randrange(KEYS)}" if chance.random() < 0.35 else "",
        after=chance.uniform(0.5, 6) if is_scheduled else 0,
        expires=chance.uniform(2, 6) if is_scheduled and chance.random() < 0.2 else 0,
        prioritized=chance.random() < 0.1,
        later=later,
        later_in=chance.uniform(0, 2) if later else 0,
    )


def duration(chance: random.Random) -> float:
    """Make up how long a script takes, in seconds; most are short."""
    return round(min(chance.expovariate(4), 4), 3)
