"""The words of states on screen: in English those of the wire, elsewhere the reader's."""

from typing import TYPE_CHECKING

from django.utils.translation import pgettext, pgettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# The labels of the choices are the rest of them; this one's has a space that the word has not.
TIMED_OUT = pgettext_lazy("state", "TimedOut")


def state(value: str) -> str:
    """Return the word for a state, or the state itself where no language knows it."""
    return pgettext("state", value) if value else ""


def lazy(value: str) -> "_StrPromise":
    """Return the word for a state, in the language of whoever reads it later."""
    return pgettext_lazy("state", value)
