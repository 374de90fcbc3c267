"""Make nodes, tasks and logs as the queue would have left them."""

import uuid
from datetime import timedelta
from typing import Any

import factory
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from factory.django import DjangoModelFactory

from tasks import conf
from tasks.models import COMPLETED, RUNNING, LogChunk, ServerNode, ServerTask, State


class ServerNodeFactory(DjangoModelFactory[ServerNode]):
    class Meta:
        model = ServerNode

    name = factory.Sequence(lambda number: f"node-{number}")


class ServerTaskFactory(DjangoModelFactory[ServerTask]):
    """A task as its state demands: started where it ran, completed where it did."""

    class Meta:
        model = ServerTask

    kind = "RunScript"
    description = factory.Sequence(lambda number: f"Script {number}")
    arguments = factory.LazyFunction(lambda: {"script": "echo hello"})
    state = State.QUEUED
    created = factory.LazyFunction(timezone.now)
    queue_time = factory.SelfAttribute("created")
    queue_time_expiry = factory.LazyAttribute(
        lambda task: task.queue_time + conf.UNSCHEDULED_EXPIRY
    )
    person_name = factory.LazyAttribute(
        lambda task: task.person.username if getattr(task, "person", None) else ""
    )

    @factory.lazy_attribute
    def start_time(self: Any) -> Any:
        ran = self.state in (*RUNNING, State.SUCCESS, State.FAILED)
        return self.created + timedelta(seconds=1) if ran else None

    @factory.lazy_attribute
    def completed_time(self: Any) -> Any:
        return self.created + timedelta(seconds=66) if self.state in COMPLETED else None

    @factory.lazy_attribute
    def incarnation(self: Any) -> Any:
        return uuid.uuid4() if self.start_time else None


def many(number: int, **fields: Any) -> list[ServerTask]:
    """Store so many tasks at once."""
    rows = ServerTaskFactory.build_batch(number, **fields)
    return ServerTask.objects.bulk_create(rows)


def write_log(task: ServerTask, *lines: str, category: str = "o", first: int = 1) -> None:
    """Store lines of a log as one chunk, a second apart."""
    text = "\n".join(f"{index * 1000} {category} {line}" for index, line in enumerate(lines))
    LogChunk.objects.create(
        task=task,
        first_line=first,
        line_count=len(lines),
        started=task.start_time or task.created,
        text=text,
    )


def grant(person: User, *codenames: str) -> User:
    """Give a person permissions of the queue, and return them as the next request sees them."""
    person.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="tasks", codename__in=codenames)
    )
    return User.objects.get(pk=person.pk)
