"""The Celery application: its messages only wake workers, every task is a row."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octoserver.settings")

TRANSPORT_ALIASES["fsq"] = "octoserver.fsq:Transport"

app = Celery("octoserver")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
