"""Kinds whose work never returns and hears nothing, and one that is quick."""

import ctypes
import time
from datetime import timedelta

from tasks import kinds
from tasks.execution import Execution


class SystemKind(kinds.TaskKind):
    is_system = True
    idempotent = True
    interval = timedelta(days=1)


@kinds.register
class Asleep(SystemKind):
    """Waits for what never comes, as on a peer that does not answer."""

    name = "Asleep"
    label = "Sleep"

    def execute(self, run: Execution) -> None:
        while True:
            time.sleep(1)


@kinds.register
class Spinning(SystemKind):
    """Goes round in Python, and takes as much of the interpreter as it is given."""

    name = "Spinning"
    label = "Spin"

    def execute(self, run: Execution) -> None:
        while True:
            pass


@kinds.register
class Beat(SystemKind):
    """Returns at once."""

    name = "Beat"
    label = "Beat"

    def execute(self, run: Execution) -> None:
        run.log.info("It beats.")


@kinds.register
class Stubborn(kinds.TaskKind):
    """Somebody's task that never returns."""

    name = "Stubborn"
    label = "Never return"

    def execute(self, run: Execution) -> None:
        while True:
            time.sleep(1)


@kinds.register
class Holding(kinds.TaskKind):
    """Somebody's task that holds the interpreter itself, as a call of a C extension may."""

    name = "Holding"
    label = "Hold the interpreter"

    def execute(self, run: Execution) -> None:
        ctypes.PyDLL(None).sleep(3600)
