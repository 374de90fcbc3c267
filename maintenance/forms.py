"""What an administrator says when turning the mode on, or when planning a window."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maintenance import mode, times, trail, windows, wording
from maintenance.models import Activity, Window

INPUT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class TimeField(forms.DateTimeField):
    """A time in the server's zone; one that a clock change there skips or repeats is refused."""

    widget = INPUT
    default_error_messages = {
        "invalid": _("This is no date and time, such as 2026-11-30 22:00."),
    }
    # What is shown to be edited, with seconds and an offset that the page does not show: left
    # untouched, it stays.
    shown: datetime | None = None

    def to_python(self, value: Any) -> datetime | None:
        try:
            if isinstance(value, str) and (naive := self._naive(value)):
                return self.shown if self._is_shown(naive) else times.zoned(naive)
        except ValueError as error:
            raise forms.ValidationError(str(error), code="clock_change") from None
        return super().to_python(value)

    def _is_shown(self, naive: datetime) -> bool:
        if self.shown is None:
            return False
        return timezone.make_naive(self.shown).replace(second=0, microsecond=0) == naive

    def _naive(self, value: str) -> datetime | None:
        try:
            found = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        return found if timezone.is_naive(found) else None


class EnableForm(forms.Form):
    """Reason and expected end, both optional, both shown to people."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=wording.LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Shown to everybody, on every page and on every refusal."),
    )
    until = TimeField(
        label=_("Expected end"),
        required=False,
        help_text=_("Shown to everybody. The mode stays on until it is turned off."),
    )
    closes_itself = forms.BooleanField(
        label=_("Turn it off at that time by itself"),
        required=False,
        help_text=_("Better left to you: a server is verified while the mode is still on."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        if until is not None and until <= trail.now(mode.database()):
            raise forms.ValidationError(_("The expected end lies in the past."))
        if until is not None and until > times.LATEST:
            raise forms.ValidationError(_("The expected end lies too far ahead."))
        return until

    def clean_closes_itself(self) -> bool:
        closes: bool = self.cleaned_data["closes_itself"]
        if closes and not self.cleaned_data.get("until") and "until" not in self.errors:
            self.add_error("until", _("To turn off by itself, the mode needs an end."))
        return closes


class WindowForm(forms.Form):
    """A window, as it is planned or edited; ``version`` tells two editors apart."""

    activity = forms.ChoiceField(label=_("Activity"), choices=Activity.choices)
    starts = TimeField(label=_("Start"))
    ends = TimeField(label=_("Expected end"), required=False)
    closes_itself = forms.BooleanField(
        label=_("Close at the end by itself"),
        required=False,
        help_text=_(
            "Left empty, maintenance mode stays on until an administrator turns it off: a server"
            " is verified while the mode is still on."
        ),
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=wording.LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Shown to everybody, from the notice ahead to the end."),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, window: Window | None = None, **kwargs: Any) -> None:
        if window is not None:
            values = {name: getattr(window, name) for name in self.base_fields}
            kwargs.setdefault("initial", values)
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for name in ("starts", "ends"):
            self.fields[name].shown = getattr(window, name, None)  # type: ignore[attr-defined]
        zone = timezone.get_current_timezone_name()
        self.fields["starts"].help_text = _("In the server's time zone, %s.") % zone
        if window is not None and window.opened is not None:
            for name in ("activity", "starts"):
                self.fields[name].disabled = True
                self.fields[name].help_text = _("The window is open.")

    def draft(self) -> windows.Draft:
        """Return what a valid form says."""
        values = {name: self.cleaned_data[name] for name in self.cleaned_data if name != "version"}
        return windows.Draft(**values)

    def refuse(self, refused: windows.WindowRefused) -> None:
        """Say at the field why the window cannot be so."""
        self.add_error(refused.field, str(refused))
