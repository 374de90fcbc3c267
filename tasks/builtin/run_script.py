"""Run a shell script that somebody wrote, its output going into the task log as it comes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django import forms

from tasks import kinds, process, scripts
from tasks.execution import Execution
from tasks.watched import Program

LARGEST_SCRIPT = 1024 * 1024
SHELLS = ("sh", "bash")
DEFAULT_TIME_LIMIT, LONGEST_TIME_LIMIT = 3600, 24 * 3600


class ScriptForm(forms.Form):
    """A script and what it may use."""

    script = forms.CharField(
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
        help_text="Runs in an empty folder of its own. Its exit code decides: 0 is success.",
        error_messages={"required": "The script is empty."},
    )
    time_limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LONGEST_TIME_LIMIT,
        help_text=f"In seconds; {DEFAULT_TIME_LIMIT} if left empty, {LONGEST_TIME_LIMIT} at most.",
    )
    shell = forms.ChoiceField(required=False, choices=[(shell, shell) for shell in SHELLS])

    def clean_script(self) -> str:
        script: str = self.cleaned_data["script"].replace("\r\n", "\n")
        if not script.strip():
            raise forms.ValidationError("The script is empty.")
        size = len(script.encode("utf-8", "replace"))
        if size > LARGEST_SCRIPT:
            raise forms.ValidationError(f"The script has {size:,} bytes, 1 MiB is the most.")
        return script

    def clean_time_limit(self) -> int:
        return self.cleaned_data["time_limit"] or DEFAULT_TIME_LIMIT

    def clean_shell(self) -> str:
        return self.cleaned_data["shell"] or SHELLS[0]


@kinds.register
class RunScript(kinds.TaskKind):
    """The exit code decides; past its time limit it is Failed, canceled it is Canceled."""

    name = "RunScript"
    label = "Run a script"
    permission = "tasks.run_script"
    form_class = ScriptForm

    def description(self, arguments: Mapping[str, Any]) -> str:
        lines = (line.strip() for line in str(arguments["script"]).splitlines())
        telling = next((line for line in lines if line and not line.startswith("#!")), "")
        return f"Run {telling}" if telling else self.label

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
