#!/usr/bin/env python
"""Run the server's commands; what hinders one is said in a sentence, not in a traceback."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octoserver.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who reads, `head` for one, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except DatabaseError:
        # Only now: with settings that are wrong it could not be imported.
        from octoserver import preflight

        problem = preflight.database() or preflight.migrations()
        if not problem:
            raise
        sys.stderr.write(f"{problem}\n")
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
