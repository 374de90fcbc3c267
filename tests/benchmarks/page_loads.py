"""Load pages in the system's Chromium and say what it says of them, with a cold and a warm cache.

The server is a whole one of its own with the content of the browser tests. Of several loads the one
that was painted first counts: others run on the machine, too.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import site as sites
from tests.browser import weight
from tests.browser.site import People
from tests.browser.weight import Weight

PAGES = {
    "sign-in": ("", "/login/"),
    "home": ("ada", "/"),
    "projects": ("ada", "/projects/"),
    "tasks": ("ada", "/tasks/"),
    "a task": ("ada", "/tasks/ServerTasks-{failed}/"),
    "maintenance": ("ada", "/configuration/maintenance/"),
}
LOADS = 5


def measure() -> dict[str, dict[str, dict[str, float]]]:
    """Return, for each page, the figures of a first visit and of one with a full cache."""
    with (
        tempfile.TemporaryDirectory(prefix="octoserver-bench-") as folder,
        sites.running(Path(folder)) as site,
        sync_playwright() as playwright,
    ):
        browser = sites.launch(playwright)
        people = People(site, browser)
        try:
            return {
                name: visits(people, person, path.format(**site.content))
                for name, (person, path) in PAGES.items()
            }
        finally:
            browser.close()


def visits(people: People, person: str, path: str) -> dict[str, dict[str, float]]:
    cold, warm = [], []
    for _ in range(LOADS):
        page = people(person).page()
        cold.append(weight.load(page, path))
        warm.append(weight.load(page, path))
        people.leave()
    return {"cold": quickest(cold), "warm": quickest(warm)}


def quickest(loads: list[Weight]) -> dict[str, float]:
    one = min(loads, key=lambda load: load.painted)
    return {
        "server_ms": round(one.server, 1),
        "fcp_ms": round(one.painted, 1),
        "dom_ms": round(one.ready, 1),
        "kb": round(one.bytes / 1024, 1),
        "requests": 1 + len(one.asked),
        "blocking": len(one.blocking),
    }


def show(found: dict[str, dict[str, dict[str, float]]]) -> None:
    heads = ("server ms", "FCP ms", "DOM ms", "KB", "requests", "blocking")
    print(f"{'in Chromium':<28}" + "".join(f"{head:>10}" for head in heads))
    for name, visit in found.items():
        for cache, one in visit.items():
            figures = "".join(f"{figure:>10}" for figure in one.values())
            print(f"  {name + ', ' + cache:<26}{figures}", flush=True)
