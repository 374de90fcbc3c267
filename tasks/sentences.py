"""Sentences that rows keep in the server's language, said in the reader's.

What a task is, how it ended and what a history says are text in a row, read later by anybody. Each
is filled from a template that is translated, so that it can be recognised and said anew. A log
stays as it was written.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from django.utils.translation import get_language, gettext, override

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

# Characters. What is longer is a trace or a person's own text, and is shown as it is.
LONGEST = 1_000
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
# What these hold is a sentence, or words, of the server too; what others hold is a name.
NESTED = ("why", "by")
# Sentences within sentences; the server's own go four deep.
DEEPEST = 5

_templates: list["_StrOrPromise"] = []


def kept(template: str) -> str:
    """Return a template, such as ``Canceled by %(by)s.``, known from here on."""
    _templates.append(template)
    return template


def keep_label(label: "_StrOrPromise") -> None:
    """Make known a text that is marked for translation and kept as it is."""
    _templates.append(label)


def translated(text: str) -> str:
    """Return each line of a kept text in the reader's language, as far as it is known."""
    if len(text) > LONGEST or (get_language() or "en").startswith("en"):
        return text
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str, depth: int = 1) -> str:
    if depth > DEEPEST:
        return line
    for template, pattern in _patterns(len(_templates)):
        found = pattern.fullmatch(line)
        if found:
            parts = found.groupdict()
            return gettext(template) % {
                name: _line(part, depth + 1) if name in NESTED else part
                for name, part in parts.items()
            }
    return line


@cache
def _patterns(count: int) -> list[tuple[str, re.Pattern[str]]]:
    """Return the first ``count`` templates, each with what recognises a sentence made of it.

    Of several that fit, the longest counts: the others have more room for names.
    """
    with override(None):
        templates = {str(template) for template in _templates[:count]}
    return [(each, _pattern(each)) for each in sorted(templates, key=len, reverse=True)]


def _pattern(template: str) -> re.Pattern[str]:
    literals = PLACEHOLDER.split(template)
    for index, part in enumerate(literals):
        literals[index] = f"(?P<{part}>.+?)" if index % 2 else re.escape(part.replace("%%", "%"))
    return re.compile("".join(literals))
