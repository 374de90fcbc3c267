"""The forms of projects; what they cannot know, the writers refuse, and the view adds it here."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from octoserver.deployments import deployments, semver
from octoserver.deployments.models import (
    Condition,
    Environment,
    Project,
    Runbook,
    Shell,
    Step,
)
from tasks.forms import ScheduleForm

LARGEST_SCRIPT = 1024 * 1024
LONGEST_TIME_LIMIT = 24 * 3600
MOST_RETRIES = 10
ONE_LINE = RegexValidator(r"\A[^\x00-\x1f\x7f]*\Z", _("Write it in one line."))


class SecretArea(forms.Textarea):
    """A text area that never shows what it was given, not even after a mistake elsewhere."""

    def format_value(self, value: Any) -> str | None:
        return None


class Form(forms.Form):
    """A form without colons, whose scripts and values keep their spaces."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)


def _name(length: int) -> forms.CharField:
    return forms.CharField(label=_("Name"), max_length=length, validators=[ONE_LINE])


def _several(rows: QuerySet[Any], *, label: Any, help_text: Any) -> Any:
    return forms.ModelMultipleChoiceField(
        rows,
        required=False,
        label=label,
        help_text=help_text,
        widget=forms.CheckboxSelectMultiple,
    )


class ProjectForm(Form):
    name = _name(100)
    slug = forms.SlugField(
        label=_("Slug"),
        max_length=60,
        help_text=_("Its place in addresses: small letters, digits and dashes."),
    )
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    promotes_in_order = forms.BooleanField(
        required=False,
        initial=True,
        label=_("Promote in order"),
        help_text=_(
            "A release enters an environment only after it succeeded in the one before "
            "that the project uses."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environments"] = _several(
            Environment.objects.in_order(),
            label=_("Environments it uses"),
            help_text=_("None: all of them."),
        )

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"].lower()
        return slug


class EnvironmentForm(Form):
    name = _name(50)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["groups"] = _several(
            Group.objects.order_by("name"),
            label=_("Who may deploy here"),
            help_text=_("None: everybody who may deploy at all."),
        )


class RunbookForm(Form):
    name = _name(100)
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class StepForm(Form):
    name = _name(60)
    shell = forms.ChoiceField(label=_("Shell"), choices=Shell.choices)
    script = forms.CharField(
        label=_("Script"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
        help_text=_("Variables are in its environment. Its exit code decides: 0 is success."),
        error_messages={"required": _("The step has no script.")},
    )
    condition = forms.ChoiceField(choices=Condition.choices, label=_("Runs on"))
    time_limit = forms.IntegerField(
        label=_("Time limit"),
        min_value=1,
        max_value=LONGEST_TIME_LIMIT,
        initial=3600,
        help_text=format_lazy(_("In seconds, {most} at most."), most=LONGEST_TIME_LIMIT),
    )
    retries = forms.IntegerField(
        label=_("Retries"),
        min_value=0,
        max_value=MOST_RETRIES,
        initial=0,
        help_text=_("How often it is tried again after it failed."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environments"] = _several(
            Environment.objects.in_order(),
            label=_("Environments"),
            help_text=_("None: in all of them."),
        )

    def clean_script(self) -> str:
        return clean_script(self.cleaned_data["script"])


def clean_script(text: str) -> str:
    """Return a script with the ends of lines of this system; raise if it is none."""
    script = text.replace("\r\n", "\n")
    if not script.strip():
        raise forms.ValidationError(_("The step has no script."))
    size = len(script.encode("utf-8", "replace"))
    if size > LARGEST_SCRIPT:
        raise forms.ValidationError(
            _("The script has %(size)s bytes, 1 MiB is the most.")
            % {"size": number_format(size, force_grouping=True)}
        )
    return script


# By its placeholder a stylesheet knows an empty field, and hides the one that is not meant.
PLAIN_AREA = {"spellcheck": "false", "placeholder": " "}


class VariableForm(Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    is_sensitive = forms.BooleanField(
        required=False,
        label=_("Sensitive"),
        help_text=_("Stored encrypted, never shown again, and masked in logs."),
    )
    value = forms.CharField(
        label=_("Value"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3, **PLAIN_AREA}),
        help_text=_("#{Name} stands for the value of another variable."),
    )
    secret = forms.CharField(
        required=False,
        strip=False,
        label=_("Sensitive value"),
        widget=SecretArea(attrs={"rows": 2, "autocomplete": "off", **PLAIN_AREA}),
        help_text=_("Only for a sensitive variable. Left empty, the value it has is kept."),
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environments"] = _several(
            Environment.objects.in_order(),
            label=_("Environments"),
            help_text=_("None: in all of them."),
        )
        self.fields["steps"] = _several(
            Step.objects.filter(project=project).select_related("runbook"),
            label=_("Steps"),
            help_text=_("None: in all of them."),
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        secret, value = cleaned.pop("secret", ""), cleaned.get("value", "")
        if cleaned.get("is_sensitive"):
            if value:
                # It was typed where it shows; it must not come back with the page.
                data: Any = self.data.copy()  # type: ignore[attr-defined]
                data["value"] = ""
                self.data = data
                self.add_error("value", _("Write a sensitive value in its own field."))
            cleaned["value"] = secret.replace("\r\n", "\n") or None
        elif secret:
            self.add_error("is_sensitive", _("Tick this, or leave the sensitive value empty."))
        else:
            cleaned["value"] = value.replace("\r\n", "\n")
        return cleaned


class ReleaseForm(Form):
    version = forms.CharField(
        label=_("Version"), max_length=64, help_text=_("By Semantic Versioning, such as 1.4.2.")
    )
    notes = forms.CharField(
        label=_("Notes"),
        required=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def clean_version(self) -> str:
        version: str = self.cleaned_data["version"]
        try:
            semver.parse(version)
        except semver.NotAVersion as refusal:
            raise forms.ValidationError(str(refusal)) from None
        return version


def _place(project: Project, person: Any) -> "forms.ModelChoiceField[Environment]":
    """Return a field of the environments that a project uses and a person may deploy to."""
    used = Environment.objects.used_by(project).prefetch_related("groups")
    allowed = [place.pk for place in deployments.open_to(person, used)]
    return forms.ModelChoiceField(
        Environment.objects.in_order().filter(pk__in=allowed),
        label=_("Environment"),
        empty_label=None,
    )


class PlaceForm(ScheduleForm):
    """Where, and when."""

    def __init__(self, *args: Any, project: Project, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {"environment": _place(project, person), **self.fields}


class TriggerForm(Form):
    name = _name(100)
    cron = forms.CharField(
        max_length=100,
        label=_("When"),
        help_text=_(
            "A cron expression: minute, hour, day, month, weekday. “30 2 * * 1-5” is 2:30 "
            "on workdays."
        ),
    )
    time_zone = forms.CharField(
        label=_("Time zone"), max_length=60, help_text=_("Such as Europe/Berlin.")
    )
    is_enabled = forms.BooleanField(required=False, initial=True, label=_("Enabled"))

    def __init__(self, *args: Any, project: Project, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].initial = settings.TIME_ZONE
        self.fields["environment"] = _place(project, person)
        self.fields["runbook"] = forms.ModelChoiceField(
            Runbook.objects.filter(project=project),
            required=False,
            label=_("What"),
            empty_label=_("Deploy the latest release"),
        )


class WhereForm(Form):
    """Which environment's deployments to list."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environment"] = forms.ModelChoiceField(
            Environment.objects.in_order(),
            label=_("Environment"),
            required=False,
            empty_label=_("All environments"),
        )


class LookForm(Form):
    """Where to look at variables from."""

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environment"] = forms.ModelChoiceField(
            Environment.objects.in_order(), empty_label=None, label=_("Environment")
        )
        self.fields["step"] = forms.ModelChoiceField(
            Step.objects.filter(project=project).select_related("runbook"),
            required=False,
            empty_label=_("any step"),
            label=_("Step"),
        )
