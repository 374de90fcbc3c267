"""Run tasks."""

import re
import warnings
from typing import Any

from celery.exceptions import CPendingDeprecationWarning
from django.conf import settings
from django.core.management.base import BaseCommand

from octoserver import preflight
from octoserver.celery import app

# Threads start on demand, so a number above any task cap costs nothing.
THREADS = 64


class Command(BaseCommand):
    help = "Run tasks until SIGTERM, which lets the running ones finish and starts no more."

    def handle(self, **options: Any) -> None:
        preflight.require()
        # About root, with the advice of an option that is not ours; docs/operations.md has a user.
        warnings.filterwarnings("ignore", message="You're running the worker with superuser")
        # About late acknowledgement, which is not ours either, at every loss of the broker.
        warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
        worker = app.Worker(
            hostname=f"octoserver@{re.sub(r'[^A-Za-z0-9.-]', '-', settings.NODE_NAME)}",
            concurrency=max(THREADS, settings.TASK_CAP + 1),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            task_events=False,
            quiet=True,
        )
        worker.start()
        raise SystemExit(worker.exitcode)
