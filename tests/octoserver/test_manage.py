"""How a command ends when something outside it does not go on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.server import ROOT, environment


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path)


def test_a_reader_that_has_enough_is_no_error_worth_a_traceback(bare: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "task", "kinds"],
            env=bare,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")
