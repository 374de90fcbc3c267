"""The Celery application: its messages only wake workers, every task is a row."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octoserver.settings")

TRANSPORT_ALIASES["fsq"] = "octoserver.fsq:Transport"
for scheme in ("redis", "rediss"):
    TRANSPORT_ALIASES[scheme] = "octoserver.redisq:Transport"

app = Celery("octoserver")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**kwargs: Any) -> None:
    """Leave logging as the settings have it: a receiver is enough to keep Celery from it."""
