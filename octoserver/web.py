"""The application as the web process serves it: it ends with the process that started it."""

from octoserver import supervisor
from octoserver.wsgi import application

__all__ = ["application"]

supervisor.die_with_parent()
