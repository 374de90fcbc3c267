"""Real processes under a real guardian."""

import fcntl
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks import process
from tasks.watched import Ending, Program

PROMPTLY = 60.0


class Script:
    """A shell script, what it printed, and what happens to it while it runs."""

    def __init__(self, text: str, folder: Path) -> None:
        self.text = text
        self.folder = folder
        self.printed = b""
        self.stop_after: bytes | None = None

    def run(
        self, *, time_limit: float = 300, patience: float = 5, silence: float = math.inf
    ) -> Ending:
        program = Program(
            command=["sh", "-c", self.text],
            folder=self.folder,
            environment=process.environment(GREETING="hello"),
            time_limit=time_limit,
            patience=patience,
            silence=silence,
        )
        return process.run(program, output=self._print, should_stop=self._should_stop)

    def pid(self, name: str) -> int:
        return int((self.folder / name).read_text())

    def _print(self, data: bytes) -> None:
        self.printed += data

    def _should_stop(self) -> bool:
        return self.stop_after is not None and self.stop_after in self.printed


Make = Callable[[str], Script]


@pytest.fixture
def script(tmp_path: Path) -> Make:
    return lambda text: Script(text, tmp_path)


def is_gone(pid: int, *, within: float = PROMPTLY) -> bool:
    """Whether a process ends within a moment; one that ended and awaits its parent counts."""
    deadline = time.monotonic() + within
    while not _has_ended(pid):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _has_ended(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + PROMPTLY
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path.name}"
        time.sleep(0.02)


def test_what_a_script_prints_and_its_exit_code_come_back(script: Make) -> None:
    talk = script("echo out; echo err >&2; exit 3")
    assert talk.run() == Ending(exit_code=3)
    assert talk.printed == b"out\nerr\n"


def test_a_script_ended_by_a_signal_tells_which(script: Make) -> None:
    assert script("kill -USR1 $$").run().exit_code == -signal.SIGUSR1


def test_a_script_sees_none_of_the_servers_secrets(
    script: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PGPASSWORD", "LD_PRELOAD_X"):
        monkeypatch.setenv(name, "do-not-tell")
    look = script("env; cat /proc/$PPID/environ 2>/dev/null")
    look.run()
    assert b"do-not-tell" not in look.printed
    assert b"GREETING=hello" in look.printed
    assert b"PATH=" in look.printed


def test_a_script_has_nothing_to_read_and_no_files_of_the_server(script: Make) -> None:
    look = script("cat; ls /proc/self/fd")
    look.run()
    assert look.printed.split() == [b"0", b"1", b"2", b"3"]  # 3 is the folder that ls reads


def test_signals_are_not_ignored_in_a_script(script: Make) -> None:
    """What the guardian ignores itself must not be passed on."""
    look = script("grep SigIgn /proc/self/status")
    look.run()
    # Those past 31 are the C library's own; it ignores one of them in whatever it spawns.
    assert int(look.printed.split()[1], 16) & 0x7FFFFFFF == 0


def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    printed: list[bytes] = []
    program = Program(
        command=["no-such-shell"], folder=tmp_path, environment={"PATH": "/bin"}, time_limit=5
    )
    assert process.run(program, output=printed.append).exit_code == 127
    assert b"no-such-shell cannot be run" in b"".join(printed)


def test_q6_a_stopped_script_gets_sigterm_and_may_clean_up(script: Make) -> None:
    stop = script("trap 'echo cleaned; exit 0' TERM; echo up; while :; do sleep 0.05; done")
    stop.stop_after = b"up"
    assert stop.run() == Ending(exit_code=0, was_stopped=True)
    assert b"cleaned" in stop.printed


def test_q6_what_ignores_sigterm_is_killed_when_patience_is_over(script: Make) -> None:
    stubborn = script("trap '' TERM; echo up; while :; do sleep 0.05; done")
    stubborn.stop_after = b"up"
    began = time.monotonic()
    assert stubborn.run(patience=0.5).exit_code == -signal.SIGKILL
    assert 0.5 <= time.monotonic() - began < PROMPTLY


def test_q6_a_stop_reaches_grandchildren_that_left_the_group(script: Make) -> None:
    tree = script(
        "sh -c 'echo $$ > child; sleep 600 & wait' &"
        "setsid sh -c \"trap '' TERM; echo \\$\\$ > daemon;"
        " until [ -s child ]; do sleep 0.02; done; echo up;"
        ' while :; do sleep 0.05; done" &'
        "wait"
    )
    tree.stop_after = b"up"
    tree.run(patience=0.3)
    assert is_gone(tree.pid("child"))
    assert is_gone(tree.pid("daemon"))


def test_past_its_time_limit_a_script_is_ended(script: Make) -> None:
    ending = script("sleep 600").run(time_limit=0.3)
    assert ending.timed_out
    assert ending.exit_code == -signal.SIGTERM


def test_what_outlives_a_script_in_its_group_is_ended(script: Make) -> None:
    left = script("sleep 600 & echo $! > child; exit 0")
    assert left.run() == Ending(exit_code=0, left=1)
    assert is_gone(left.pid("child"))


def test_a_daemon_that_holds_the_output_open_does_not_hang_the_task(script: Make) -> None:
    escape = script("setsid sh -c 'echo $$ > daemon; exec sleep 600' & sleep 0.3; echo last words")
    began = time.monotonic()
    assert escape.run().exit_code == 0
    assert time.monotonic() - began < PROMPTLY
    assert escape.printed == b"last words\n"
    os.kill(escape.pid("daemon"), signal.SIGKILL)


def test_all_that_a_script_prints_last_arrives(script: Make) -> None:
    flood = script("head -c 3000000 /dev/zero | tr '\\0' x; echo end")
    flood.run()
    assert len(flood.printed) == 3_000_004
    assert flood.printed.endswith(b"xend\n")


def test_a_script_does_not_outlive_its_guardian(script: Make) -> None:
    orphan = script("echo $$ > script; kill -KILL $PPID; exec sleep 600")
    assert orphan.run().exit_code is None
    assert is_gone(orphan.pid("script"))


WORKER = """
import sys
from pathlib import Path
from tasks import process
from tasks.watched import Program
program = Program(command=["sh", "-c", sys.argv[1]], folder=Path(sys.argv[2]),
                  environment={"PATH": "/usr/bin:/bin"}, time_limit=600)
process.run(program, output=lambda data: None)
"""


def test_no_process_of_a_script_outlives_a_killed_worker(tmp_path: Path) -> None:
    text = (
        "sleep 600 & echo $! > child.new; mv child.new child;"
        "setsid sh -c 'echo $$ > daemon.new; mv daemon.new daemon; exec sleep 600' & "
        "trap '' TERM; echo $$ > script.new; mv script.new script; while :; do sleep 0.1; done"
    )
    worker = subprocess.Popen([sys.executable, "-c", WORKER, text, str(tmp_path)])
    files = [tmp_path / name for name in ("child", "daemon", "script")]
    deadline = time.monotonic() + PROMPTLY
    while not all(file.exists() for file in files) and time.monotonic() < deadline:
        time.sleep(0.02)
    pids = [int(file.read_text()) for file in files]

    worker.kill()
    worker.wait()

    assert [is_gone(pid) for pid in pids] == [True, True, True]


def test_the_private_folder_is_nobody_elses_and_gone_afterwards() -> None:
    with process.private_folder("north", "ServerTasks-1") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_text("something")
    assert not folder.exists()


def test_a_script_does_not_outlive_a_worker_that_is_stopped_for_too_long(tmp_path: Path) -> None:
    """The kernel's SIGSTOP, or a debugger: its pipe stays open, and it says nothing."""
    text = (
        "setsid sleep 600 & echo $! > child; echo $$ > script.new; mv script.new script; "
        "trap '' TERM; while :; do sleep 0.1; done"
    )
    code = WORKER.replace("time_limit=600", "time_limit=600, silence=1.5")
    worker = subprocess.Popen([sys.executable, "-c", code, text, str(tmp_path)])
    try:
        wait_for(tmp_path / "script")
        time.sleep(2)  # longer than the silence allowed: a worker that runs is heard
        assert not is_gone(int((tmp_path / "script").read_text()), within=0)

        worker.send_signal(signal.SIGSTOP)

        pids = [int((tmp_path / name).read_text()) for name in ("child", "script")]
        assert [is_gone(pid) for pid in pids] == [True, True]
    finally:
        worker.kill()
        worker.wait()


def test_a_guardian_that_was_stopped_itself_does_not_take_its_worker_for_silent(
    script: Make,
) -> None:
    """A machine that sleeps, or is moved: everything on it stops at once."""
    asleep = script("kill -STOP $PPID; sleep 3.2; kill -CONT $PPID; sleep 0.5; echo awake")
    assert asleep.run(silence=1.5) == Ending(exit_code=0)
    assert asleep.printed == b"awake\n"


def test_the_lock_is_held_until_all_that_a_script_started_has_ended(
    tmp_path: Path,
) -> None:
    text = "trap '' TERM; echo $$ > script.new; mv script.new script; while :; do sleep 0.1; done"
    code = WORKER.replace("time_limit=600", 'time_limit=600, lock=Path(sys.argv[2], "lock")')
    worker = subprocess.Popen([sys.executable, "-c", code, text, str(tmp_path)])
    wait_for(tmp_path / "script")
    pid = int((tmp_path / "script").read_text())
    worker.kill()
    worker.wait()
    with (tmp_path / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
    assert is_gone(pid, within=0)
