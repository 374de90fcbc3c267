"""Answer the polls of live pages: to a page that has all there is, for the cost of the reading.

A live part carries a print of the values that it was made of, not of its text: nothing is rendered
to find that nothing is new, and what grows by itself, such as a duration, is no news.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

from tasks.models import ServerTask, State
from tasks.views import base


def is_poll(request: HttpRequest) -> bool:
    return bool(request.headers.get("HX-Request"))


def print_of(*values: Any) -> str:
    """Return a short print of values that are told apart by how they are written in Python."""
    words = repr((get_language(), values))
    return hashlib.blake2s(words.encode(), digest_size=8).hexdigest()


def values_of(tasks: Iterable[ServerTask]) -> list[Any]:
    """Return what rows of tasks are made of."""
    now = timezone.now()
    return [
        (
            task.pk,
            task.state,
            task.message,
            task.is_prioritized,
            task.queue_time,
            task.start_time,
            task.completed_time,
            task.state == State.QUEUED and task.queue_time > now,
        )
        for task in tasks
    ]


def answer(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, seen: str
) -> HttpResponse:
    """Answer a poll: the part, or nothing if it shows this already."""
    if request.GET.get("seen") == seen:
        response = base.partial("", status=base.NOTHING_NEW)
    else:
        text, _ = base.fragment(request, template, {**context, "seen": seen})
        response = base.partial(text)
    patch_vary_headers(response, ["HX-Request"])
    return response
