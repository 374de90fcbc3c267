"""Mark views for the gate, as Django's ``csrf_exempt`` marks them for its own check."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction

View = TypeVar("View", bound=Callable[..., Any])


def _copy(view: View) -> View:
    """Return a view of its own to put a mark on, so that other uses of ``view`` stay unmarked."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await view(*args, **kwargs)

        return awaited  # type: ignore[return-value]

    @wraps(view)
    def called(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return called  # type: ignore[return-value]


def maintenance_exempt(view: View) -> View:
    """Let a view change things while maintenance mode is on, whoever asks.

    Only for what must work for everybody at any time: signing in and out, the language, the theme.
    """
    marked = _copy(view)
    marked.maintenance_exempt = True  # type: ignore[attr-defined]
    return marked


def maintenance_sensitive(*fields: str, when: str = "") -> Callable[[View], View]:
    """Keep form fields of a view from being repeated on the page that refuses it.

    Arguments are names of form fields; with ``when``, a field that is filled in only where the
    others are secret. Fields with names such as ``password`` and uploaded files are never
    repeated, marked or not.
    """

    def mark(view: View) -> View:
        marked = _copy(view)
        marked.maintenance_sensitive = dict.fromkeys(fields, when)  # type: ignore[attr-defined]
        return marked

    return mark


def is_exempt(view: Callable[..., Any]) -> bool:
    """Whether a resolved view carries the mark of ``maintenance_exempt``."""
    return getattr(view, "maintenance_exempt", False) is True
