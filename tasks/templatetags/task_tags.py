"""Say on a page what a task's fields mean: its state, its kind, its times, its arguments."""

import json
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.forms.utils import pretty_name
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tasks import ansi, kinds
from tasks.models import ServerTask, State

register = template.Library()

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@register.filter
def kind_label(name: str) -> str:
    """Return the kind's label, or its bare name where this version no longer knows it."""
    try:
        return kinds.get(name).label
    except kinds.UnknownTaskKind:
        return name


@register.filter
def moment(time: datetime | None) -> SafeString | str:
    """Return the time to the second in the server's zone, with the exact one on hover."""
    if time is None:
        return ""
    local = timezone.localtime(time)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        time.isoformat(),
        local.isoformat(sep=" ", timespec="milliseconds"),
        local.strftime("%Y-%m-%d %H:%M:%S"),
    )


@register.filter
def clock(time: datetime) -> str:
    """Return the time of day of a log line, to the millisecond."""
    return timezone.localtime(time).time().isoformat(timespec="milliseconds")


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
    return " ".join(f"{count} {unit}" for count, unit in counts[:2] if count) or "under 1 s"


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
    """Return an argument as people would write it: text as it is, the rest as JSON."""
    if isinstance(value, str):
        return value
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
