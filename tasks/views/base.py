"""What the pages of a task have in common: who may look, the task itself, partial answers."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.views import View

from tasks.models import ServerTask

# What htmx takes for "stop asking"; it still swaps what the answer carries.
STOP_POLLING = 286
NOTHING_NEW = 204
LONGEST_SEARCH = 200


class TaskView(PermissionRequiredMixin, View):
    """A view of one task, named by its number in the address."""

    permission_required = "tasks.view_servertask"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except ServerTask.DoesNotExist:
            return missing(request, f"ServerTasks-{kwargs['pk']}")

    def task(self) -> ServerTask:
        return ServerTask.objects.get(pk=self.kwargs["pk"])


def missing(request: HttpRequest, name: str) -> HttpResponse:
    """Answer that no task is called ``name``."""
    return render(request, "tasks/missing.html", {"name": name[:64]}, status=404)


def fragment(
    request: HttpRequest | None, template: str, context: Mapping[str, Any]
) -> tuple[str, str]:
    """Return a rendered part of a page, and a print of it by which the page knows it again.

    Without a request the context processors are spared; the part then shows nobody in particular.
    """
    text = render_to_string(template, dict(context), request)
    return text, hashlib.blake2s(text.encode(), digest_size=8).hexdigest()


def partial(text: str, *, status: int = 200) -> HttpResponse:
    """Return part of a page, which no browser may keep as if it were the page."""
    response = HttpResponse(text, status=status)
    add_never_cache_headers(response)
    return response


def number(request: HttpRequest, name: str) -> int | None:
    """Return the number of a line that the address names; None if it names none."""
    text = request.GET.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise BadRequest(f"“{text[:40]}” is not the number of a line.")
    return int(text)


def words(request: HttpRequest) -> str:
    """Return what to look for in a log."""
    return request.GET.get("find", "").strip()[:LONGEST_SEARCH]
