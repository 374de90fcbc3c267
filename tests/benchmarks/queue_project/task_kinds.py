"""The no-op as a task kind of the server."""

from django import forms

from tasks import kinds
from tasks.execution import Execution
from tests.benchmarks.queue_project import record


class NoopForm(forms.Form):
    mark = forms.CharField()


@kinds.register
class Noop(kinds.TaskKind):
    """Do nothing, and write down when."""

    name = "Noop"
    label = "Do nothing"
    form_class = NoopForm

    def execute(self, run: Execution) -> None:
        record.start(run.arguments["mark"])
