"""The server: its settings, its pages, the people who use it and what they may do."""

# Every process that publishes or receives wake-ups has to know this application, the web too.
from octoserver.celery import app as celery_app

__all__ = ["celery_app"]
__version__ = "0.1.0"
