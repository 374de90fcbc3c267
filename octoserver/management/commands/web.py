"""Serve the pages."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from octoserver import listening, preflight


class Command(BaseCommand):
    help = "Serve the pages until SIGTERM, which lets requests in progress finish."

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
        # In place of this process: the one that only watches the workers then holds no Django.
        os.execv(sys.executable, [sys.executable, "-m", "granian", *arguments(bind)])


def arguments(bind: listening.Address) -> list[str]:
    return [
        "octoserver.web:application",
        f"--working-dir={settings.BASE_DIR}",
        "--interface=wsgi",
        f"--host={bind.host}",
        f"--port={bind.port}",
        f"--workers={settings.WEB_WORKERS}",
        f"--blocking-threads={settings.WEB_THREADS}",
        "--respawn-failed-workers",
        "--workers-kill-timeout=30s",
        # It warns of more than a few threads; ours wait for the database, not for the processor.
        "--log-level=error",
    ]
