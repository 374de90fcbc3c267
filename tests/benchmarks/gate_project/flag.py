"""A gate as it is usually written: look at the flag, then let the request go on.

It leaks: what was let in just before the switch commits after it. A harness that cannot see this
would prove nothing about a gate that holds.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from maintenance import gate, mode


class FlagMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_safe = request.method in gate.SAFE_METHODS
        if not is_safe and mode.current().is_enabled and not gate.is_administrator(request.user):
            return HttpResponse(status=503)
        return self.get_response(request)
