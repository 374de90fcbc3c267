"""The no-op as a bare Celery task: no row, no log, no result, on the broker of the server."""

from celery import Celery

from octoserver.celery import TRANSPORT_ALIASES  # noqa: F401 the broker of files is known by it
from tests.benchmarks.queue_project import record, settings

# By files, what is fetched at once saves a pause each; with Redis it is Celery's own default.
PREFETCH = 16 if settings.CELERY_BROKER_URL.startswith("fsq") else 4

app = Celery("bare")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=PREFETCH,
)


@app.task(name="noop", ignore_result=True)
def noop(mark: str) -> None:
    record.start(mark)
