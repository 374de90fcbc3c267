"""Say states and kept sentences in the reader's language; wire and rows keep their own words."""

from django import template

from tasks import sentences, wording

register = template.Library()


@register.filter
def state_word(state: str) -> str:
    """Return the word for a state."""
    return wording.state(state)


@register.filter
def translated(text: str) -> str:
    """Return a sentence that a row keeps, such as a task's description or message."""
    return sentences.translated(text)
