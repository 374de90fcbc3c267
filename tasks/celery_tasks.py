"""Receive wake-ups: the only Celery task there is."""

from celery import shared_task

from tasks import crew, wake


@shared_task(name=wake.NAME, ignore_result=True)
def look() -> None:
    """Let this process's worker look at the queue, in threads of its own."""
    crew.call()
