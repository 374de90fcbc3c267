"""One server and one Chromium for the whole folder, a fresh window for each person of a test.

Plain Playwright, without its plug-in for pytest: that one brings browsers of its own, keeps them
until the whole run ends, and leaves its event loop in the way of every test with a database that
comes after.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import site as sites
from tests.browser.site import People, Site


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=sites.PATIENCE)
        browser = sites.launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sites.running(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
def people(site: Site, chromium: Browser) -> Iterator[People]:
    """Give windows in which nothing may go wrong and nobody else may be asked for anything."""
    everybody = People(site, chromium)
    yield everybody
    troubles = everybody.leave()
    assert not troubles, "\n".join(troubles)
