"""G5: Django's own doors stay open in whatever project the mode is put into."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import views
from django.views.i18n import set_language

from maintenance.decorators import is_exempt

SITE = admin.AdminSite(name="plain")
VIEWS = {pattern.name: pattern.callback for pattern in SITE.get_urls() if pattern.name}


class OwnSignIn(views.LoginView):
    """A project's own, as many have one."""


@pytest.mark.parametrize(
    "view",
    [
        views.LoginView.as_view(), views.LogoutView.as_view(), OwnSignIn.as_view(),
        set_language, VIEWS["login"], VIEWS["logout"],
    ],
)  # fmt: skip
def test_g5_signing_in_and_out_and_the_language_are_exempt(view: Callable[..., Any]) -> None:
    assert is_exempt(view)


@pytest.mark.parametrize(
    "view",
    [
        views.PasswordChangeView.as_view(), views.PasswordResetView.as_view(),
        VIEWS["password_change"], VIEWS["index"],
    ],
)  # fmt: skip
def test_g1_nothing_else_of_djangos_is(view: Callable[..., Any]) -> None:
    assert not is_exempt(view)
