"""The server's own settings, with kinds that never return."""

from octoserver.settings import *  # noqa: F403 all of them

INSTALLED_APPS = [*INSTALLED_APPS, "tests.integration.stuck_app"]  # noqa: F405
