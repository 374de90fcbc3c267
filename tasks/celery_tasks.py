"""Receive wake-ups: the only Celery task there is."""

import logging
from collections.abc import Callable
from typing import Any

from celery import Task, shared_task

from tasks import crew, wake

logger = logging.getLogger(__name__)


def heard(task: Any, app: Any, consumer: Any, **kwargs: Any) -> Callable[..., None]:
    """Return what Celery calls with each wake-up, as soon as it has come.

    On the way through Celery's pool it would take some milliseconds more.
    """

    def hear(message: Any, payload: Any, ack: Callable[..., None], *args: Any) -> None:
        ack(logger, consumer.connection_errors)
        crew.call()

    return hear


class Wake(Task):  # type: ignore[type-arg]  # it takes no parameters at run time
    """A message that is heard rather than executed."""

    Strategy = f"{__name__}:{heard.__name__}"


@shared_task(name=wake.NAME, base=Wake, ignore_result=True)
def look() -> None:
    """Let this process's worker look at the queue, in threads of its own."""
    crew.call()
