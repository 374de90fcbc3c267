"""Template tags that disable what the gate would refuse."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.template.context import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

from maintenance import work
from maintenance.context_processors import Notice
from maintenance.trail import BY_ITSELF

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


@register.filter
def when(moment: datetime | None) -> SafeString | str:
    """Print a time in the server's zone, which a script shows in the reader's."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" data-local title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{local:%Y-%m-%d %H:%M:%S %Z}",
        f"{local:%Y-%m-%d %H:%M %Z}",
    )


@register.filter
def distance(moment: datetime | None) -> SafeString | str:
    """Print how long ago, or how far ahead, a time is; a script goes on counting."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    is_past = moment <= timezone.now()
    words = _("%(time)s ago") if is_past else _("in %(time)s")
    length = timesince(moment, depth=1) if is_past else timeuntil(moment, depth=2)
    return format_html(
        '<time datetime="{}" data-relative title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{local:%Y-%m-%d %H:%M:%S %Z}",
        words % {"time": length},
    )


@register.filter
def by(name: str) -> str:
    """Say who did something, or that the clock did."""
    return _("by itself") if name == BY_ITSELF else _("by %(name)s") % {"name": name}


@register.filter
def who(name: str) -> str:
    """Name who did something, where nothing else is said."""
    return _("by itself") if name == BY_ITSELF else name


@register.filter
def is_cut(found: Sequence[Any]) -> bool:
    """Whether a list of what works here is so long that there may be more."""
    return len(found) >= work.LISTED


def _notice(context: Context) -> Notice | None:
    notice: Any = context.get("maintenance")
    if isinstance(notice, Notice):
        return notice
    request = context.get("request")
    return Notice(request) if request is not None else None
