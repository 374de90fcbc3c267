"""The leak run in small: real web processes, a switch under load, nothing comes through (G2)."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.benchmarks import gate_report, leaks, stage

# Until both are reached; the seconds only bound a machine that does something else.
SMALL = leaks.Size(switches=4, attempts=150, seconds=40, writers=12, processes=2)


@pytest.fixture(
    params=[
        pytest.param("sqlite", marks=pytest.mark.sqlite),
        pytest.param("postgresql", marks=pytest.mark.postgresql),
    ]
)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        with stage.sqlite() as address:
            yield address
    else:
        with stage.postgresql(request.getfixturevalue("database_url")) as address:
            yield address


def test_g2_nothing_commits_after_enable_has_returned(database: str) -> None:
    found = leaks.run("ours", database, size=SMALL)

    assert found["leaked"] == found["let_in_while_on"] == 0
    assert found["administrators_refused"] == 0
    assert found["unexpected"] == 0, found["unexpected_examples"]
    assert found["refused_while_off"] == 0
    assert found["unsettled"] == 0
    assert found["switches"] >= SMALL.switches
    # People wrote and were refused, administrators wrote: the switch had something to part.
    assert min(found["written"], found["refused"], found["written_by_administrators"]) > 0


def test_a_gate_that_only_looks_at_a_flag_is_seen_to_leak(database: str) -> None:
    assert leaks.run("flag", database, size=SMALL)["leaked"] > 0


@pytest.mark.sqlite
def test_an_interrupted_run_leaves_no_process_and_no_file(tmp_path: os.PathLike[str]) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.gate", "--quick"],
        cwd=stage.ROOT,
        # Nothing listens there, so that SQLite is measured alone.
        env=os.environ
        | {"BENCH_DATABASE_URL": "postgresql://127.0.0.1:1/x", "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stderr is not None
    assert any("SQLite is measured alone" in line for line in run.stderr)
    # Itself, and two web processes of which each watches over another.
    while len(processes(str(tmp_path))) < 5:
        assert run.poll() is None
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=stage.PROMPTLY)
    assert run.returncode == 130
    assert processes(str(tmp_path)) == []
    assert os.listdir(tmp_path) == []


def processes(folder: str) -> list[int]:
    """Return the processes that keep their files in a folder."""
    wanted, found = f"TMPDIR={folder}".encode(), []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if wanted in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                continue
    return found


def test_the_summary_adds_up_what_the_databases_said() -> None:
    figures = dict.fromkeys((*gate_report.COUNTS, *gate_report.RATIOS), 1)
    gates = {"ours": figures, "django_maintenance_mode": figures | {"leaked": 17}, "none": {}}
    summary = gate_report.sum_up({"postgresql": gates, "sqlite": gates})
    assert (summary["switches"], summary["leaked"], summary["safe_ratio"]) == (2, 2, 1)
    assert summary["django_maintenance_mode"]["leaked"] == 34
    assert json.loads(json.dumps(summary)) == summary
    assert "changes committed after enable returned" in gate_report.table({"sqlite": gates})
