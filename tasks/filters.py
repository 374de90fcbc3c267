"""The filters of the Tasks page: a GET form whose address can be kept as a bookmark."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from tasks import kinds, wording
from tasks.models import ServerNode, State
from tasks.querysets import ServerTaskQuerySet

LARGEST_ID = 2**63 - 1
CURSORS = ("before", "after")
NO_SUCH_PLACE = _("The address names a place in the list that cannot be.")


def _kinds() -> list[tuple[str, Any]]:
    return [("", _("All kinds")), *((kind.name, kind.label) for kind in kinds.all())]


def _cursor() -> forms.IntegerField:
    return forms.IntegerField(
        required=False,
        min_value=0,
        max_value=LARGEST_ID,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), NO_SUCH_PLACE),
    )


class TaskFilter(forms.Form):
    """What to show; every field may be left out."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("All states")), *((state, wording.lazy(state)) for state in State.values)],
        error_messages={"invalid_choice": _("There is no state “%(value)s”.")},
    )
    kind = forms.ChoiceField(
        label=_("Kind"),
        required=False,
        choices=_kinds,
        error_messages={"invalid_choice": _("There is no task kind “%(value)s”.")},
    )
    node = forms.ModelChoiceField(
        label=_("Node"),
        required=False,
        queryset=ServerNode.objects.all(),
        to_field_name="name",
        empty_label=_("All nodes"),
        error_messages={"invalid_choice": _("There is no node “%(value)s”.")},
    )
    person = forms.CharField(
        label=_("Person"),
        required=False,
        max_length=150,
        widget=forms.TextInput(attrs={"placeholder": _("Anybody"), "autocomplete": "off"}),
    )
    system = forms.ChoiceField(
        required=False,
        label=_("Queued by"),
        choices=[("", _("People and system")), ("no", _("People")), ("yes", _("System"))],
        error_messages={"invalid_choice": _("Say yes or no for system, not “%(value)s”.")},
    )
    before = _cursor()
    after = _cursor()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""

    def clean_person(self) -> Any:
        name: str = self.cleaned_data["person"]
        if not name:
            return None
        people = get_user_model()
        try:
            return people._default_manager.get_by_natural_key(name)
        except people.DoesNotExist:
            words = _("Nobody is called “%(name)s”.")
            raise forms.ValidationError(words, params={"name": name}) from None

    @property
    def chosen(self) -> dict[str, str]:
        """What was asked for, as it stands in the address; cursors are not filters."""
        return {
            name: self.data[name]
            for name in self.fields
            if name not in CURSORS and self.data.get(name)
        }

    @property
    def is_first_page(self) -> bool:
        return not any(self.data.get(cursor) for cursor in CURSORS)

    def query(self, **cursor: int) -> str:
        """Return the query string of the same filters at another place in the list."""
        return urlencode({**self.chosen, **cursor})

    def narrow(self, tasks: ServerTaskQuerySet) -> ServerTaskQuerySet:
        """Return the tasks that were asked for; none while a filter is not understood."""
        if not self.is_valid():
            return tasks.none()
        wanted = self.cleaned_data
        conditions: dict[str, Any] = {
            name: wanted[name] for name in ("state", "kind", "node", "person") if wanted[name]
        }
        found = tasks.filter(**conditions)
        return found.of_lane(wanted["system"] == "yes") if wanted["system"] else found
