"""What an administrator says when turning the mode on."""

from datetime import datetime

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class EnableForm(forms.Form):
    """Reason and expected end, both optional, both shown to people."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Shown to everybody, on every page and on every refusal."),
    )
    until = forms.DateTimeField(
        label=_("Expected end"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Shown to everybody. The mode stays on until it is turned off."),
        error_messages={"invalid": _("This is no date and time, such as 2026-11-30 22:00.")},
    )

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        if until is not None and until <= timezone.now():
            raise forms.ValidationError(_("The expected end lies in the past."))
        return until
