"""A server with content, and the people who look at it in the system's own Chromium."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request

from tests.browser import PASSWORD
from tests.integration import server
from tests.integration.shapes import Shape
from tests.services import BROWSERS, DATABASE_URL, REDIS_URL

# A container lets no browser make its own sandbox; the pages come from ourselves alone.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
# Milliseconds until something that is looked for counts as missing: a machine may be very busy.
PATIENCE = 60_000
OWN_SCHEMES = ("data", "blob", "about")


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium. Nothing is ever downloaded."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise FileNotFoundError("There is no browser: install chromium.")
    return playwright.chromium.launch(executable_path=found, args=FLAGS)


@dataclass
class Site:
    """The running server, and what its content is called."""

    env: dict[str, str]
    folder: Path
    running: server.Server
    content: dict[str, Any]
    _signed_in: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.running.port}"

    @property
    def go(self) -> Path:
        """The file for which the running task waits."""
        return self.folder / "go"

    def manage(self, *arguments: str) -> str:
        done = server.manage(*arguments, env=self.env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def content_of(self, what: str) -> Any:
        return json.loads(run_content(self.env, what))


def run_content(env: dict[str, str], what: str) -> str:
    """Call one of the functions of ``content`` in a process that belongs to the server."""
    code = f"from tests.browser import content; content.main({what!r})"
    done = server.manage("shell", "--no-imports", "-c", code, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[Site]:
    """Run a server with content, on the services of the tests if there are any."""
    shape = Shape("services" if DATABASE_URL and REDIS_URL else "embedded")
    with ExitStack() as stack:
        more = stack.enter_context(shape.environment(folder))
        env = server.environment(folder, NODE_NAME="north", **more, **variables)
        content = json.loads(run_content(env, "make"))
        yield Site(env, folder, stack.enter_context(server.running(env=env)), content)


class Person:
    """Somebody at a browser, whose every page is watched for what must not happen."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.site, self.context = site, context
        # What the console said as an error, and what was asked of anybody but the server.
        self.troubles: list[str] = []
        context.set_default_timeout(PATIENCE)
        context.on("page", self._watch)

    def page(self, path: str = "") -> Page:
        page = self.context.new_page()
        if path:
            page.goto(path)
        return page

    def _watch(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        # A browser reports an answer such as 503 so; whether it should be one is a test's to say.
        is_answer = message.text.startswith("Failed to load resource: the server responded")
        if message.type in ("error", "warning") and not is_answer:
            page = message.page.url if message.page else ""
            self.troubles.append(f"{message.type}: {message.text} at {page}")

    def _see(self, request: Request) -> None:
        if urlsplit(request.url).scheme in OWN_SCHEMES:
            return
        if not request.url.startswith(f"{self.site.root}/"):
            self.troubles.append(f"asked elsewhere: {request.url}")


class People:
    """Open a browser window for a person; whoever has signed in once stays signed in."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.site, self.browser = site, browser
        self.there: list[Person] = []

    def __call__(self, name: str = "", **options: Any) -> Person:
        """Give a window of somebody, or of nobody yet. ``options`` are those of a context."""
        if name and name not in self.site._signed_in:
            self.site._signed_in[name] = self._sign_in(name)
        state = self.site._signed_in.get(name)
        return self._open(storage_state=state, **options)

    def _open(self, **options: Any) -> Person:
        more = {"locale": "en-GB", "base_url": self.site.root, **options}
        person = Person(self.site, self.browser.new_context(**more))
        self.there.append(person)
        return person

    def _sign_in(self, name: str) -> Any:
        person = self._open()
        sign_in(person.page("/login/"), name, PASSWORD)
        return person.context.storage_state()

    def leave(self) -> list[str]:
        """Close every window and return what went wrong in any."""
        troubles = [trouble for person in self.there for trouble in person.troubles]
        for person in self.there:
            person.context.close()
        self.there.clear()
        return troubles


def sign_in(page: Page, name: str, password: str) -> None:
    """Fill in the form and send it."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def window_in(output: str) -> int:
    """Return the number of the window that ``maintenance plan --json`` told of."""
    found: int = json.loads(output)["window"]["window"]
    return found
