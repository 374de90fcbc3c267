"""What follows by itself pulls nothing away, and says when it cannot follow."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import People, Person, Site

pytestmark = pytest.mark.browser

SECOND = 1000


@pytest.fixture
def viewer(people: People) -> Person:
    return people("vera")


def with_clock(viewer: Person, path: str) -> Page:
    """Open a page whose time goes on when the test says so."""
    page = viewer.page()
    page.clock.install()
    page.goto(path)
    return page


def polls(page: Page) -> list[str]:
    """Return the list of polls, as it grows."""
    seen: list[str] = []
    page.on("request", lambda each: seen.append(each.url) if "seen=" in each.url else None)
    return seen


def hide(page: Page, *, hidden: bool) -> None:
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_a_hidden_tab_asks_nothing_and_catches_up_at_once(viewer: Person) -> None:
    page = with_clock(viewer, "/tasks/")
    seen = polls(page)
    hide(page, hidden=True)
    page.clock.run_for(20 * SECOND)
    assert seen == []
    with page.expect_response(lambda answer: "seen=" in answer.url):
        hide(page, hidden=False)


def test_a_selection_in_the_list_is_kept_and_let_go_again(viewer: Person) -> None:
    page = with_clock(viewer, "/tasks/")
    seen = polls(page)
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#tasks tbody td'))")
    page.clock.run_for(20 * SECOND)
    assert [address for address in seen if "/decisions/" not in address] == []
    assert page.evaluate("getSelection().toString()").startswith("ServerTasks-")
    page.evaluate("getSelection().removeAllRanges()")
    with page.expect_response(lambda answer: "/tasks/?" in answer.url and "seen=" in answer.url):
        page.clock.run_for(3 * SECOND)


def test_what_changed_is_swapped_and_focus_stays(viewer: Person) -> None:
    page = viewer.page("/tasks/")
    link = page.locator("#tasks tbody a").first
    link.focus()
    page.evaluate(
        """() => {
          const root = document.getElementById("tasks");
          root.setAttribute("hx-get", root.getAttribute("hx-get").replace(/seen=.*/, "seen=old"));
          root.querySelector(".task-what").textContent = "stale";
          htmx.process(root);
          htmx.trigger(root, "look");
        }"""
    )
    expect(page.locator("#tasks .task-what").first).not_to_have_text("stale")
    expect(link).to_be_focused()


def test_a_lost_connection_is_said_counted_down_and_taken_back(viewer: Person) -> None:
    page = viewer.page("/tasks/")
    notice = page.locator("#live-notice")
    expect(notice).to_be_hidden()
    viewer.context.set_offline(True)
    expect(notice).to_contain_text("The connection to the server is lost")
    expect(notice).to_contain_text("Trying again")
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    viewer.context.set_offline(False)
    expect(notice).to_be_hidden()
    # What htmx itself said of the requests that failed.
    assert all("htmx:" in each or "ERR_" in each for each in viewer.troubles)
    viewer.troubles.clear()


def test_whoever_has_been_signed_out_is_told_where_to_go_on(viewer: Person) -> None:
    page = viewer.page("/tasks/?state=Failed")
    viewer.context.clear_cookies()
    expect(page.locator("#live-notice")).to_contain_text("You have been signed out.")
    link = page.get_by_role("link", name="Sign in again")
    expect(link).to_have_attribute("href", "/login/?next=%2Ftasks%2F%3Fstate%3DFailed")
    assert page.url.endswith("/tasks/?state=Failed")


def test_the_log_follows_its_end_until_the_reader_scrolls_up(viewer: Person, site: Site) -> None:
    page = viewer.page(f"/tasks/ServerTasks-{site.content['running']}/")
    log, follow = page.locator("#log-lines"), page.locator("#log-follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    # A log that fits is always at its end.
    page.evaluate("document.getElementById('log-lines').style.maxHeight = '3rem'")
    expect(log).to_contain_text("still at it")
    follow.click()
    follow.click()
    expect(follow).to_have_attribute("aria-pressed", "true")
    log.focus()
    page.keyboard.press("Home")
    expect(follow).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#log-to-end")).to_contain_text("new line")
    assert log.evaluate("(log) => log.scrollTop") == 0
    page.locator("#log-to-end").click()
    expect(follow).to_have_attribute("aria-pressed", "true")
    expect(log).to_be_focused()


def test_the_list_says_how_long_ago_and_the_exact_time_on_hover(viewer: Person) -> None:
    time = viewer.page("/tasks/").locator("#tasks time[data-relative]").first
    expect(time).to_have_text(re.compile(r"ago|now"))
    expect(time).to_have_attribute("title", re.compile(r"^\d{4}-\d\d-\d\d "))
