"""Tell every template about the mode, at no cost where it does not ask."""

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.functional import cached_property

from maintenance import gate, requests
from maintenance.models import MaintenanceMode, Window


class Notice:
    """What a page may show of the mode to the person who looks at it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def mode(self) -> MaintenanceMode | None:
        """The mode; None if it cannot be read."""
        try:
            return requests.mode_of(self._request)
        except DatabaseError:
            return None

    @cached_property
    def is_on(self) -> bool:
        try:
            return not requests.is_off(self._request) and requests.mode_of(self._request).is_enabled
        except DatabaseError:
            return False

    @cached_property
    def is_administrator(self) -> bool:
        try:
            return gate.is_administrator(gate.person_of(self._request))
        except DatabaseError:
            return False

    @cached_property
    def refuses(self) -> bool:
        """Whether this person's changes would be refused now."""
        return self.is_on and not self.is_administrator

    @cached_property
    def announced(self) -> Window | None:
        """The window that begins soon, unless the mode is on already."""
        try:
            return None if self.is_on else requests.announced_to(self._request)
        except DatabaseError:
            return None

    @cached_property
    def sentence(self) -> str:
        return gate.describe(self.mode)


def maintenance(request: HttpRequest) -> dict[str, Any]:
    """Add ``maintenance``, a ``Notice``, to the context of a template."""
    return {"maintenance": Notice(request)}
