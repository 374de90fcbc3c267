"""Make the pictures of ``docs/images``: ``make screenshots [ARGS="tasks home"]``.

A server of its own with the content of the browser tests, a second node, and each page three times:
in light, in dark, and as narrow as a phone.
"""

import getpass
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from playwright.sync_api import FloatRect, Page, ViewportSize, sync_playwright

from tests.browser import png
from tests.browser import site as sites
from tests.browser.site import People, Site
from tests.integration import server

IMAGES = server.ROOT / "docs" / "images"
WIDTHS = {"light": 1200, "dark": 1200, "narrow": 360}
# A long page is cut: a picture is to be looked at, not read.
TALLEST = {"light": 1000, "dark": 1000, "narrow": 1400}
HEIGHT, FOOT = 740, 160
# Who runs the commands here, which is nobody's business.
OPERATOR = f"{getpass.getuser()}@{socket.gethostname()}"
# Shows other names in place of those of this machine.
RENAME = """pairs => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode())
    for (const [old, shown] of pairs)
      if (walker.currentNode.data.includes(old))
        walker.currentNode.data = walker.currentNode.data.replaceAll(old, shown);
}"""

# Who looks at what, by the name of the picture.
PAGES = {
    "sign-in": ("", "/login/"),
    "home": ("dora", "/"),
    "projects": ("dora", "/projects/"),
    "project": ("dora", "/projects/sample-website/"),
    "process": ("ada", "/projects/web-shop/process/"),
    "variables": ("ada", "/projects/web-shop/variables/"),
    "step": ("ada", "deployments:step"),
    "variable": ("ada", "deployments:variable"),
    "releases": ("dora", "deployments:releases"),
    "release": ("dora", "deployments:release"),
    "new-release": ("dora", "deployments:new_release"),
    "deploy": ("dora", "/projects/web-shop/releases/2.4.0/deploy/"),
    "deployments": ("dora", "deployments:deployments"),
    "deployment": ("dora", "/projects/deployments/Deployments-1/"),
    "runbook": ("dora", "deployments:runbook"),
    "triggers": ("ada", "deployments:triggers"),
    "trigger": ("ada", "deployments:trigger"),
    "history": ("ada", "deployments:history"),
    "settings": ("ada", "deployments:settings"),
    "environments": ("ada", "deployments:environments"),
    "tasks": ("dora", "/tasks/"),
    "task": ("dora", "/tasks/ServerTasks-{failed}/"),
    "task-running": ("dora", "/tasks/ServerTasks-{running}/"),
    "log-search": ("dora", "/tasks/ServerTasks-{failed}/log/search/?find=line"),
    "new-task": ("dora", "/tasks/new/?kind=RunScript"),
    "nodes": ("ada", "/configuration/nodes/"),
    "queue": ("ada", "/configuration/queue/"),
    "maintenance": ("ada", "/configuration/maintenance/"),
    "window": ("ada", "/configuration/maintenance/windows/{window}/"),
    "plan-window": ("ada", "/configuration/maintenance/windows/plan/"),
    "notices": ("ada", "/configuration/maintenance/notices/"),
    "my-notices": ("dora", "maintenance:my_notices"),
    "webhook": ("ada", "maintenance:webhook"),
    "enable": ("ada", "/configuration/maintenance/switch/"),
    "search": ("dora", "/search?q=web"),
    "password": ("dora", "password_change"),
    "forbidden": ("vera", "/tasks/new/"),
    "not-found": ("dora", "/tasks/ServerTasks-99999/"),
    "admin": ("ada", "/admin/"),
}
ANNOUNCED = {"notice": ("dora", "/projects/")}
IN_MAINTENANCE = {
    "maintenance-on": ("ada", "/configuration/maintenance/"),
    "tasks-in-maintenance": ("dora", "/tasks/"),
}


class Camera:
    """Takes the pictures that were asked for, or all of them."""

    def __init__(self, people: People, wanted: list[str]) -> None:
        self.people, self.wanted = people, wanted
        self.addresses: dict[str, str] = people.site.content_of("addresses")

    def take(self, pages: dict[str, tuple[str, str]]) -> None:
        for name, (person, place) in pages.items():
            with self.each_look(name, person) as looks:
                for look, page in looks:
                    page.goto(self.address(place))
                    self.picture(page, name, look)

    def address(self, place: str) -> str:
        """Return the path of a page that is given as one, with its numbers, or by its name."""
        if place.startswith("/"):
            return place.format(**self.people.site.content)
        return self.addresses[place]

    def take_palette(self) -> None:
        """Take the quick search as it lies over a page."""
        with self.each_look("quick-search", "dora") as looks:
            for look, page in looks:
                page.goto("/tasks/")
                page.keyboard.press("Control+k")
                page.keyboard.type("shop")
                page.get_by_role("option", name="Web shop 2.4.0", exact=True).wait_for()
                self.picture(page, "quick-search", look, tallest=HEIGHT)

    def take_refusal(self, turn_on: Callable[[], object]) -> None:
        """Take what people see whose form was open when the mode came."""
        with self.each_look("refusal", "dora") as looks:
            windows = dict(looks)
            for page in windows.values():
                page.goto("/tasks/new/?kind=RunScript")
                page.get_by_label("Script").fill("./restart-the-search\n./warm-the-caches")
            turn_on()
            for look, page in windows.items():
                page.get_by_role("button", name="Queue task").click()
                page.get_by_role("alert").wait_for()
                self.picture(page, "refusal", look)

    @contextmanager
    def each_look(self, name: str, person: str) -> Iterator[Iterator[tuple[str, Page]]]:
        """Give a window for each look of a picture; none if it is not wanted."""
        looks = WIDTHS if not self.wanted or name in self.wanted else {}
        yield ((look, self.window(person, look)) for look in looks)
        self.people.leave()

    def window(self, person: str, look: str) -> Page:
        scheme = "dark" if look == "dark" else "light"
        size: ViewportSize = {"width": WIDTHS[look], "height": HEIGHT}
        return self.people(
            person, viewport=size, color_scheme=scheme, timezone_id="UTC", reduced_motion="reduce"
        ).page()

    def picture(self, page: Page, name: str, look: str, *, tallest: int | None = None) -> None:
        page.wait_for_load_state("load")
        page.mouse.move(0, 0)
        page.evaluate(
            RENAME, [[str(self.people.site.folder), "/srv/octoserver"], [OPERATOR, "ops"]]
        )
        height = int(page.evaluate("document.documentElement.scrollHeight"))
        # One that would only lose its foot is left whole.
        height = tallest or (height if height < TALLEST[look] + FOOT else TALLEST[look])
        area: FloatRect = {"x": 0, "y": 0, "width": WIDTHS[look], "height": height}
        shot = page.screenshot(animations="disabled", caret="hide", full_page=True, clip=area)
        path = IMAGES / f"{name}-{look}.png"
        path.write_bytes(png.fewer_colours(page, shot))
        print(f"{path.relative_to(server.ROOT)}  {path.stat().st_size // 1024} KB", flush=True)


@contextmanager
def second_node(site: Site) -> Iterator[None]:
    worker = server.Program("worker", env=site.env | {"NODE_NAME": "south", "TASK_CAP": "3"})
    try:
        yield
    finally:
        worker.end()


def take_all(site: Site, camera: Camera) -> None:
    camera.take(PAGES)
    camera.take_palette()
    planned = site.manage(
        "maintenance", "plan", "+3h", "--until", "+4h", "--reason", "New racks", "--json"
    )
    camera.take(ANNOUNCED)
    site.manage("maintenance", "cancel-window", str(sites.window_in(planned)))
    turn_on = partial(site.manage, "maintenance", "on", "--reason", "New disks", "--until", "+2h")
    camera.take_refusal(turn_on)
    turn_on()
    camera.take(IN_MAINTENANCE)


def main(wanted: list[str]) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="octoserver-pictures-") as folder,
        sites.running(Path(folder)) as site,
        second_node(site),
        sync_playwright() as playwright,
    ):
        server.wait_until(lambda: site.content_of("unsettled") == 0, what="tasks go on and on")
        browser = sites.launch(playwright)
        try:
            take_all(site, Camera(People(site, browser), wanted))
        finally:
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
