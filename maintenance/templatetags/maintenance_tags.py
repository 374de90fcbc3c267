"""Template tags that disable what the gate would refuse."""

from typing import Any

from django import template
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from maintenance.context_processors import Notice

register = template.Library()


@register.simple_tag(takes_context=True)
def refused_attrs(context: Context) -> SafeString | str:
    """Print `` disabled`` with the reason, for exactly those whose change would be refused."""
    notice = _notice(context)
    if notice is None or not notice.refuses:
        return ""
    return format_html(' disabled aria-disabled="true" title="{}"', notice.sentence)


def _notice(context: Context) -> Notice | None:
    notice: Any = context.get("maintenance")
    if isinstance(notice, Notice):
        return notice
    request = context.get("request")
    return Notice(request) if request is not None else None
