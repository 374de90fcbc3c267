"""The server's own settings, and a task kind that does nothing."""

from octoserver.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.benchmarks.queue_project"]  # noqa: F405
