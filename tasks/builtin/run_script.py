"""Run a shell script that somebody wrote, its output going into the task log as it comes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from tasks import kinds, process, scripts
from tasks.execution import Execution
from tasks.sentences import kept
from tasks.watched import Program

RUN = kept(gettext_noop("Run %(line)s"))
LARGEST_SCRIPT = 1024 * 1024
SHELLS = ("sh", "bash")
DEFAULT_TIME_LIMIT, LONGEST_TIME_LIMIT = 3600, 24 * 3600


class ScriptForm(forms.Form):
    """A script and what it may use."""

    script = forms.CharField(
        label=_("Script"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
        help_text=_("Runs in an empty folder of its own. Its exit code decides: 0 is success."),
        error_messages={"required": _("The script is empty.")},
    )
    time_limit = forms.IntegerField(
        label=_("Time limit"),
        required=False,
        min_value=1,
        max_value=LONGEST_TIME_LIMIT,
        help_text=format_lazy(
            _("In seconds; {usual} if left empty, {most} at most."),
            usual=DEFAULT_TIME_LIMIT,
            most=LONGEST_TIME_LIMIT,
        ),
    )
    shell = forms.ChoiceField(
        label=_("Shell"), required=False, choices=[(shell, shell) for shell in SHELLS]
    )

    def clean_script(self) -> str:
        script: str = self.cleaned_data["script"].replace("\r\n", "\n")
        if not script.strip():
            raise forms.ValidationError(_("The script is empty."))
        size = len(script.encode("utf-8", "replace"))
        if size > LARGEST_SCRIPT:
            raise forms.ValidationError(
                _("The script has %(size)s bytes, 1 MiB is the most."),
                params={"size": number_format(size, force_grouping=True)},
            )
        return script

    def clean_time_limit(self) -> int:
        return self.cleaned_data["time_limit"] or DEFAULT_TIME_LIMIT

    def clean_shell(self) -> str:
        return self.cleaned_data["shell"] or SHELLS[0]


@kinds.register
class RunScript(kinds.TaskKind):
    """The exit code decides; past its time limit it is Failed, canceled it is Canceled."""

    name = "RunScript"
    label = _("Run a script")
    permission = "tasks.run_script"
    form_class = ScriptForm

    def description(self, arguments: Mapping[str, Any]) -> str:
        lines = (line.strip() for line in str(arguments["script"]).splitlines())
        telling = next((line for line in lines if line and not line.startswith("#!")), "")
        return RUN % {"line": telling} if telling else str(self.label)

    def execute(self, run: Execution) -> None:
        arguments = run.arguments
        with process.private_folder(run.task.node_name, run.task.name) as folder:
            file = folder / "script"
            file.write_text(arguments["script"], encoding="utf-8", errors="replace", newline="")
            program = Program(
                command=[arguments["shell"], str(file)],
                folder=folder,
                environment=_environment(run, folder),
                time_limit=arguments["time_limit"],
            )
            scripts.run(run, program)


def _environment(run: Execution, folder: Path) -> dict[str, str]:
    return process.environment(
        TMPDIR=str(folder),
        OCTOSERVER_TASK_ID=run.task.name,
        OCTOSERVER_NODE_NAME=run.task.node_name,
    )
