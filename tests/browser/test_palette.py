"""The quick search and the Maintenance page, by keyboard, and without a script."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import People

# The pages are the same on both databases.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite]

MAINTENANCE = "/configuration/maintenance/"


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.id || document.activeElement.tagName")
    return found


@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_a_key_opens_the_quick_search_and_arrows_and_enter_lead_on(
    people: People, key: str
) -> None:
    page = people("ada").page("/tasks/")
    page.keyboard.press(key)
    field = page.get_by_role("combobox", name="Search tasks, projects, releases and pages")
    expect(field).to_be_focused()
    field.press_sequentially("nod")
    chosen = page.locator("#palette").get_by_role("option", selected=True)
    expect(chosen).to_contain_text("Nodes")
    expect(field).to_have_attribute(
        "aria-activedescendant", chosen.get_attribute("id") or "missing"
    )
    expect(page.locator("#palette-count")).to_contain_text("found")
    page.keyboard.press("Enter")
    page.wait_for_url("**/configuration/nodes/")


def test_enter_right_after_the_last_letter_leads_to_what_was_typed(people: People) -> None:
    page = people("ada").page("/tasks/")
    page.keyboard.press("/")
    page.keyboard.type("queue pause")
    page.keyboard.press("Enter")
    page.wait_for_url("**/configuration/queue/")


def test_escape_closes_it_and_gives_the_focus_back(people: People) -> None:
    page = people("ada").page("/tasks/")
    before = page.get_by_role("link", name="New task")
    before.focus()
    page.keyboard.press("/")
    expect(page.locator("#palette-input")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(before).to_be_focused()


def test_a_slash_that_is_typed_into_a_field_stays_there(people: People) -> None:
    page = people("ada").page("/tasks/")
    field = page.get_by_label("Person")
    field.focus()
    page.keyboard.type("a/b")
    expect(field).to_have_value("a/b")
    expect(page.locator("#palette")).to_be_hidden()


def test_without_a_script_there_is_a_page_and_the_theme_is_chosen_all_the_same(
    people: People,
) -> None:
    page = people("ada", java_script_enabled=False).page("/tasks/")
    page.get_by_role("link", name="Search").click()
    page.get_by_role("searchbox").fill("drain")
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.get_by_role("main").get_by_role("link", name="Nodes").click()
    page.wait_for_url("**/configuration/nodes/")
    page.get_by_role("banner").locator(".menu-user summary").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    page.wait_for_url("**/configuration/nodes/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_times_are_those_of_the_reader_with_the_servers_on_hover(people: People) -> None:
    page = people("ada", timezone_id="Asia/Kathmandu").page("/tasks/")
    time = page.locator("td time").first
    expect(time).to_have_attribute("title", re.compile(r"Asia/Kat\w+ · .*\+00:00$"))
    shown = time.evaluate(
        "time => { const moment = new Date(time.dateTime);"
        " return [time.title.slice(11, 16), moment.getHours(), moment.getMinutes()]; }"
    )
    assert shown[0] == f"{shown[1]:02}:{shown[2]:02}"


def test_the_maintenance_page_follows_without_taking_the_focus(people: People) -> None:
    page = people("ada").page(MAINTENANCE)
    button = page.get_by_role("link", name="Enable maintenance mode…")
    button.focus()
    with page.expect_response(lambda answer: answer.url.endswith("/maintenance/status/")):
        pass
    expect(button).to_be_focused()
    expect(page.locator(".cockpit-word")).to_have_text(re.compile("Off|Planned"))
    expect(page.locator(".timeline")).to_be_visible()
