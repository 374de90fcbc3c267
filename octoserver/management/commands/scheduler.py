"""Keep time for the queue."""

import os
import select
import signal
from typing import Any

from django.core.management.base import BaseCommand

from octoserver import preflight
from tasks.scheduler import Scheduler


class Command(BaseCommand):
    help = "Queue system tasks, expire and reap tasks, wake workers, until SIGTERM."

    def handle(self, **options: Any) -> None:
        preflight.require()
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        for number in (signal.SIGTERM, signal.SIGINT):
            # The handler may take no lock: what it interrupts may hold it.
            signal.signal(number, lambda *_: os.write(writer, b"."))
        Scheduler().run(pause=lambda seconds: not select.select([reader], [], [], seconds)[0])
