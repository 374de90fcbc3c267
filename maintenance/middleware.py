"""Stand between requests and views: refuse, let in under the barrier, hold read-only."""

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from maintenance import bodies, gate, mode, readonly, refusals, replies, requests
from maintenance.decorators import is_exempt

View = Callable[..., HttpResponseBase]


class MaintenanceModeMiddleware:
    """The gate at the HTTP edge. It must be the last middleware: see ``maintenance.E002``.

    ``process_view`` decides, because only there is the view known; the transaction it opens ends in
    ``__call__``, after the view and the rendering of its template; a refusal is rendered later
    so that nothing of it runs inside the refused transaction.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        visit = Visit(request)
        request._maintenance_visit = visit  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
        except BaseException:
            visit.end(failed=True)
            raise
        visit.end(failed=response.status_code >= 500)
        if visit.refused is not None:
            return visit.refuse(visit.refused)
        return visit.guard_stream(response)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        visit: Visit = request._maintenance_visit  # type: ignore[attr-defined]
        return visit.arrive(view)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        visit: Visit = request._maintenance_visit  # type: ignore[attr-defined]
        return visit.fail(exception)


class Visit:
    """One request's way through the gate."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.view: View | None = None
        self.passage: gate.Passage | None = None
        self.is_read_only = False
        self.refused: gate.InMaintenanceMode | None = None

    def arrive(self, view: View) -> HttpResponseBase | None:
        """Let the request in, or answer it."""
        self.view = view
        if is_exempt(view):
            return None
        try:
            if self.request.method in gate.SAFE_METHODS:
                self._look()
            else:
                self._change()
        except gate.InMaintenanceMode as refusal:
            return self._refused(refusal)
        return None

    def fail(self, exception: Exception) -> HttpResponseBase | None:
        """Note that the view failed; answer where it failed because it may not write."""
        if isinstance(exception, gate.InMaintenanceMode):
            return self._refused(exception)
        if self.is_read_only and readonly.is_refusal(exception):
            return self._refused(gate.InMaintenanceMode(requests.mode_of(self.request)))
        if self.passage is not None:
            self.passage.failed = True
        return None

    def end(self, *, failed: bool) -> None:
        """End the transaction, if one was opened; raises what committing raises."""
        if self.passage is not None:
            passage, self.passage = self.passage, None
            passage.close(failed=failed)

    def refuse(self, refusal: gate.InMaintenanceMode) -> HttpResponse:
        """Put the refusal on record and render it, outside every transaction of the request."""
        refusals.record(self.request, self.view, refusal.mode)
        return replies.refusal(self.request, self.view, refusal.mode)

    def guard_stream(self, response: HttpResponseBase) -> HttpResponseBase:
        """Hold a streamed body read-only: it runs after the transaction has ended.

        What a change streams is held at all times, since the mode may come on while it does.
        """
        if not response.streaming or self.view is None or is_exempt(self.view):
            return response
        change = self.request.method not in gate.SAFE_METHODS
        if self.is_read_only or (change and not gate.is_administrator(self._person())):
            bodies.guard(response, mode.database())
        return response

    def _person(self) -> Any:
        return gate.person_of(self.request)

    def _look(self) -> None:
        """Hold a page read-only while the mode is on; a mode that cannot be read stops nobody."""
        try:
            if requests.is_off(self.request):
                return
            row = requests.mode_of(self.request)
        except DatabaseError:
            return
        if not row.is_enabled or gate.is_administrator(self._person()):
            return
        self.is_read_only = True
        self.passage = gate.Passage(readonly.read_only(mode.database()))

    def _change(self) -> None:
        """Let a change in under the barrier."""
        bodies.receive(self.request)  # a slow client must not hold up the switch
        person = self._person()
        try:
            requests.check_sender(self.request, person)
            self.passage = gate.admitted(person)
        except DatabaseError:
            self.passage = self._unreadable(person)

    def _unreadable(self, person: Any) -> gate.Passage:
        """Refuse when the mode cannot be read, but for those whom it could not have refused."""
        try:
            administrator = gate.is_administrator(person)
        except DatabaseError:
            administrator = False
        if not administrator:
            raise gate.InMaintenanceMode(None)
        return gate.unchecked(person)

    def _refused(self, refusal: gate.InMaintenanceMode) -> HttpResponse:
        self.refused = refusal
        if self.passage is not None:
            self.passage.failed = True
        return HttpResponse(status=503)
