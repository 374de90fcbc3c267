"""Register this process as a server node, and keep its row saying that it lives."""

import fcntl
import logging
import os
import socket
import time
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from tasks import clock, conf, process
from tasks.models import ServerNode

# Seconds for which to wait for the scripts of a predecessor: they have 2 between SIGTERM and
# SIGKILL, and their guardian gives up on them 5 later.
LAST_BREATH = 10.0

logger = logging.getLogger(__name__)


class NodeNameInUse(Exception):  # noqa: N818 a state of the world
    """Another worker goes by this name."""


@dataclass(frozen=True)
class Registration:
    """A node's row as of its worker's start, and the lock that says that it is the only one."""

    row: ServerNode
    lock: IO[str]

    @property
    def incarnation(self) -> UUID:
        if self.row.incarnation is None:
            raise ValueError("A registered node has an incarnation.")
        return self.row.incarnation


def register(name: str, *, now: datetime | None = None) -> Registration:
    """Take the node's name for this process. Raises ``NodeNameInUse`` where another has it.

    On the same host the lock decides, so what a predecessor was running can be reaped at once. On
    another one only silence can tell that it is gone.
    """
    lock = _lock(name)
    try:
        _await_scripts(name)
        process.clear_work(name)
        with transaction.atomic():
            return Registration(_write_row(name, now or clock.now()), lock)
    except BaseException:
        lock.close()
        raise


def beat(node: ServerNode, *, now: datetime | None = None) -> bool:
    """Say that the node lives; False if a later start of its worker has taken the row over."""
    seen = clock.moment(now)
    mine = ServerNode.objects.filter(incarnation=node.incarnation)
    if mine.update(last_seen=seen, stopped=None):
        return True
    if ServerNode.objects.filter(name=node.name).exists():
        return False
    # Somebody deleted the row of a node that lives; its tasks still carry its incarnation.
    node.last_seen, node.stopped = now or clock.now(), None
    node.pk = None
    node.save(force_insert=True)
    return True


def stop(node: ServerNode, *, now: datetime | None = None) -> None:
    """Say that the node has stopped, running nothing."""
    ServerNode.objects.filter(incarnation=node.incarnation).update(stopped=clock.moment(now))


def host() -> str:
    """Return what tells the places apart where the lock of a name would not be the same file."""
    return f"{socket.gethostname()}:{conf.var_dir()}"[:255]


def _write_row(name: str, now: datetime) -> ServerNode:
    row = ServerNode.objects.select_for_update().filter(name=name).first()
    if row is None:
        row = ServerNode(name=name, task_cap=conf.task_cap())
    elif row.host != host() and ServerNode.objects.alive(now).filter(pk=row.pk).exists():
        raise NodeNameInUse(
            f"The node name {name!r} is in use by {row.host}, seen at {row.last_seen:%T}: set "
            "NODE_NAME to another name, or stop the worker there."
        )
    row.host, row.version = host(), str(getattr(settings, "VERSION", ""))[:40]
    row.incarnation = uuid4()
    row.started = row.last_seen = now
    row.stopped = None
    row.save()
    return row


def _lock(name: str) -> IO[str]:
    """Lock the node's name on this host for as long as the process lives."""
    path = process.node_file(name, "lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise NodeNameInUse(
            f"A worker named {name!r} is running on this host already: stop it, or set NODE_NAME "
            "to another name."
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _await_scripts(name: str) -> None:
    """Wait until the scripts of a killed predecessor have ended.

    As soon as this start is known, its tasks are reaped, and others with their keys may start.
    """
    deadline = time.monotonic() + LAST_BREATH
    with process.lock_of(name).open("a") as file:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(0.05)
            else:
                return
    logger.warning("Scripts of an earlier worker named %s still run.", name)
