"""Become a web process: ``serve PORT THREADS``."""

import os
import sys

from tests.benchmarks.gate_project import parent

APPLICATION = "tests.benchmarks.gate_project.wsgi:application"


def main(port: str, threads: str) -> None:
    parent.die_with_it()  # kept when this process becomes another program
    command = [
        sys.executable, "-m", "granian", APPLICATION, "--interface=wsgi", "--host=127.0.0.1",
        f"--port={port}", "--workers=1", f"--blocking-threads={threads}", "--log-level=error",
        "--no-ws", "--http=1",
    ]  # fmt: skip
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main(*sys.argv[1:])
