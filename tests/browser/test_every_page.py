"""Every address as each person, the mode on and off: accessible in light and dark, fit for 360 px.

Pages that consist of nothing but what earlier ones had are passed over, for there are hundreds;
with ``EVERY_PAGE=1`` in the environment each is looked at.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser import axe, shapes
from tests.browser.site import People, Person, Site
from tests.browser.test_queueing import fill_in

# The pages are the same on both databases.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite]

EVERY_PAGE = bool(os.environ.get("EVERY_PAGE"))
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
LEAVING = {"logout", "admin:logout"}
# What a person who is let into the admin site sees of it, but the administrator's first look.
FEW_OF_ADMIN = {"admin:index", "admin:maintenance_maintenancemode_changelist"}
WALKS = [
    pytest.param("ada", False, id="administrator"),
    pytest.param("dora", False, id="deployer"),
    pytest.param("vera", False, id="viewer"),
    pytest.param("nils", False, id="nobody"),
    pytest.param("", False, id="signed-out"),
    pytest.param("ada", True, id="administrator-in-maintenance-mode"),
    pytest.param("dora", True, id="deployer-in-maintenance-mode"),
]


@pytest.fixture(scope="package")
def addresses(site: Site) -> dict[str, str]:
    found: dict[str, str] = site.content_of("addresses")
    return {name: path for name, path in found.items() if name not in LEAVING}


@pytest.fixture(scope="package")
def seen() -> set[shapes.Shape]:
    """What has been looked at already, in whatever page."""
    return set()


@contextmanager
def mode(site: Site, *, is_on: bool) -> Iterator[None]:
    if is_on:
        site.manage("maintenance", "on", "--reason", "New disks", "--until", "+2h")
    try:
        yield
    finally:
        if is_on:
            site.manage("maintenance", "off")


def pages(person: Person, paths: list[str], seen: set[shapes.Shape]) -> Iterator[str]:
    """Yield the paths that answer with a page, and with one that has something new."""
    for path in paths:
        answer = person.context.request.get(path)
        text = answer.text() if "text/html" in answer.headers.get("content-type", "") else ""
        if "<html" not in text:
            continue
        new = shapes.of(text) - seen
        seen |= new
        if new or EVERY_PAGE:
            yield path


def faults(page: Page) -> list[str]:
    """Return what is wrong with the page that is open: in light, in dark, and on a phone."""
    found = axe.violations(page)
    page.emulate_media(color_scheme="dark")
    found += [f"in the dark {fault}" for fault in axe.violations(page, only=axe.COLOURS)]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(NARROW)
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > NARROW["width"]:
        found.append(f"scrolls sideways: it is {width} px wide")
    page.set_viewport_size(WIDE)
    return [f"{page.url}: {fault}" for fault in found]


@pytest.mark.parametrize(("name", "is_on"), WALKS)
def test_pages_are_accessible_in_light_and_dark_and_none_scrolls_sideways(
    name: str,
    is_on: bool,
    people: People,
    site: Site,
    addresses: dict[str, str],
    seen: set[shapes.Shape],
) -> None:
    all_of_admin = name == "ada" and not is_on
    paths = [
        path
        for view, path in addresses.items()
        if all_of_admin or not path.startswith("/admin/") or view in FEW_OF_ADMIN
    ]
    person = people(name, viewport=WIDE, color_scheme="light")
    page = person.page()
    found = []
    with mode(site, is_on=is_on):
        for path in pages(person, paths, seen):
            page.goto(path)
            found += faults(page)
    assert not found, "\n".join(found)


def test_pages_in_german_are_accessible_and_as_narrow(
    people: People, addresses: dict[str, str]
) -> None:
    """Its words are longer, and the language of a page is told."""
    person = people("ada", viewport=WIDE, color_scheme="light", locale="de-DE")
    page = person.page()
    own = [path for path in addresses.values() if not path.startswith("/admin/")]
    found = []
    for path in pages(person, own, set()):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == "de"
        found += faults(page)
    assert not found, "\n".join(found)


def test_a_refusal_is_accessible_and_fits_a_narrow_screen(people: People, site: Site) -> None:
    page = people("dora", viewport=WIDE, color_scheme="light").page()
    fill_in(page, "echo refused")
    with mode(site, is_on=True):
        page.get_by_role("button", name="Queue task").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert faults(page) == []


def test_a_form_without_its_secret_is_answered_accessibly(people: People) -> None:
    page = people("", viewport=WIDE, color_scheme="light").page("/login/")
    page.locator("main [name=csrfmiddlewaretoken]").evaluate("field => field.remove()")
    page.get_by_label("Username").fill("dora")
    page.get_by_label("Password").fill("x")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="too old to be sent")).to_be_visible()
    assert faults(page) == []


def test_the_walk_sees_what_is_wrong(people: People) -> None:
    page = people("vera", viewport=WIDE).page("/tasks/")
    page.evaluate("""
      const wide = document.createElement("img");
      wide.width = 900;
      wide.className = "too-wide";
      document.querySelector("main").append(wide);
      document.querySelector("h1").className = "too-pale";
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(".too-wide { max-width: none } .too-pale { color: #8888 }");
      document.adoptedStyleSheets = [sheet];
    """)
    found = " ".join(faults(page))
    for fault in ("image-alt", "color-contrast", "in the dark color-contrast", "scrolls sideways"):
        assert fault in found
