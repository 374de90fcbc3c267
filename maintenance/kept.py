"""Keep what was typed into a refused form on the page that refuses it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from maintenance import bodies
from maintenance.requests import SENDER_FIELD, sign_sender

SECRET = re.compile(r"pass(word|wd|phrase)|secret|token|api_?key|credential", re.IGNORECASE)
NEVER = {"csrfmiddlewaretoken", SENDER_FIELD}
# A field of more than this many characters, or of more than one line, gets a text area.
ONE_LINE = 80


@dataclass(frozen=True)
class Field:
    """A value as it was typed."""

    name: str
    value: str

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").replace("-", " ").strip().capitalize()

    @property
    def is_hidden(self) -> bool:
        """Whether to keep it unseen: it is empty, or by its name nobody typed it."""
        return not self.value or self.name.startswith("_")

    @property
    def is_long(self) -> bool:
        return len(self.value) > ONE_LINE or "\n" in self.value


@dataclass(frozen=True)
class Kept:
    """A refused form: where it goes, what it held, and what of it must be entered again."""

    action: str
    fields: Sequence[Field]
    withheld: Sequence[str]
    sender: str
    sender_field: str = SENDER_FIELD

    @property
    def is_typed(self) -> bool:
        """Whether there is anything to see of it."""
        return not all(field.is_hidden for field in self.fields)


def form(request: HttpRequest, view: Callable[..., Any] | None, person: Any) -> Kept | None:
    """Return the form that a request carried; None if it carried none that a page could send."""
    if request.method != "POST" or request.content_type not in bodies.FORMS:
        return None
    marked: frozenset[str] = getattr(view, "maintenance_sensitive", frozenset())
    fields: list[Field] = []
    withheld: list[str] = []
    for name, values in request.POST.lists():
        if name in NEVER:
            continue
        if name in marked or SECRET.search(name):
            withheld.append(name)
        else:
            fields.extend(Field(name, str(value)) for value in values)
    withheld.extend(name for name in request.FILES if name not in withheld)
    return Kept(request.get_full_path(), fields, withheld, sign_sender(person))
