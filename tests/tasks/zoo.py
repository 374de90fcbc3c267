"""Task kinds with telling names, for tests only."""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django import forms

from tasks import kinds
from tasks.execution import Execution


class Simple(kinds.TaskKind):
    name = "Simple"
    label = "Do nothing"
    permission = "tasks.run_script"

    def execute(self, run: Execution) -> None:
        run.log.info("Nothing to do.")


class KeyForm(forms.Form):
    key = forms.CharField(max_length=20)
    number = forms.IntegerField(required=False)


class Keyed(Simple):
    name = "Keyed"
    label = "Do nothing beside another of the same key"
    form_class = KeyForm

    def description(self, arguments: Mapping[str, Any]) -> str:
        return f"Hold {arguments['key']}"

    def concurrency_key(self, arguments: Mapping[str, Any]) -> str | None:
        return str(arguments["key"])


class Failing(Simple):
    name = "Failing"
    label = "Fail in good order"

    def execute(self, run: Execution) -> None:
        raise kinds.Failure("It was not to be.")


class Faulty(Simple):
    name = "Faulty"
    label = "Have a fault"

    def execute(self, run: Execution) -> None:
        raise ZeroDivisionError("a fault of the program")


class Exiting(Simple):
    name = "Exiting"
    label = "Exit"

    def execute(self, run: Execution) -> None:
        raise SystemExit(3)


class Patient(Simple):
    name = "Patient"
    label = "Wait until canceled"

    def execute(self, run: Execution) -> None:
        run.wait(30)


class Meeting(Simple):
    name = "Meeting"
    label = "Meet others that run at the same time"
    place = threading.Barrier(1)

    def execute(self, run: Execution) -> None:
        self.place.wait()


class Calling(Simple):
    name = "Calling"
    label = "Let the test do something meanwhile"
    call: Callable[[], None] = staticmethod(lambda: None)

    def execute(self, run: Execution) -> None:
        self.call()
        run.raise_if_canceled()


class Parental(Simple):
    name = "Parental"
    label = "Queue a child"

    def execute(self, run: Execution) -> None:
        run.enqueue_child("Simple")


class Repeatable(Simple):
    name = "Repeatable"
    label = "May start again"
    idempotent = True


class ForNobody(Simple):
    name = "ForNobody"
    label = "Not to be queued by hand"
    permission = None


class Beating(kinds.TaskKind):
    name = "Beating"
    label = "Have a beat"
    is_system = True
    idempotent = True
    interval = timedelta(minutes=1)

    def execute(self, run: Execution) -> None:
        run.log.info("Beat.")


ALL: tuple[type[kinds.TaskKind], ...] = (
    Simple,
    Keyed,
    Failing,
    Faulty,
    Exiting,
    Patient,
    Meeting,
    Calling,
    Parental,
    Repeatable,
    ForNobody,
    Beating,
)
