"""Run a program as a real process under a guardian, its output going where it is wanted."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tasks import conf
from tasks.watched import Ending, Program, Watched

# What a script sees of the server's environment; everything else, secrets first, stays here.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
# Seconds to rest while a process prints line by line: to wake for each line would cost more than it
# does to print it.
REST = 0.005


def run(
    program: Program,
    *,
    output: Callable[[bytes], None],
    should_stop: Callable[[], bool] = lambda: False,
    idle: Callable[[], None] = lambda: None,
) -> Ending:
    """Run a program to its end and return how it ended.

    ``output`` gets what it prints as it comes. Once ``should_stop`` says so, everything that it has
    started gets SIGTERM, and SIGKILL when its patience is over. Both that and ``idle`` are called
    at least four times a second.
    """
    with Watched(program) as watched:
        while watched.is_running:
            rest = watched.turn(output)
            if should_stop():
                watched.stop()
            idle()
            if rest:
                watched.hear(REST)
        watched.drain(output)
    return watched.ending


def environment(**more: str) -> dict[str, str]:
    """Return the environment that a script gets: little of the server's, and ``more``."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"PATH": DEFAULT_PATH, **passed, **more}


def work_folder(node_name: str) -> Path:
    """Return the folder that holds the private ones of a node's scripts."""
    return conf.var_dir() / "work" / file_name(node_name)


def lock_of(node_name: str) -> Path:
    """Return the file on which there is a shared lock while any script of a node runs."""
    return node_file(node_name, "scripts")


def node_file(node_name: str, suffix: str) -> Path:
    """Return a file of a node's own, whatever characters its name has."""
    return conf.var_dir() / "nodes" / f"{file_name(node_name)}.{suffix}"


def file_name(node_name: str) -> str:
    """Return a node's name as one plain part of a path, which ``..`` and ``a/b`` are not."""
    letters = (char if char.isalnum() or char in "-_" else f"%{ord(char):x}" for char in node_name)
    return "".join(letters)[:200]


def clear_work(node_name: str) -> None:
    """Remove the folders that a killed worker left; its scripts may have written secrets there."""
    shutil.rmtree(work_folder(node_name), ignore_errors=True)


@contextlib.contextmanager
def private_folder(node_name: str, prefix: str) -> Iterator[Path]:
    """Make a folder that nobody else can look into, gone afterwards."""
    parent = work_folder(node_name)
    parent.mkdir(parents=True, exist_ok=True)
    path = tempfile.mkdtemp(prefix=f"{prefix}-", dir=parent)
    try:
        yield Path(path)
    finally:
        _remove(path)


def _remove(path: str) -> None:
    """Remove a folder in which a script was, that may have made it hard to remove."""
    with contextlib.suppress(RecursionError):  # thousands of folders, one in the other
        shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        quiet: dict[str, Any] = {"check": False, "stderr": subprocess.DEVNULL}
        # As some programs do to what they keep: nothing goes out of a folder that is read-only.
        subprocess.run(["chmod", "-R", "u+rwx", "--", path], **quiet)
        subprocess.run(["rm", "-rf", "--", path], **quiet)
