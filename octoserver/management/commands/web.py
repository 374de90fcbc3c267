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
            default=listening.DEFAULT,
            metavar="HOST:PORT",
            help=f"where to listen (default: {listening.DEFAULT})",
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
        "--log-level=warning",
    ]
