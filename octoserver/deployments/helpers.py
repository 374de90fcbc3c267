"""Lay a step's script out beside the functions that it may use to read and set variables.

A value that a script sets goes through a file, written by the shell itself: as an argument of a
command it could be seen in the list of processes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHELL = r"""
_octo_name() {
  case $1 in
    ''|[0-9]*|*[!A-Za-z0-9_]*) echo "“$1” is no name of an output variable." >&2; return 2 ;;
  esac
}
set_octopusvariable() {
  _octo_name "$1" || return
  rm -f "$OCTOSERVER_OUTPUT/plain/$1" "$OCTOSERVER_OUTPUT/sensitive/$1"
  case ${3:-} in
    -sensitive|--sensitive|sensitive) printf '%s' "$2" > "$OCTOSERVER_OUTPUT/sensitive/$1" ;;
    *) printf '%s' "$2" > "$OCTOSERVER_OUTPUT/plain/$1" ;;
  esac
}
get_octopusvariable() {
  _octo_key=$(printf '%s' "$1" | tr -c 'A-Za-z0-9_' '_')
  case $_octo_key in ''|[0-9]*) return 1 ;; esac
  eval "printf '%s\n' \"\${$_octo_key-}\""
}
"""
PYTHON = r'''
"""Read and set the variables of a deployment."""
import os
import re


def set_octopusvariable(name, value, sensitive=False):
    """Hand a value on to the steps after this one."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(f"{name!r} is no name of an output variable.")
    folders = {kind: os.path.join(os.environ["OCTOSERVER_OUTPUT"], kind, name)
               for kind in ("plain", "sensitive")}
    for path in folders.values():
        if os.path.exists(path):
            os.remove(path)
    with open(folders["sensitive" if sensitive else "plain"], "w", encoding="utf-8") as file:
        file.write(str(value))


def get_octopusvariable(name):
    """Return a variable by the name that it has in the project; empty if it has no value."""
    return os.environ.get(re.sub("[^A-Za-z0-9_]", "_", name), "")
'''
SOURCE = '. "$1"; OCTOSERVER_SCRIPT=$2; shift 2; . "$OCTOSERVER_SCRIPT"'
LARGEST, MOST = 64 * 1024, 200


@dataclass(frozen=True, kw_only=True)
class Output:
    """A variable that a step has set; ``problem`` says why it cannot be handed on."""

    name: str
    value: str = ""
    is_sensitive: bool = False
    problem: str = ""


def lay_out(folder: Path, *, shell: str, script: str) -> tuple[Path, list[str]]:
    """Write what a step needs into ``folder``; return where it works, and the command."""
    for name in ("work", "helpers", "output/plain", "output/sensitive"):
        (folder / name).mkdir(parents=True)
    file, functions = folder / "script", folder / "helpers" / "functions.sh"
    file.write_text(script, encoding="utf-8", errors="replace", newline="")
    functions.write_text(SHELL, encoding="utf-8")
    (folder / "helpers" / "octopus.py").write_text(PYTHON, encoding="utf-8")
    commands = {
        "bash": ["bash", "-c", SOURCE, "bash", str(functions), str(file)],
        "sh": ["sh", "-c", SOURCE, "sh", str(functions), str(file)],
        "python": ["python3", str(file)],
    }
    return folder / "work", commands[shell]


def environment(folder: Path) -> dict[str, str]:
    """Return the variables that the functions go by."""
    return {
        "TMPDIR": str(folder / "work"),
        "OCTOSERVER_OUTPUT": str(folder / "output"),
        "PYTHONPATH": str(folder / "helpers"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def outputs(folder: Path) -> Iterator[Output]:
    """Yield the variables that a step has set, as far as they can be handed on."""
    for kind in ("plain", "sensitive"):
        place = folder / "output" / kind
        if place.is_symlink() or place.parent.is_symlink():
            continue  # what is elsewhere was not set
        try:
            files = sorted(path for path in place.iterdir() if _is_plain(path))
        except OSError:  # the script removed the folder
            continue
        for number, path in enumerate(files):
            yield _read(path, is_sensitive=kind == "sensitive", is_too_many=number >= MOST)


def _is_plain(path: Path) -> bool:
    return path.name.isidentifier() and path.name.isascii() and not path.is_symlink()


def _read(path: Path, *, is_sensitive: bool, is_too_many: bool) -> Output:
    name = path.name[:100]
    try:
        if is_too_many:
            return Output(name=name, problem=f"is one of more than {MOST}, and left out.")
        if not path.is_file() or path.stat().st_size > LARGEST:
            return Output(name=name, problem=f"is larger than {LARGEST // 1024} KiB: left out.")
        value = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Output(name=name, problem="cannot be read, and is left out.")
    if "\0" in value:
        return Output(name=name, problem="holds the character NUL, and is left out.")
    return Output(name=name, value=value, is_sensitive=is_sensitive)
