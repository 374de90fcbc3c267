"""Lay the gate's figures out, for people and for scripts."""

from typing import Any

OURS, PEER = "ours", "django_maintenance_mode"
FAULTS = ("leaked", "administrators_refused", "unexpected")
COUNTS = ("switches", "attempts", *FAULTS)
RATIOS = ("safe_ratio", "unsafe_ratio")

ROWS = {
    "switches": "switches",
    "attempts": "attempts",
    "leaked": "changes committed after enable returned",
    "let_in_while_on": "changes sent and carried out while on",
    "refused_while_off": "changes sent and refused while off",
    "administrators_refused": "administrators refused",
    "unexpected": "answers neither success nor 503",
    "unsettled": "switches that gave up waiting",
    "enable_ms_median": "enable, median (ms)",
    "enable_ms_max": "enable, longest (ms)",
    "attempts_per_second": "attempts a second",
    "safe_ms": "safe request, median (ms)",
    "safe_ratio": "safe request, throughput against none",
    "safe_statements": "safe request, statements",
    "unsafe_ms": "unsafe request, median (ms)",
    "unsafe_ratio": "unsafe request, throughput against none",
    "unsafe_statements": "unsafe request, statements",
}

# By gate, what was found.
Figures = dict[str, dict[str, Any]]


def sum_up(found: dict[str, Figures]) -> dict[str, Any]:
    """Return what the last line says: counts over all databases, ratios of the first."""
    first = next(iter(found.values()))

    def of(gate: str) -> dict[str, Any] | None:
        if gate not in first:
            return None
        counts = {name: sum(figures[gate][name] for figures in found.values()) for name in COUNTS}
        return counts | {name: first[gate].get(name) for name in RATIOS}

    return (of(OURS) or {}) | {PEER: of(PEER)} | found


def table(found: dict[str, Figures]) -> str:
    """Return the figures of each database as a table of its gates."""
    lines = []
    for database, figures in found.items():
        gates = sorted(figures, key=["none", OURS, PEER].index)
        lines += ["", f"{database:<44}" + "".join(f"{gate:>25}" for gate in gates)]
        for name, label in ROWS.items():
            if any(name in figures[gate] for gate in gates):
                cells = (figures[gate].get(name, "") for gate in gates)
                lines.append(f"  {label:<42}" + "".join(f"{cell:>25}" for cell in cells))
    return "\n".join(lines) + "\n\n"
