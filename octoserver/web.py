"""The application as the web process serves it: it ends with the process that started it."""

import multiprocessing
import os

from octoserver import supervisor

# Before the application is loaded, which takes a second: one that was orphaned meanwhile would keep
# the port, and nothing could take its place.
supervisor.die_with_parent()
_parent = multiprocessing.parent_process()
if _parent is not None and _parent.pid != os.getppid():
    os._exit(1)

from octoserver.wsgi import application  # noqa: E402

__all__ = ["application"]
