"""A process that serves pages never outlives the one that started it, nor keeps its port."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.server import ROOT, command_of, environment, wait_until

# The parent is killed before its child has loaded the application, which takes a second.
PARENT = """
import multiprocessing, os, signal, sys, time
from pathlib import Path

def serve():
    folder, parent = Path(sys.argv[1]), os.getppid()
    (folder / "child.new").write_text(str(os.getpid()))
    (folder / "child.new").rename(folder / "child")
    while os.getppid() == parent:
        time.sleep(0.01)
    import octoserver.web
    (folder / "serves").touch()
    time.sleep(60)

child = multiprocessing.get_context("fork").Process(target=serve)
child.start()
while not Path(sys.argv[1], "child").exists():
    time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: elsewhere nothing tells a child")
def test_one_whose_parent_was_killed_while_it_started_does_not_serve(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], env=environment(tmp_path), cwd=ROOT
    )
    parent.wait(60)
    pid = int((tmp_path / "child").read_text())
    wait_until(lambda: not command_of(pid), what="it lives on")
    assert not (tmp_path / "serves").exists()
