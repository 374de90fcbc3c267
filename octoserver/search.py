"""Find tasks, projects, releases and pages by what somebody types, as far as they may see them.

A question of tasks or releases reads a bounded number of rows, however many there are: a number is
looked up, a word is looked for among the newest. Projects are few.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Q
from django.http import HttpRequest
from django.urls import resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from octoserver import access
from octoserver.deployments.models import Project, Release, Runbook
from tasks import sentences
from tasks.models import ServerTask

LONGEST = 100
# Of each sort.
FOUND = 6
# Tasks and releases whose words are read, the newest of them.
LOOKED_THROUGH = 2000
NUMBER = re.compile(r"\A(?:servertasks-|#)?([1-9][0-9]{0,17})\Z", re.ASCII | re.IGNORECASE)

# Each page with other words for it.
PAGES: tuple[tuple[str, Promise, str], ...] = (
    ("home", _("Home"), "start dashboard"),
    ("deployments:dashboard", _("Projects"), "dashboard deployments releases"),
    ("deployments:new_project", _("New project"), "create add"),
    ("deployments:environments", _("Environments"), "places stages"),
    ("tasks:list", _("Tasks"), "queue history log"),
    ("tasks:new", _("New task"), "create run script"),
    ("maintenance:page", _("Maintenance"), "mode windows configuration status"),
    ("maintenance:switch", _("Enable or disable maintenance mode"), "switch turn on off"),
    ("maintenance:plan", _("Plan a window"), "maintenance schedule"),
    ("maintenance:my_notices", _("Notices of maintenance"), "e-mail calendar webhook"),
    ("nodes:list", _("Nodes"), "drain task cap workers configuration"),
    ("queue:page", _("Queue"), "pause resume configuration"),
    ("password_change", _("Change password"), "account"),
    ("admin:index", _("Admin site"), "users groups roles permissions"),
)


@dataclass(frozen=True)
class Hit:
    """One thing that was found; ``state`` is a task's."""

    title: str | Promise
    url: str
    detail: str = ""
    state: str = ""


@dataclass(frozen=True)
class Group:
    """What was found of one sort."""

    title: str | Promise
    hits: list[Hit]


def find(typed: str, request: HttpRequest) -> list[Group]:
    """Return what was found, by its sort; without words, the pages alone."""
    words = typed[:LONGEST].split()
    groups = []
    if words:
        groups = [
            Group(_("Tasks"), _tasks(words, request.user)),
            Group(_("Projects"), _projects(words, request.user)),
            Group(_("Releases"), _releases(words, request.user)),
        ]
    pages = Group(_("Pages"), _pages(words, request))
    # A word is rather a page's name than one of a thousand tasks'; a number is a task's.
    groups = [*groups, pages] if NUMBER.match(typed.strip()) else [pages, *groups]
    return [group for group in groups if group.hits]


def _tasks(words: list[str], person: Any) -> list[Hit]:
    if not person.has_perm("tasks.view_servertask"):
        return []
    newest = ServerTask.objects.aggregate(newest=Max("pk"))["newest"]
    if newest is None:
        return []
    number = NUMBER.match(words[0]) if len(words) == 1 else None
    tasks = ServerTask.objects.defer("arguments", "message")
    if number is not None:
        exact = list(tasks.filter(pk=int(number[1])))
        rows = [*exact, *tasks.filter(_beginning_with(int(number[1]), newest)).newest()[:FOUND]]
    else:
        recent = tasks.filter(pk__gt=newest - LOOKED_THROUGH)
        rows = list(recent.filter(_each(words, "description__icontains")).newest()[:FOUND])
    known = {task.pk: task for task in rows}
    return [
        Hit(task.name, task.get_absolute_url(), sentences.translated(task.description), task.state)
        for task in list(known.values())[:FOUND]
    ]


def _beginning_with(number: int, newest: int) -> Q:
    """Return the newest range of numbers, up to ``newest``, that begin with these digits."""
    size = 1
    while number * size * 10 <= newest:
        size *= 10
    return Q(pk__gte=number * size, pk__lt=(number + 1) * size)


def _projects(words: list[str], person: Any) -> list[Hit]:
    if not person.has_perm("deployments.view_project"):
        return []
    projects = Project.objects.filter(_each(words, "name__icontains"))[:FOUND]
    runbooks = Runbook.objects.filter(_each(words, "name__icontains", "project__name__icontains"))
    return [
        *(Hit(project.name, project.get_absolute_url()) for project in projects),
        *(
            Hit(
                runbook.name, runbook.get_absolute_url(), f"{runbook.project.name} · {_('Runbook')}"
            )
            for runbook in runbooks.select_related("project")[:FOUND]
        ),
    ][:FOUND]


def _releases(words: list[str], person: Any) -> list[Hit]:
    if not person.has_perm("deployments.view_project"):
        return []
    newest = Release.objects.aggregate(newest=Max("pk"))["newest"] or 0
    recent = Release.objects.newest().filter(pk__gt=newest - LOOKED_THROUGH)
    found = recent.filter(_each(words, "version__istartswith", "project__name__icontains"))
    return [
        Hit(f"{release.project.name} {release.version}", release.get_absolute_url())
        for release in found.select_related("project")[:FOUND]
    ]


def _pages(words: list[str], request: HttpRequest) -> list[Hit]:
    return [
        Hit(title, reverse(name))
        for name, title, other in PAGES
        if _is_about(words, f"{title} {other}") and _may_open(name, request)
    ]


def _is_about(words: Iterable[str], text: str) -> bool:
    known = text.casefold().split()
    return all(any(each.startswith(word.casefold()) for each in known) for word in words)


def _may_open(name: str, request: HttpRequest) -> bool:
    """Ask what the page's own view declares."""
    declared = access.declaration(resolve(reverse(name)).func)
    return declared is not None and declared.admits(request)


def _each(words: Iterable[str], *lookups: str) -> Q:
    """Return that each word is found by one of the look-ups."""
    found = Q()
    for word in words:
        one = Q()
        for lookup in lookups:
            one |= Q(**{lookup: word})
        found &= one
    return found
