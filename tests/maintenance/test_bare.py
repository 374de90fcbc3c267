"""``maintenance`` alone, put into a bare Django project, keeps what it promises there too."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import shapes
from tests.maintenance import bare_project

ROOT = Path(__file__).resolve().parent.parent.parent

POSTGRESQL = """
import os
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", **eval(os.environ["BARE_DATABASE"]),
}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Start a project as Django's own command does, and put ours into it with three lines."""
    run("-m", "django", "startproject", "bare", ".", folder=tmp_path)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "maintenance", tmp_path / "maintenance", ignore=ignore)
    settings = tmp_path / "bare" / "settings.py"
    settings.write_text(settings.read_text() + bare_project.SETTINGS)
    (tmp_path / "views.py").write_text(bare_project.VIEWS)
    (tmp_path / "trial.py").write_text(bare_project.TRIAL)
    return tmp_path


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.sqlite),
                        pytest.param("postgresql", marks=pytest.mark.postgresql)])  # fmt: skip
def database(request: pytest.FixtureRequest, project: Path) -> Iterator[dict[str, str]]:
    """Leave the project on its SQLite file, or put it on a PostgreSQL database of its own."""
    if request.param == "sqlite":
        yield {}
        return
    settings = project / "bare" / "settings.py"
    settings.write_text(settings.read_text() + POSTGRESQL)
    with shapes.database() as url:
        found = re.fullmatch(
            r"postgres(?:ql)?://(?:([^:@/]+)(?::([^@]*))?@)?([^:/]+)(?::(\d+))?/(.+)", url
        )
        assert found
        names = ("USER", "PASSWORD", "HOST", "PORT", "NAME")
        yield {"BARE_DATABASE": repr(dict(zip(names, map(str, found.groups("")), strict=True)))}


def run(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=inherited | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_three_lines_of_settings_keep_g1_to_g6(project: Path, database: dict[str, str]) -> None:
    tried = run("trial.py", folder=project, DJANGO_SETTINGS_MODULE="bare.settings", **database)
    assert tried.stdout.endswith("kept\n")


def test_its_migrations_need_nothing_else(project: Path) -> None:
    run("manage.py", "makemigrations", "--check", "--dry-run", "maintenance", folder=project)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("MIDDLEWARE.pop()", "maintenance.E001"),
        ("MIDDLEWARE.reverse()", "maintenance.E002"),
        ('DATABASES["default"]["ENGINE"] = "django.db.backends.dummy"', "maintenance.E003"),
        ('DATABASES["default"]["ATOMIC_REQUESTS"] = True', "maintenance.E004"),
        ("", "maintenance.W001"),
    ],
)
def test_the_checks_name_what_would_leave_the_gate_open(
    change: str, complaint: str, project: Path
) -> None:
    settings = project / "bare" / "settings.py"
    settings.write_text(f"{settings.read_text()}\n{change}\n")
    code = (
        "import django; django.setup(); from django.core import checks;"
        "print(*(found.id for found in checks.run_checks()))"
    )
    said = run("-c", code, folder=project, DJANGO_SETTINGS_MODULE="bare.settings")
    assert complaint in said.stdout.split()
