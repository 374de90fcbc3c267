"""Every flow without a mouse: what has the focus is always seen."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import PASSWORD
from tests.browser.site import People, Site
from tests.browser.test_queueing import state

# The pages are the same on both databases.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite]

# More stops than any page has before what is looked for.
STOPS = 80
FOCUS = """
() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const isDrawn = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1)
    || style.boxShadow !== "none";
  const isInside = box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
    && box.top < innerHeight && box.left < innerWidth;
  return element === document.body || (isDrawn && isInside) ? "" : element.outerHTML;
}
"""


def tab_to(page: Page, goal: Locator) -> None:
    """Press Tab until the goal has the focus; the focus must be seen at every stop."""
    expect(goal).to_be_visible()
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        unseen = page.evaluate(FOCUS)
        assert not unseen, f"the focus is not seen at {unseen}"
        if goal.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab never comes to {goal}")


def press(page: Page, goal: Locator) -> None:
    tab_to(page, goal)
    page.keyboard.press("Enter")


def test_a_task_is_queued_and_cancelled_with_the_keyboard_alone(people: People) -> None:
    page = people().page("/login/")
    if not page.get_by_label("Username").evaluate("field => field === document.activeElement"):
        tab_to(page, page.get_by_label("Username"))
    page.keyboard.type("dora")
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{people.site.root}/")

    press(page, page.get_by_role("banner").get_by_role("link", name="Tasks"))
    page.wait_for_url("**/tasks/")
    press(page, page.get_by_role("main").get_by_role("link", name="New task"))
    page.wait_for_url("**/tasks/new/**")
    tab_to(page, page.get_by_label("Script"))
    page.keyboard.type("sleep 300")
    press(page, page.get_by_role("button", name="Queue task"))
    page.wait_for_url("**/tasks/ServerTasks-*/")
    press(page, page.get_by_role("button", name="Cancel task"))
    expect(state(page)).to_have_text("Canceled")


def test_a_release_is_deployed_with_the_keyboard_alone(people: People) -> None:
    page = people("dora").page("/projects/sample-website/releases/1.0.0/")
    press(page, page.get_by_role("main").get_by_role("link", name="Deploy…"))
    page.wait_for_url("**/deploy/")
    tab_to(page, page.get_by_label("Environment"))
    page.keyboard.type("Dev")
    press(page, page.get_by_role("button", name="Deploy", exact=True))
    page.wait_for_url("**/deployments/Deployments-*/")
    expect(state(page)).to_have_text("Success")


def test_the_mode_is_turned_on_and_off_with_the_keyboard_alone(people: People, site: Site) -> None:
    page = people("ada").page("/configuration/maintenance/")
    try:
        press(page, page.get_by_role("link", name="Enable maintenance mode…"))
        page.wait_for_url("**/switch/")
        tab_to(page, page.get_by_label("Reason"))
        page.keyboard.type("New disks")
        press(page, page.get_by_role("button", name="Enable maintenance mode"))
        expect(page.get_by_role("heading", name="Maintenance mode is on")).to_be_visible()
        press(page, page.get_by_role("link", name="Disable maintenance mode…"))
        page.wait_for_url("**/switch/")
        press(page, page.get_by_role("button", name="Disable maintenance mode"))
        expect(page.get_by_role("heading", name="Maintenance mode is off")).to_be_visible()
    finally:
        site.manage("maintenance", "off")


def test_the_first_stop_leads_past_the_navigation(people: People) -> None:
    page = people("vera").page("/tasks/")
    press(page, page.get_by_role("link", name="Skip to content"))
    expect(page.get_by_role("main")).to_be_focused()


def test_a_menu_opens_and_closes_with_the_keyboard_and_gives_the_focus_back(
    people: People,
) -> None:
    page = people("ada").page("/")
    menu = page.get_by_role("banner").locator("summary").filter(has_text="Configuration")
    press(page, menu)
    tab_to(page, page.get_by_role("banner").get_by_role("link", name="Maintenance"))
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(page.get_by_role("banner").get_by_role("link", name="Maintenance")).to_be_hidden()


def write_step(page: Page, name: str, script: str) -> None:
    """Fill in the form of a new step and save it."""
    tab_to(page, page.get_by_label("Name", exact=True))
    page.keyboard.type(name)
    tab_to(page, page.get_by_label("Shell"))
    page.keyboard.press("ArrowDown")
    tab_to(page, page.get_by_label("Script"))
    page.keyboard.type(script)
    tab_to(page, page.get_by_label("Runs on"))
    page.keyboard.press("End")
    press(page, page.get_by_role("button", name="Save"))
    page.wait_for_url("**/process/")


def test_a_process_is_written_put_in_order_and_cut_down_with_the_keyboard_alone(
    people: People,
) -> None:
    page = people("manuel").page("/projects/new/")
    tab_to(page, page.get_by_label("Name", exact=True))
    page.keyboard.type("By keyboard")
    tab_to(page, page.get_by_label("Slug"))
    page.keyboard.type("by-keyboard")
    press(page, page.get_by_role("button", name="Create project"))
    page.wait_for_url("**/projects/by-keyboard/")

    press(page, page.get_by_role("link", name="Process"))
    steps = page.locator("main li.step h3")
    for name in ("Second", "First"):
        press(page, page.get_by_role("link", name="Add step"))
        write_step(page, name, "echo on\nexit 0")
    expect(steps).to_have_text(["1. Second", "2. First"])
    expect(page.locator("li.step p").first).to_contain_text("sh · always")
    assert page.locator("li.step pre").first.text_content() == "echo on\nexit 0"

    press(page, page.get_by_role("button", name="Up First"))
    expect(steps).to_have_text(["1. First", "2. Second"])
    press(page, page.get_by_role("button", name="Down First"))
    expect(steps).to_have_text(["1. Second", "2. First"])
    press(page, page.get_by_role("link", name="Edit Second"))
    press(page, page.get_by_role("button", name="Delete step"))
    expect(steps).to_have_text(["1. First"])

    press(page, page.get_by_role("link", name="Settings"))
    press(page, page.locator("summary").filter(has_text="Delete it"))
    press(page, page.get_by_role("button", name="Delete By keyboard for good"))
    page.wait_for_url("**/projects/")
