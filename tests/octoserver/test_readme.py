"""What the README says to set is enough for production."""

import os
import re
import subprocess
import sys
from pathlib import Path

from django.conf import settings

README = Path(settings.BASE_DIR, "README.md").read_text()


def example() -> dict[str, str]:
    """Return the complete example of production settings."""
    (block,) = re.findall(r"```ini\n(PRODUCTION=true\n.*?)```", README, re.DOTALL)
    return dict(line.split("=", 1) for line in block.splitlines())


def test_the_checks_for_production_have_nothing_to_say_about_the_example(tmp_path: Path) -> None:
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=settings.BASE_DIR,
        env=inherited | example() | {"VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_every_variable_that_the_settings_read_is_in_the_readmes_table() -> None:
    source = Path(settings.BASE_DIR, "octoserver/settings.py").read_text()
    source += Path(settings.BASE_DIR, "octoserver/configuration.py").read_text()
    read = set(re.findall(r'env(?:\.\w+\(|, )"([A-Z_]+)"', source)) - {"DEBUG"}
    told = set(re.findall(r"`([A-Z_]+)`", README))
    assert read - told == set()
    assert len(read) > 12
