"""Mark the views of Django's own by which people sign in and out and choose their language.

Whatever project the mode is put into, nobody may be locked out of it. The mark is on the views, as
that of ``maintenance_exempt`` is; a project's view that extends one of them inherits it, unless it
replaces ``dispatch``.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth.views import LoginView, LogoutView
from django.views.i18n import set_language


def mark() -> None:
    """Mark them, before any URL table is made of them."""
    for view in _views():
        view.maintenance_exempt = True  # type: ignore[attr-defined]


def _views() -> Iterator[Callable[..., Any]]:
    yield from (LoginView.dispatch, LogoutView.dispatch, set_language)
    if apps.is_installed("django.contrib.admin"):
        from django.contrib.admin import AdminSite

        yield from (AdminSite.login, AdminSite.logout)
