"""Run the three processes of this machine together."""

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from octoserver import listening, preflight, supervisor


class Command(BaseCommand):
    help = "Run web, worker and scheduler together until Ctrl-C, which lets running tasks finish."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--bind",
            type=listening.address,
            default=settings.WEB_BIND,
            metavar="HOST:PORT",
            help="where to listen (default: the variable WEB_BIND, or 127.0.0.1:8000)",
        )

    def handle(self, *, bind: listening.Address, **options: Any) -> None:
        preflight.require()
        listening.require_free(bind)
        file = Path(supervisor.__file__).resolve()
        # -P: its folder holds modules, such as celery, that would hide others of the same name.
        command = [sys.executable, "-P", str(file), f"--host={bind.host}", f"--port={bind.port}"]
        os.execv(sys.executable, [*command, f"--folder={settings.VAR_DIR}"])
