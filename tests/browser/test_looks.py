"""Light and dark, and a narrow screen, as a browser computes them."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import People

# The pages are the same on both databases.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite]

PAGES = ["/", "/projects/", "/tasks/", "/configuration/maintenance/", "/admin/"]
# How bright the ground and the ink of a page are, from 0 to 255.
BRIGHTNESS = """
() => {
  const { backgroundColor, color } = getComputedStyle(document.body);
  return [backgroundColor, color].map((text) => {
    const [red, green, blue] = text.match(/[0-9.]+/g).map(Number);
    return 0.3 * red + 0.6 * green + 0.1 * blue;
  });
}
"""


# Waits for what a choice changes without a new page.
GROWS = {"dark": f"() => {{ const [a, b] = ({BRIGHTNESS})(); return a < b; }}"}
GROWS["light"] = GROWS["dark"].replace("a < b", "a > b")


def is_dark(page: Page) -> bool:
    ground, ink = page.evaluate(BRIGHTNESS)
    assert abs(ground - ink) > 100, "the words can hardly be told from their ground"
    return bool(ground < ink)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_or_dark_as_the_reader_prefers(people: People, path: str) -> None:
    page = people("ada", color_scheme="light").page(path)
    assert not is_dark(page)
    page.emulate_media(color_scheme="dark")
    assert is_dark(page)


def test_the_language_that_is_chosen_outweighs_the_browser_s_and_stays(people: People) -> None:
    page = people("vera").page("/tasks/?state=Failed")
    page.get_by_role("banner").get_by_text("vera").click()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Aufgaben")
    assert page.url.endswith("/tasks/?state=Failed")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_the_theme_that_is_chosen_outweighs_the_preference_and_stays(people: People) -> None:
    page = people("vera", color_scheme="light").page("/tasks/")
    choose(page, "Dark")
    page.wait_for_function(GROWS["dark"])
    page.goto("/projects/")
    assert is_dark(page)
    choose(page, "System")
    page.wait_for_function(GROWS["light"])
    page.goto("/tasks/")
    assert not is_dark(page)


def choose(page: Page, theme: str) -> None:
    page.get_by_role("banner").locator(".menu-user summary").click()
    with page.expect_response(lambda answer: answer.url.endswith("/theme/")):
        page.get_by_role("button", name=theme, exact=True).click()


def test_of_a_variable_s_two_values_only_the_one_that_is_meant_is_asked_for(people: People) -> None:
    page = people("ada").page("/projects/web-shop/variables/new/")
    plain, secret = page.get_by_label("Value", exact=True), page.get_by_label("Sensitive value")
    expect(plain).to_be_visible()
    expect(secret).to_be_hidden()
    page.get_by_label("Sensitive", exact=True).check()
    expect(secret).to_be_visible()
    expect(plain).to_be_hidden()
    secret.fill("s3cret")
    page.get_by_label("Sensitive", exact=True).uncheck()
    expect(secret).to_be_visible()  # what is typed never disappears
