"""Template tags that disable what the gate would refuse."""

import re
from typing import Any

from django import template
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from maintenance.context_processors import Notice

register = template.Library()

SUBMIT = re.compile(r"<(?:input|button)\b[^>]*?\btype=\"submit\"")


@register.simple_tag(takes_context=True)
def refused_attrs(context: Context) -> SafeString | str:
    """Print `` disabled`` with the reason, for exactly those whose change would be refused."""
    notice = _notice(context)
    if notice is None or not notice.refuses:
        return ""
    return format_html(' disabled aria-disabled="true" title="{}"', notice.sentence)


@register.simple_block_tag(takes_context=True)
def refused_submits(context: Context, content: str) -> SafeString:
    """Disable the submit buttons of a block that is made elsewhere, such as Django's admin site."""
    attrs = refused_attrs(context)
    if attrs:
        content = SUBMIT.sub(lambda tag: f"{tag[0]}{attrs}", content)
    return mark_safe(content)  # noqa: S308 the block's own output, escaped where it was made


def _notice(context: Context) -> Notice | None:
    notice: Any = context.get("maintenance")
    if isinstance(notice, Notice):
        return notice
    request = context.get("request")
    return Notice(request) if request is not None else None
