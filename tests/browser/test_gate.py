"""Maintenance mode as people meet it: nothing typed is lost, and a window is announced in time."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import People, Site, window_in
from tests.browser.test_queueing import fill_in, state

pytestmark = pytest.mark.browser

MAINTENANCE = "/configuration/maintenance/"


@pytest.fixture(autouse=True)
def mode_off(site: Site) -> Iterator[None]:
    yield
    site.manage("maintenance", "off")


def enable(page: Page, *, reason: str) -> None:
    page.goto(MAINTENANCE)
    page.get_by_role("link", name="Enable maintenance mode…").click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Enable maintenance mode").click()
    expect(page.get_by_text("Maintenance mode is on").first).to_be_visible()


def disable(page: Page) -> None:
    page.goto(MAINTENANCE)
    page.get_by_role("link", name="Disable maintenance mode…").click()
    page.get_by_role("button", name="Disable maintenance mode").click()
    expect(page.get_by_role("link", name="Enable maintenance mode…")).to_be_visible()


def test_a_form_half_filled_when_the_mode_comes_is_kept_and_sent_after_it(people: People) -> None:
    ada, dora = people("ada").page(), people("dora").page()
    typed = "# half\necho 'typed only once'\n# 'quotes' & <angles> are kept"
    fill_in(dora, "# half\n")
    enable(ada, reason="New disks")
    dora.get_by_label("Script").fill(typed)
    dora.get_by_label("Time limit").fill("77")
    with dora.expect_response(lambda answer: answer.request.method == "POST") as answer:
        dora.get_by_role("button", name="Queue task").click()
    assert answer.value.status == 503
    refusal = dora.get_by_role("alert")
    expect(refusal).to_contain_text("Not now")
    expect(refusal).to_contain_text("New disks")
    expect(refusal).to_contain_text("ada")
    expect(refusal.get_by_label("Script")).to_have_value(typed)
    expect(refusal.get_by_label("Time limit")).to_have_value("77")

    refusal.get_by_role("button", name="Try again").click()
    expect(dora.get_by_role("alert").get_by_label("Script")).to_have_value(typed)

    disable(ada)
    dora.get_by_role("alert").get_by_role("button", name="Try again").click()
    dora.wait_for_url("**/tasks/ServerTasks-*/")
    expect(state(dora)).to_have_text("Success")
    expect(dora.locator("#log-lines")).to_contain_text("typed only once")


def test_without_javascript_the_mode_is_switched_and_what_was_typed_is_kept(people: People) -> None:
    ada = people("ada", java_script_enabled=False).page()
    dora = people("dora", java_script_enabled=False).page()
    fill_in(dora, "echo 'no script at all'")
    enable(ada, reason="New disks")
    dora.get_by_role("button", name="Queue task").click()
    refusal = dora.get_by_role("alert")
    expect(refusal.get_by_label("Script")).to_have_value("echo 'no script at all'")
    disable(ada)
    refusal.get_by_role("button", name="Try again").click()
    dora.wait_for_url("**/tasks/ServerTasks-*/")
    expect(state(dora)).to_have_text("Success")


def test_everybody_sees_a_banner_while_the_mode_is_on(people: People) -> None:
    enable(people("ada").page(), reason="New disks")
    page = people("vera").page("/tasks/")
    banner = page.locator(".banner-maintenance")
    expect(banner).to_contain_text("Maintenance mode is on.")
    expect(banner).to_contain_text("New disks")


def test_a_window_to_come_is_announced_in_the_readers_zone(people: People, site: Site) -> None:
    planned = site.manage(
        "maintenance", "plan", "+3h", "--until", "+4h", "--reason", "New racks", "--json"
    )
    try:
        tokyo = people("vera", timezone_id="Asia/Tokyo").page("/tasks/")
        banner = tokyo.locator(".banner-notice")
        expect(banner).to_contain_text("New racks")
        moment = banner.locator("time").first
        starts = datetime.fromisoformat(moment.get_attribute("datetime") or "")
        expect(moment).to_contain_text(starts.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%H:%M"))
        left = banner.locator("[data-countdown-to]")
        expect(left).to_contain_text("2 h")
    finally:
        site.manage("maintenance", "cancel-window", str(window_in(planned)))
