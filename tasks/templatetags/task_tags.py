"""Say on a page what a task's fields mean: its state, its kind, its times, its arguments."""

import json
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.forms.utils import pretty_name
from django.http import HttpRequest
from django.template.context import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tasks import ansi, kinds, painting
from tasks.models import ServerTask, State
from tasks.views.decisions import context_for

register = template.Library()

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@register.simple_tag(takes_context=True)
def decisions(context: Context) -> SafeString | str:
    """List what expired while no scheduler ran, and let those decide who may."""
    request: HttpRequest = context["request"]
    if not request.user.has_perm("tasks.view_servertask"):
        return ""
    found = context_for(request.user)
    return render_to_string("tasks/_live_decisions.html", found, request)


@register.filter
def kind_label(name: str) -> str:
    """Return the kind's label, or its bare name where this version no longer knows it."""
    try:
        return str(kinds.get(name).label)
    except kinds.UnknownTaskKind:
        return name


@register.filter
def page_elsewhere(task: ServerTask) -> tuple[str, str] | None:
    """Return name and address of the page that a task's work has besides the task's own."""
    try:
        return kinds.get(task.kind).page(task)
    except kinds.UnknownTaskKind:
        return None


@register.filter
def moment(time: datetime | None) -> SafeString | str:
    """Return the time to the second in the server's zone, with the exact one on hover."""
    if time is None:
        return ""
    local = timezone.localtime(time)
    return format_html(
        '<time datetime="{}" data-local title="{}">{}</time>',
        time.isoformat(),
        local.isoformat(sep=" ", timespec="milliseconds"),
        local.strftime("%Y-%m-%d %H:%M:%S"),
    )


@register.filter
def ago(time: datetime | None) -> SafeString | str:
    """Return the time as ``moment`` does, for a script to say how long ago that was."""
    return mark_safe(str(moment(time)).replace("<time ", "<time data-relative ", 1))  # noqa: S308


@register.filter
def clock(time: datetime) -> SafeString:
    """Return an element with the time of day of a log line, to the millisecond."""
    return painting.clock(time)


@register.filter
def duration(length: timedelta | None) -> str:
    """Return the two largest units of a length of time, such as ``2 min 5 s``."""
    if length is None:
        return ""
    rest = max(int(length.total_seconds()), 0)
    counts: list[tuple[int, str]] = []
    for size, unit in UNITS:
        count, rest = divmod(rest, size)
        if count or counts:
            counts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in counts[:2] if count) or _("under 1 s")


@register.filter
def seconds(number: float) -> str:
    """Return a length of time given in seconds in words."""
    return duration(timedelta(seconds=number))


@register.filter
def total_seconds(length: timedelta | None) -> str:
    """Return a length of time as a script counts on from it: seconds, with a point."""
    return "" if length is None else f"{length.total_seconds():.1f}"


@register.filter
def run_time(task: ServerTask) -> timedelta | None:
    """Return how long the task ran, or has been running by now."""
    if task.start_time is None:
        return None
    return (task.completed_time or timezone.now()) - task.start_time


@register.filter
def is_scheduled(task: ServerTask) -> bool:
    """Tell whether the task waits for its time."""
    return task.state == State.QUEUED and task.queue_time > timezone.now()


@register.filter
def was_scheduled(task: ServerTask) -> bool:
    """Tell whether the task was queued for later."""
    return task.queue_time > task.created


@register.filter
def queued_by(task: ServerTask) -> str:
    """Return who queued the task; without a person it was the server or its shell."""
    return task.person_name or ("System" if task.is_system else "Server")


@register.filter
def labelled_arguments(task: ServerTask) -> list[tuple[str, Any]]:
    """Return the arguments under the labels of the kind's form, as far as it is known."""
    try:
        fields = kinds.get(task.kind).form_class.base_fields
    except kinds.UnknownTaskKind:
        fields = {}
    return [
        (str(getattr(fields.get(name), "label", None) or pretty_name(name)), value)
        for name, value in task.arguments.items()
    ]


@register.filter
def as_text(value: Any) -> str:
    """Return an argument as people would write it: text as it is, yes or no, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


@register.filter
def is_long(value: Any) -> bool:
    """Tell whether an argument needs a block of its own."""
    text = as_text(value)
    return "\n" in text or len(text) > 80


@register.filter
def plain(text: str) -> str:
    """Return a log line without what would steer a terminal."""
    return ansi.plain(text)
