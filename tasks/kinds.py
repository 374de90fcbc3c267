"""Know every task kind: what can run, with which arguments, for whom and how often.

A kind is a class in a module that is imported at start: ``tasks/builtin/NAME.py``, or
``task_kinds.py`` of any installed application. CONTRIBUTING.md has the steps.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django import forms
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext as _

from tasks import conf, sentences

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from tasks.execution import Execution
    from tasks.models import ServerTask
    from tasks.sections import Section

MODULE = "task_kinds"


class UnknownTaskKind(Exception):  # noqa: N818 a state of the world
    """No kind has this name, or none any more."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(_("There is no task kind %(name)r.") % {"name": name[:64]})


class Failure(Exception):  # noqa: N818 an outcome, not a fault of the program
    """Raised by a kind to end its task as Failed; the words are shown to people."""


class NoArguments(forms.Form):
    """The form of kinds that take none."""


class TaskKind:
    """What can run. Subclass it, say what it is, and write ``execute``."""

    name: ClassVar[str]
    # Shown in the reader's language where it is marked for translation.
    label: ClassVar["_StrOrPromise"]
    # Who may queue it by hand, as "app.codename"; None: nobody.
    permission: ClassVar[str | None] = None
    # Whether the New task page offers it; other kinds have pages of their own.
    is_offered: ClassVar[bool] = True
    form_class: ClassVar[type[forms.Form]] = NoArguments
    is_system: ClassVar[bool] = False
    # A system kind's beat; the setting TASK_SYSTEM_INTERVALS may say otherwise.
    interval: ClassVar[timedelta | None] = None
    # Queued when a worker or a scheduler starts, too.
    at_start: ClassVar[bool] = False
    # May start again by itself when its node dies. Others end as Failed and offer a rerun.
    idempotent: ClassVar[bool] = False

    def description(self, arguments: Mapping[str, Any]) -> str:
        """Return what the list of tasks shows; it is kept, in the server's language."""
        return str(self.label)

    def concurrency_key(self, arguments: Mapping[str, Any]) -> str | None:
        """Return what two tasks must share for never running together; None: they may."""
        return self.name if self.is_system else None

    def clean(self, form: forms.Form) -> dict[str, Any]:
        """Return the arguments to keep, as JSON can hold them, from a form that is valid."""
        return dict(form.cleaned_data)

    def sections(self, task: "ServerTask") -> Sequence["Section"]:
        """Return the steps that a task's log falls into, in their order; at most one query."""
        return ()

    def page(self, task: "ServerTask") -> tuple[str, str] | None:
        """Return name and address of the page that its work has elsewhere; at most one query."""
        return None

    def withheld(self, person: Any, tasks: Sequence["ServerTask"]) -> Mapping[int, str]:
        """Return why a person may not change some of the tasks, by their numbers; in few queries.

        It is asked beyond the permissions, of tasks of this kind. An administrator is asked, too.
        """
        return {}

    def execute(self, run: "Execution") -> None:
        """Do the work. Raise ``Failure`` to fail; any other exception fails with its traceback."""
        raise NotImplementedError

    @property
    def current_interval(self) -> timedelta | None:
        return conf.system_interval(self.name, self.interval)


_registry: dict[str, TaskKind] = {}
Kind = TypeVar("Kind", bound=type[TaskKind])


def register(kind: Kind) -> Kind:
    """Make a kind known, as a class decorator."""
    known = _registry.get(kind.name)
    if known is not None and type(known) is not kind:
        raise ValueError(f"Two task kinds are called {kind.name!r}.")
    if kind.is_system and not kind.idempotent:
        raise ValueError(f"The system kind {kind.name!r} must be idempotent.")
    _registry[kind.name] = kind()
    sentences.keep_label(kind.label)
    return kind


def unregister(name: str) -> None:
    """Forget a kind; for tests."""
    _registry.pop(name, None)


def get(name: str) -> TaskKind:
    """Return the kind called ``name``. Raises ``UnknownTaskKind``."""
    try:
        return _registry[name]
    except KeyError:
        raise UnknownTaskKind(name) from None


def all() -> list[TaskKind]:  # noqa: A001 read as kinds.all()
    """Return every kind, by label."""
    return sorted(_registry.values(), key=lambda kind: str(kind.label))


def system() -> list[TaskKind]:
    """Return the kinds that the server queues itself."""
    return [kind for kind in all() if kind.is_system]


def offered_to(person: Any) -> list[TaskKind]:
    """Return the kinds that a person may queue by hand."""
    return [
        kind
        for kind in all()
        if kind.is_offered and kind.permission and person.has_perm(kind.permission)
    ]


def withheld(person: Any, tasks: Iterable["ServerTask"]) -> dict[int, str]:
    """Return why a person may not change some of the tasks, by their numbers, as their kinds say.

    None is the server itself, from which nothing is withheld.
    """
    by_kind: dict[str, list[ServerTask]] = {}
    for task in tasks if person is not None else ():
        by_kind.setdefault(task.kind, []).append(task)
    found: dict[int, str] = {}
    for name, each in by_kind.items():
        if name in _registry:
            found |= _registry[name].withheld(person, each)
    return found


def autodiscover() -> None:
    """Import the built-in kinds and those of every installed application."""
    from tasks import builtin  # noqa: F401 its modules import this one

    autodiscover_modules(MODULE)
