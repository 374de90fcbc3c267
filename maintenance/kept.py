"""Keep what was typed into a refused form on the page that refuses it."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest

from maintenance import bodies
from maintenance.requests import (
    SENDER_FIELD,
    AnotherSender,
    check_sender,
    is_proof,
    sign_sender,
)

# Whether there is to be a password, as the admin site asks, is none.
PLAIN = {"usable_password"}
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
        return _label(self.name)

    @property
    def is_hidden(self) -> bool:
        """Whether to keep it unseen: it is empty, or by its name nobody typed it."""
        return not self.value or self.name.startswith("_")

    @property
    def is_long(self) -> bool:
        return len(self.value) > ONE_LINE or "\n" in self.value


@dataclass(frozen=True)
class Withheld:
    """A field that is not repeated; ``is_long`` where it held several lines, or several files."""

    name: str
    is_file: bool = False
    is_long: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        return _label(self.name)


@dataclass(frozen=True)
class Kept:
    """A refused form: where it goes, what it held, and what of it must be entered again."""

    action: str
    fields: Sequence[Field]
    withheld: Sequence[Withheld]
    sender: str
    sender_field: str = SENDER_FIELD

    @property
    def is_typed(self) -> bool:
        """Whether there is anything to see of it."""
        return not all(field.is_hidden for field in self.fields)

    @property
    def has_files(self) -> bool:
        return any(field.is_file for field in self.withheld)


def form(request: HttpRequest, view: Callable[..., Any] | None, person: Any) -> Kept | None:
    """Return the form that a request carried; None if it carried none that a page could send."""
    if request.method != "POST" or request.content_type not in bodies.FORMS:
        return None
    marks: dict[str, str] = getattr(view, "maintenance_sensitive", {})
    marked = {name for name, when in marks.items() if not when or request.POST.get(when)}
    fields: list[Field] = []
    withheld: list[Withheld] = []
    for name, values in request.POST.lists():
        if name in NEVER:
            continue
        if any(values) and _is_secret(name, marked):
            is_long = any("\n" in str(value) for value in values)
            withheld.append(Withheld(name, is_long=is_long))
        else:
            fields.extend(Field(name, str(value)) for value in values)
    files = request.FILES.lists()
    withheld.extend(Withheld(name, is_file=True, is_long=len(each) > 1) for name, each in files)
    return Kept(request.get_full_path(), fields, withheld, sign_sender(person))


def sent_again(request: HttpRequest, view: Callable[..., Any] | None, person: Any) -> Kept | None:
    """Return a kept form that came back from the very person to whom it was shown.

    Nobody else can prove to be that: what another site sends in somebody's name is not returned.
    """
    if SENDER_FIELD not in request.POST:
        return None
    try:
        check_sender(request, person)
    except AnotherSender:
        return None
    return form(request, view, person)


def of_signed_out(request: HttpRequest, view: Callable[..., Any] | None) -> Kept | None:
    """Return a kept form that is sent while its sender is signed out, theirs alone to send."""
    proof = request.POST.get(SENDER_FIELD)
    found = form(request, view, None) if proof is not None and is_proof(proof) else None
    return None if found is None or proof is None else replace(found, sender=proof)


def _is_secret(name: str, marked: Collection[str]) -> bool:
    return name in marked or (name not in PLAIN and SECRET.search(name) is not None)


def _label(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip().capitalize()
