"""The forms that go with every task kind: when it starts, and once however often it is sent."""

import re
import secrets
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TimeInput(forms.DateTimeInput):
    """A browser's own field for a time; a plain one for what that would not show again."""

    SHOWN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        text = context["widget"]["value"]
        if text and not self.SHOWN.fullmatch(text):
            context["widget"]["type"] = "text"
        return context


def _token() -> str:
    return secrets.token_urlsafe(24)


def _time(label: Any, *, help_text: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        required=False,
        label=label,
        help_text=help_text,
        widget=TimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
        error_messages={"invalid": _("Write the time like 2030-12-31 22:30.")},
    )


class OnceForm(forms.Form):
    """A form that may be sent twice and acts once, because both carry the same token."""

    # The underscore says that nobody typed it: a refused form keeps it without showing it.
    _once = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput, initial=_token)

    @property
    def token(self) -> str | None:
        return self.cleaned_data["_once"] or None


class RerunForm(OnceForm):
    """The button that queues a task again."""


class ScheduleForm(OnceForm):
    """When a task starts. The limits of both times are the queue's to enforce."""

    queue_time = _time(
        _("Start at"), help_text=_("Leave empty to start as soon as there is a free slot.")
    )
    queue_time_expiry = _time(
        _("Give up unless started by"),
        help_text=_("Leave empty for 30 minutes after its time, or a day if it starts now."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""

    @property
    def time_zone(self) -> str:
        return timezone.get_current_timezone_name()

    @property
    def chosen(self) -> dict[str, Any]:
        """Return the times and the token as the queue takes them."""
        names = ("queue_time", "queue_time_expiry")
        return {name: self.cleaned_data[name] for name in names} | {"token": self.token}
