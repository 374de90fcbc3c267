"""The house's plan: who may import whom, and where code may live."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("maintenance", "tasks", "octoserver")
# octoserver (and octoserver.deployments) → tasks → maintenance → Django
FORBIDDEN = {"maintenance": {"tasks", "octoserver"}, "tasks": {"octoserver"}}
# What tasks may have of maintenance: the gate, with its exception.
GATE = {"maintenance.gate", "maintenance.gate.InMaintenanceMode"}
FOLDERS = {*PACKAGES, "templates", "static", "tests", "docs"}


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module}.{name.name}" for name in node.names)


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_go_one_way(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(package)
        for name in imports(path)
        if name.partition(".")[0] in FORBIDDEN[package]
    ]
    assert wrong == []


def test_tasks_knows_of_maintenance_only_its_gate() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("tasks")
        for name in imports(path)
        if name.partition(".")[0] == "maintenance" and name not in GATE
    ]
    assert wrong == []


def test_deployments_are_unknown_to_what_they_stand_on() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package in ("maintenance", "tasks")
        for path in modules(package)
        for name in imports(path)
        if "deployments" in name
    ]
    assert wrong == []


def test_code_lives_in_no_other_folder() -> None:
    found = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name != "var"
    }
    assert found - FOLDERS - {"__pycache__"} == set()


def test_the_rule_finds_what_breaks_it(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("def f():\n    from tasks import queue\nimport octoserver.urls\n")
    assert list(imports(module)) == ["octoserver.urls", "tasks.queue"]
