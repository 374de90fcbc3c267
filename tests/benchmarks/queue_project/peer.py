"""The no-op as a task of procrastinate, on the PostgreSQL of the server."""

import os

import procrastinate

from tests.benchmarks.queue_project import record

URL = os.environ["DATABASE_URL"]

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=URL))
sender = procrastinate.SyncPsycopgConnector(conninfo=URL)


@app.task(name="noop")
async def noop(mark: str) -> None:
    """Be a coroutine, which procrastinate runs faster than a function."""
    record.start(mark)
