"""The forms of the server's own pages."""

from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _(
            "This name and password do not match. Both are case-sensitive; after several failures "
            "ask an administrator for a new password."
        ),
        "inactive": _("This account is switched off. Ask an administrator."),
    }
