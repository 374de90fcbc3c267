"""The forms of Configuration → Nodes and of Configuration → Queue."""

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from tasks import nodes


class CapForm(forms.Form):
    """How many tasks of people a node runs at once."""

    task_cap = forms.IntegerField(
        min_value=1,
        max_value=nodes.LARGEST_CAP,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"),
            format_lazy(
                _("A task cap is a whole number from 1 to {most}."), most=nodes.LARGEST_CAP
            ),
        ),
    )


class PauseForm(forms.Form):
    """Why the queue is paused."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Shown to everybody on every page."),
        error_messages={"max_length": _("The reason may have at most 500 characters.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


def problems(form: forms.Form) -> str:
    """Return what is wrong with a form, where only a sentence can say it."""
    return " ".join(str(error) for errors in form.errors.values() for error in errors)
