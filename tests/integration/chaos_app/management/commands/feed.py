"""Queue, prioritize and cancel tasks as lines of JSON on standard input ask, answering each."""

import json
import sys
import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections, connection

from tasks import clock, lifecycle, queue
from tasks.builtin import integrity_check
from tasks.models import ServerTask


class Command(BaseCommand):
    def handle(self, **options: Any) -> None:
        for line in sys.stdin:
            request = json.loads(line)
            answer = {"op": request["op"], "item": request.get("item")}
            close_old_connections()
            try:
                answer |= getattr(self, request.pop("op"))(**request)
            except Error as error:
                connection.close()
                answer["error"] = f"{type(error).__name__}: {error}"
            # The time after which nobody can say that the task was not there yet.
            self.stdout.write(json.dumps(answer | {"at": time.time()}))
            self.stdout.flush()

    def enqueue(
        self,
        *,
        item: str,
        kind: str,
        arguments: dict[str, Any],
        after: float = 0,
        expires: float = 0,
        prioritized: bool = False,
    ) -> dict[str, Any]:
        now = clock.now()
        starts = now + timedelta(seconds=after) if after else None
        ends = now + timedelta(seconds=after + expires) if expires else None
        task = queue.enqueue(
            kind,
            arguments | {"item": item},
            queue_time=starts,
            queue_time_expiry=ends,
            prioritized=prioritized,
        )
        return {"id": task.pk}

    def cancel(self, *, item: str, task: int) -> dict[str, Any]:
        return {"done": lifecycle.cancel(ServerTask(pk=task))}

    def prioritize(self, *, item: str, task: int) -> dict[str, Any]:
        return {"done": lifecycle.prioritize(ServerTask(pk=task))}

    def inspect(self) -> dict[str, Any]:
        """Look at the whole database as the system integrity check does."""
        return {"problems": [words for _, check in integrity_check.CHECKS for words in check()]}
