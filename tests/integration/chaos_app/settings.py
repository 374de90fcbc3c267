"""The server's own settings, with the kinds of the chaos run, on a clock that may be wrong."""

import os
import time
from datetime import datetime, timedelta

from django.utils import timezone

from octoserver.settings import *  # noqa: F403 all of them

INSTALLED_APPS = [*INSTALLED_APPS, "tests.integration.chaos_app"]  # noqa: F405

# Seconds by which this process's clock is off, as a node's whose time nobody keeps.
OFF = float(os.environ.get("CHAOS_CLOCK_OFF", "0"))

if OFF:
    right_now, right_time, right_time_ns = timezone.now, time.time, time.time_ns

    def now() -> datetime:
        return right_now() + timedelta(seconds=OFF)

    timezone.now = now
    time.time = lambda: right_time() + OFF
    time.time_ns = lambda: right_time_ns() + int(OFF * 1_000_000_000)
