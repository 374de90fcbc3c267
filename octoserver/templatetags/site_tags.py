"""What a page tells the browser's tab, and links in what was said to have been done."""

import re

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

TASK = re.compile(r"\bServerTasks-([1-9][0-9]{0,17})\b", re.ASCII)
# Of each state of a task, and of the mode, the picture of the tab.
PICTURES = {
    "queued": "-waiting",
    "executing": "-executing",
    "cancelling": "-executing",
    "success": "-success",
    "failed": "-failed",
    "canceled": "-failed",
    "timedout": "-failed",
    "maintenance": "-maintenance",
}


@register.simple_tag
def favicon(state: str = "") -> str:
    """Return the address of the tab's picture for a state; of the plain one for any other word."""
    return static(f"img/favicon{PICTURES.get(state.lower(), '')}.svg")


@register.simple_tag
def page_state(state: str = "", title: str = "") -> SafeString:
    """Print what ``site.js`` gives to the tab when a live part of a page brings it.

    ``title`` stands before the page's own title; empty leaves that alone.
    """
    return format_html(
        '<span hidden data-icon="{}" data-state-title="{}"></span>', favicon(state), title
    )


@register.filter
def with_links(words: object) -> SafeString:
    """Return words in which the name of each task leads to it."""
    text = TASK.sub(_link, conditional_escape(str(words)))
    return mark_safe(text)  # noqa: S308 escaped before, and a link's parts are digits


def _link(name: re.Match[str]) -> str:
    return f'<a href="{reverse("tasks:detail", args=[int(name[1])])}">{name[0]}</a>'
