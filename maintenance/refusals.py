"""Count and list what was refused, cheaply, whatever number of requests comes."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, connections, router, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone

from maintenance import conf, signals
from maintenance.models import MaintenanceMode, Refusal

logger = logging.getLogger(__name__)

# So many different paths a person and switch are listed; further ones are counted by their view.
PATHS_LISTED = 200
ANY_PATH = "…"
# A client may invent methods without end; they are counted as one.
METHODS, ANY_METHOD = frozenset({"POST", "PUT", "PATCH", "DELETE"}), "…"


@dataclass(frozen=True)
class Kind:
    """What refusals have in common that are counted together."""

    generation: int
    person_id: int | None
    person_name: str
    method: str
    path: str
    view: str
    hour: int

    @property
    def key(self) -> str:
        parts = (self.generation, self.person_id, self.method, self.path, self.view, self.hour)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def without_path(self) -> "Kind":
        return Kind(**{**self.__dict__, "path": ANY_PATH})


class Recorder:
    """Gather refusals for a moment, so that a flood of them costs one statement a second.

    The first of a kind is written at once; those that follow within the interval are counted here
    and written together. What a killed process had not written yet is lost from the count.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Kind, int] = {}
        self._written: dict[Kind, float] = {}
        self._timer: threading.Timer | None = None

    def add(self, kind: Kind, *, interval: float) -> None:
        with self._lock:
            if time.monotonic() - self._written.get(kind, float("-inf")) < interval:
                self._waiting[kind] = self._waiting.get(kind, 0) + 1
                self._flush_later(interval)
                return
            if len(self._written) > 1000:
                self._written.clear()
            self._written[kind] = time.monotonic()
        _write(kind, 1)

    def flush(self) -> None:
        """Write everything that waits."""
        with self._lock:
            waiting, self._waiting, self._timer = self._waiting, {}, None
        for kind, count in waiting.items():
            _write(kind, count)

    def _flush_later(self, interval: float) -> None:
        if self._timer is None:
            self._timer = threading.Timer(interval, self._flush_and_disconnect)
            self._timer.daemon = True
            self._timer.start()

    def _flush_and_disconnect(self) -> None:
        try:
            self.flush()
        finally:
            connections.close_all()


_recorder = Recorder()


def record(
    request: HttpRequest, view: Callable[..., Any] | None, row: MaintenanceMode | None
) -> None:
    """Count a refused request. A failure to count it is only logged."""
    person: Any = getattr(request, "user", None)
    kind = Kind(
        generation=row.generation if row is not None else 0,
        person_id=getattr(person, "pk", None),
        person_name=getattr(person, "get_username", str)(),
        method=request.method if request.method in METHODS else ANY_METHOD,
        path=request.path[:300],
        view=getattr(getattr(request, "resolver_match", None), "view_name", "")[:200],
        hour=int(time.time() // 3600),
    )
    _recorder.add(kind, interval=float(conf.get("MAINTENANCE_REFUSAL_INTERVAL")))
    signals.request_refused.send_robust(sender=MaintenanceMode, request=request, view=view)


def flush() -> None:
    """Write what this process has gathered."""
    _recorder.flush()


def forget() -> None:
    """Drop what this process has gathered and what it knows to be written."""
    global _recorder
    _recorder = Recorder()


def latest(*, limit: int = 100) -> Sequence[Refusal]:
    """Return the refusals last seen, newest first."""
    return list(Refusal.objects.all()[:limit])


def prune() -> int:
    """Delete refusals older than ``MAINTENANCE_REFUSAL_DAYS``; return how many rows went.

    Writes nothing where none is that old, and raises nothing: no switch fails for its tidying.
    """
    oldest = timezone.now() - timedelta(days=float(conf.get("MAINTENANCE_REFUSAL_DAYS")))
    old = Refusal.objects.filter(last_time__lt=oldest)
    try:
        return old.delete()[0] if old.exists() else 0
    except DatabaseError:
        logger.warning("Old refusals could not be deleted.", exc_info=True)
        return 0


def _write(kind: Kind, count: int) -> None:
    try:
        if not (_add(kind, count) or _create(kind, count)):
            _add(kind, count)  # another process has created it in between
    except DatabaseError:
        logger.warning("A refusal could not be counted.", exc_info=True)


def _add(kind: Kind, count: int) -> bool:
    rows = Refusal.objects.filter(key=kind.key)
    return rows.update(count=F("count") + count, last_time=Now()) == 1


def _create(kind: Kind, count: int) -> bool:
    if kind.path != ANY_PATH and _paths_of(kind) >= PATHS_LISTED:
        _write(kind.without_path(), count)
        return True
    fields = {name: value for name, value in kind.__dict__.items() if name != "hour"}
    try:
        with transaction.atomic(using=router.db_for_write(Refusal)):
            Refusal.objects.create(key=kind.key, count=count, **fields)
    except IntegrityError:
        return False
    return True


def _paths_of(kind: Kind) -> int:
    rows = Refusal.objects.filter(generation=kind.generation, person_id=kind.person_id)
    return rows.exclude(path=ANY_PATH).count()
