"""Run a script for a task: a real process, its output in the task log, its end put into words."""

import time
from collections.abc import Callable
from dataclasses import replace

from django.db import connection

from tasks import conf, kinds, process, verdicts
from tasks.execution import Canceled, Execution
from tasks.watched import Ending, Program

# Seconds of running after which the database's connection is not kept waiting.
LONG = 1.0


def run(task: Execution, program: Program) -> None:
    """Run ``program`` for a task and see it end.

    Raises ``kinds.Failure`` unless it ends with 0; ``Canceled`` if the task was.
    """
    node_name = task.task.node_name
    guarded = replace(program, silence=conf.script_silence(), lock=process.lock_of(node_name))
    let_go = _letting_go()

    def idle() -> None:
        if task.is_lost:  # nobody waits for an orderly end: another may run by now in its place
            raise Canceled
        let_go()

    try:
        ending = process.run(
            guarded,
            output=task.log.output,
            should_stop=lambda: task.cancel_requested and not task.is_lost,
            idle=idle,
        )
    except OSError as error:  # such as an environment that is larger than the system allows
        raise kinds.Failure(verdicts.NOT_STARTABLE % {"error": error.strerror}) from None
    finally:
        task.log.end_output()
    _judge(task, ending, time_limit=program.time_limit)


def _letting_go() -> Callable[[], None]:
    """Return what closes this thread's connection to the database, once, if the script takes long.

    The log is stored by another thread.
    """
    began = time.monotonic()
    kept = True

    def let_go() -> None:
        nonlocal kept
        if kept and time.monotonic() - began > LONG and not connection.in_atomic_block:
            kept = False
            connection.close()

    return let_go


def _judge(task: Execution, ending: Ending, *, time_limit: float) -> None:
    """Say how the script ended, and raise unless that is success."""
    if ending.left:
        several = ending.left > 1
        left = f"{ending.left} processes" if several else "1 process"
        task.log.warning(f"{left} outlived the script and {'were' if several else 'was'} ended.")
    if ending.exit_code is not None:
        task.log.info(_how(ending.exit_code))
    if ending.was_stopped:
        raise Canceled
    if ending.was_alone:
        raise kinds.Failure(verdicts.WORKER_STOPPED)
    if ending.timed_out:
        raise kinds.Failure(verdicts.too_long(time_limit))
    if ending.exit_code is None:
        raise kinds.Failure(verdicts.WATCHER_KILLED)
    if ending.exit_code != 0:
        raise kinds.Failure(_how(ending.exit_code))


def _how(exit_code: int) -> str:
    if exit_code >= 0:
        return verdicts.EXIT_CODE % {"code": exit_code}
    return verdicts.SIGNAL % {"signal": -exit_code}
