"""Tell every template about a pause of the queue, at no cost where it does not ask."""

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.functional import cached_property

from tasks import pause
from tasks.models import QueuePause


class PauseNotice:
    """What a page may show of the pause to who looks at it: nothing to whom tasks are closed.

    Reading it costs one statement by primary key on a whole page; parts of pages do not read it.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def row(self) -> QueuePause:
        user = getattr(self._request, "user", None)
        try:
            may_look = user is not None and user.has_perm("tasks.view_servertask")
            return pause.current() if may_look else QueuePause()
        except DatabaseError:  # the page of that very error is being made
            return QueuePause()

    @cached_property
    def is_on(self) -> bool:
        return self.row.is_paused


def queue_pause(request: HttpRequest) -> dict[str, Any]:
    """Add ``queue_pause``, a ``PauseNotice``, to the context of a template."""
    return {"queue_pause": PauseNotice(request)}
