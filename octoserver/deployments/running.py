"""Run the steps of a snapshot: each a real process with the variables in its environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop as _

from octoserver.deployments import helpers, resolving, snapshots, vault
from octoserver.deployments.resolving import Resolved
from octoserver.deployments.snapshots import Snapshot
from octoserver.deployments.variables import environment_name
from tasks import clock, conf, kinds, process, scripts
from tasks.execution import Canceled, Execution
from tasks.sentences import kept
from tasks.watched import Program

EXECUTING, SUCCESS, FAILED, SKIPPED, CANCELED = (
    "Executing", "Success", "Failed", "Skipped", "Canceled",
)  # fmt: skip
WAITING = "Waiting"
# Seconds before a step that failed is tried again.
PAUSE = 1.0
STEP_FAILED = kept(_("Step %(step)s: %(why)s"))


@dataclass
class Plan:
    """What to run and where; ``record`` stores how far it came, for the pages."""

    snapshot: Snapshot
    environment: int
    facts: Mapping[str, str]
    record: Callable[[list[dict[str, Any]]], None]
    runbook: str = ""
    progress: list[dict[str, Any]] = field(default_factory=list)
    # Output variables of the steps so far, and those of them that are sensitive.
    outputs: dict[str, str] = field(default_factory=dict)
    secret_outputs: dict[str, str] = field(default_factory=dict)


def carry_out(run: Execution, plan: Plan) -> None:
    """Run every step whose turn it is. Raises ``kinds.Failure`` if one failed."""
    _mask(run, plan)
    steps = snapshots.steps_in(plan.snapshot, plan.environment)
    plan.progress = [{"name": step["name"], "state": WAITING} for step in steps]
    failures: list[str] = []
    for number, step in enumerate(steps):
        entry = plan.progress[number]
        if not _is_due(step["condition"], failed=bool(failures)):
            entry["state"] = SKIPPED
            run.log.info(f"Step {number + 1} of {len(steps)}: {step['name']} is skipped.")
            continue
        run.log.info(f"Step {number + 1} of {len(steps)}: {step['name']}")
        try:
            _in_section(run, plan, step, entry)
        except kinds.Failure as failure:
            failures.append(STEP_FAILED % {"step": step["name"], "why": failure})
    plan.record(plan.progress)
    if failures:
        raise kinds.Failure("\n".join(failures))


def _mask(run: Execution, plan: Plan) -> None:
    """Tell the log what never to write. A value that cannot be opened cannot be printed either."""
    for token in snapshots.sealed(plan.snapshot):
        try:
            run.log.mask(vault.unseal(token))
        except vault.Unreadable:
            continue


def _is_due(condition: str, *, failed: bool) -> bool:
    return condition == "always" or (condition == "failure") == failed


def _in_section(run: Execution, plan: Plan, step: dict[str, Any], entry: dict[str, Any]) -> None:
    """Run one step, with retries, in a section of the log of its own."""
    began = clock.now()
    entry |= {"state": EXECUTING, "started": began.isoformat(), "first_line": run.log.position}
    plan.record(plan.progress)
    state = FAILED
    try:
        _with_retries(run, plan, step)
        state = SUCCESS
    except Canceled:
        state = CANCELED
        raise
    finally:
        seconds = (clock.now() - began).total_seconds()
        run.log.info(f"Step {step['name']}: {state} after {seconds:.1f} s.")
        entry |= {"state": state, "seconds": round(seconds, 1), "last_line": run.log.position}
        plan.record(plan.progress)


def _with_retries(run: Execution, plan: Plan, step: dict[str, Any]) -> None:
    tries = step["retries"] + 1
    for number in range(1, tries + 1):
        try:
            _once(run, plan, step)
        except kinds.Failure as failure:
            if number == tries:
                raise
            run.log.warning(f"{failure} Trying again, {number + 1} of {tries}.")
            run.wait(PAUSE)
        else:
            return


def _once(run: Execution, plan: Plan, step: dict[str, Any]) -> None:
    """Run a step in a folder of its own, which is gone afterwards."""
    prefix = f"{run.task.name}-step"
    with process.private_folder(run.task.node_name, prefix) as folder:
        work, command = helpers.lay_out(folder, shell=step["shell"], script=step["script"])
        environment = _environment(run, plan, step, folder)
        program = Program(
            command=command, folder=work, environment=environment, time_limit=step["time_limit"]
        )
        try:
            scripts.run(run, program)
        finally:
            _take_outputs(run, plan, step, folder)


def _environment(run: Execution, plan: Plan, step: dict[str, Any], folder: Path) -> dict[str, str]:
    values = _values(run, plan, step)
    run.log.mask(*(value.value for value in values.values() if value.is_sensitive))
    named = {environment_name(name): value.value for name, value in values.items()}
    return process.environment(**(named | helpers.environment(folder)))


def _values(run: Execution, plan: Plan, step: dict[str, Any]) -> dict[str, Resolved]:
    given = {
        **plan.facts,
        **plan.outputs,
        "Octopus.Step.Name": step["name"],
        "Octopus.Task.Id": run.task.name,
        "Octoserver.Files": str(conf.var_dir() / "files"),
    }
    try:
        return resolving.resolve(
            plan.snapshot["variables"],
            environment=plan.environment,
            step=snapshots.path_of(step["name"], plan.runbook),
            given=given,
            secret=plan.secret_outputs,
            reveal=True,
        )
    except resolving.BadReference as refusal:
        raise kinds.Failure(str(refusal)) from None


def _take_outputs(run: Execution, plan: Plan, step: dict[str, Any], folder: Path) -> None:
    """Hand the variables that a step has set on to those after it."""
    for output in helpers.outputs(folder):
        if output.problem:
            run.log.warning(f"The output variable {output.name} {output.problem}")
            continue
        name = f"Octopus.Action[{step['name']}].Output.{output.name}"
        plan.outputs.pop(name, None)
        plan.secret_outputs.pop(name, None)
        if output.is_sensitive:
            run.log.mask(output.value)
            plan.secret_outputs[name] = output.value
        else:
            plan.outputs[name] = output.value
        run.log.info(f"The step set the output variable {output.name}.")
