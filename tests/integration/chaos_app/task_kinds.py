"""Kinds that write down what they do outside the database, or get stuck."""

import os
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django import forms

from tasks import kinds
from tasks.builtin.run_script import RunScript, ScriptForm
from tasks.execution import Execution


class RecordedForm(ScriptForm):
    key = forms.CharField(required=False)
    # Names what is to be done, in the folder of records too.
    item = forms.CharField()


@kinds.register
class Recorded(RunScript):
    """A script, one at a time of its key if it has one."""

    name = "Recorded"
    label = "Recorded script"
    form_class = RecordedForm

    def concurrency_key(self, arguments: Mapping[str, Any]) -> str | None:
        return arguments["key"] or None


@kinds.register
class Repeatable(Recorded):
    """One that may run again after its node's death."""

    name = "Repeatable"
    label = "Repeatable script"
    idempotent = True


class SystemKind(kinds.TaskKind):
    is_system = True
    idempotent = True


@kinds.register
class Beat(SystemKind):
    """Writes down that it ran."""

    name = "Beat"
    label = "Beat"
    interval = timedelta(seconds=2)

    def execute(self, run: Execution) -> None:
        words = f"beat {run.task.occurrence:%FT%T} {run.task.name} {time.time_ns()}\n"
        with Path(os.environ["CHAOS_RECORDS"], "events").open("a") as file:
            file.write(words)


@kinds.register
class Stuck(SystemKind):
    """Hangs until somebody cancels it."""

    name = "Stuck"
    label = "Stuck"
    interval = timedelta(seconds=3)

    def execute(self, run: Execution) -> None:
        run.wait(3600)
