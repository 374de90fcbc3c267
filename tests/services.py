"""Skip what needs a service that is not there, and let nothing else be skipped where CI says so.

A test says what it needs by a marker. With ``STRICT_SKIPS`` set, a test skipped for any other
reason has failed: there, everything that can run must.
"""

import os
import shutil
from collections.abc import Generator
from typing import Any

import pytest

DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
GETTEXT = ("xgettext", "msgmerge")
STRICT = bool(os.environ.get("STRICT_SKIPS"))

EXPLAINED = pytest.StashKey[bool]()


def missing(marker: str) -> str:
    """Return why a test with this marker cannot run in this run; nothing if it can."""
    if marker == "postgresql" and not DATABASE_URL:
        return "needs PostgreSQL: set TEST_DATABASE_URL"
    if marker == "redis" and not REDIS_URL:
        return "needs Redis: set TEST_REDIS_URL"
    if marker == "sqlite" and DATABASE_URL:
        return "needs SQLite: unset TEST_DATABASE_URL"
    if marker == "browser" and not any(map(shutil.which, BROWSERS)):
        return "needs a browser: install chromium"
    if marker == "gettext" and not all(map(shutil.which, GETTEXT)):
        return "needs xgettext and msgmerge: install gettext"
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker in item.iter_markers():
            if reason := missing(marker.name):
                item.add_marker(pytest.mark.skip(reason=reason))
                # A program is no matter of the shape: where skips are strict, it has to be there.
                item.stash[EXPLAINED] = marker.name not in ("browser", "gettext")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        _fail_unless_explained(report, is_explained=item.stash.get(EXPLAINED, False))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    if STRICT and report.skipped:
        _fail_unless_explained(report, is_explained=False)
    return report


def _fail_unless_explained(report: Any, *, is_explained: bool) -> None:
    if not is_explained:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"Skipped where every test must run: {reason}"


@pytest.fixture
def redis_url() -> str:
    """Give the address of the Redis server that tests marked ``redis`` may use and empty."""
    return REDIS_URL


@pytest.fixture
def database_url() -> str:
    """Give the address of the PostgreSQL server that tests marked ``postgresql`` may use."""
    return DATABASE_URL
