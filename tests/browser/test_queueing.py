"""Deploy, queue and schedule, and watch it happen without touching the page."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.site import People

pytestmark = pytest.mark.browser

RELEASE = "/projects/sample-website/releases/1.0.0/"
SCRIPT = """\
echo "the first line"
until [ -e '{go}' ]; do sleep 0.1; done
echo "the last line"
"""


def state(page: Page) -> Locator:
    """Return where a task's page, or a deployment's, says how it stands."""
    return page.locator("main .state").first


def never_reloaded(page: Page) -> bool:
    return page.evaluate("window.isTheSame === true")


def fill_in(page: Page, script: str) -> None:
    page.goto("/tasks/new/?kind=RunScript")
    page.get_by_label("Script").fill(script)


def queue(page: Page, script: str) -> None:
    fill_in(page, script)
    page.get_by_role("button", name="Queue task").click()
    page.wait_for_url("**/tasks/ServerTasks-*/")


def test_a_deployment_is_followed_live_to_its_success(people: People) -> None:
    page = people("dora").page(RELEASE)
    page.get_by_role("link", name="Deploy…").click()
    page.get_by_label("Environment").select_option("Development")
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.wait_for_url("**/deployments/Deployments-*/")
    expect(state(page)).to_have_text("Success")
    for step in ("Build", "Health check", "Tidy up"):
        expect(page.get_by_text(step).first).to_be_visible()
    expect(page.get_by_text("The page answers, fingerprint")).to_be_attached()


def test_a_log_comes_while_the_task_writes_it(people: People, tmp_path: Path) -> None:
    page = people("dora").page()
    queue(page, SCRIPT.format(go=tmp_path / "go"))
    page.evaluate("window.isTheSame = true")
    log = page.locator("#log-lines")
    expect(log).to_contain_text("the first line")
    expect(state(page)).to_have_text("Executing")
    expect(log).not_to_contain_text("the last line")
    (tmp_path / "go").touch()
    expect(log).to_contain_text("the last line")
    expect(state(page)).to_have_text("Success")
    assert never_reloaded(page)


def test_a_task_waits_for_its_time_and_says_so(people: People) -> None:
    page = people("dora").page()
    fill_in(page, "echo 'not before tomorrow'")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    page.get_by_label("Start at").fill(tomorrow.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_role("button", name="Queue task").click()
    page.wait_for_url("**/tasks/ServerTasks-*/")
    expect(page.get_by_text("Scheduled for", exact=True)).to_be_visible()
    expect(state(page)).to_have_text("Queued")
    name = page.get_by_role("heading", level=1).inner_text().split()[0]
    page.goto("/tasks/?state=Queued")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=name))
    expect(row).to_contain_text("not before tomorrow")


def test_a_task_that_was_canceled_before_its_time_is_brought_back(people: People) -> None:
    page = people("dora").page()
    fill_in(page, "echo 'canceled by mistake'")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    page.get_by_label("Start at").fill(tomorrow)
    page.get_by_role("button", name="Queue task").click()
    page.wait_for_url("**/tasks/ServerTasks-*/")
    first = page.url
    page.get_by_role("button", name="Cancel task").click()
    expect(state(page)).to_have_text("Canceled")
    page.get_by_role("button", name="Queue again at the same time").click()
    page.wait_for_url(lambda url: url != first)
    expect(state(page)).to_have_text("Queued")
    expect(page.locator("#task-facts")).to_contain_text(tomorrow.replace("T", " "))


def test_on_a_phone_a_release_is_deployed_and_its_log_is_read(people: People) -> None:
    phone = people("dora", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = phone.page(RELEASE)
    page.get_by_role("link", name="Deploy…").tap()
    page.get_by_label("Environment").select_option("Development")
    page.get_by_role("button", name="Deploy", exact=True).tap()
    page.wait_for_url("**/deployments/Deployments-*/")
    expect(state(page)).to_have_text("Success")
    expect(page.get_by_text("The page answers, fingerprint")).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_scheduled_deployment_starts_by_itself_before_the_reader(people: People) -> None:
    page = people("dora").page(f"{RELEASE}deploy/")
    page.get_by_label("Environment").select_option("Development")
    soon = datetime.now(UTC) + timedelta(seconds=3)
    page.get_by_label("Start at").fill(soon.strftime("%Y-%m-%dT%H:%M:%S"))
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.wait_for_url("**/deployments/Deployments-*/")
    expect(state(page)).to_have_text("Success")
    assert datetime.now(UTC) >= soon


def test_without_javascript_a_task_is_queued_and_its_log_is_seen(people: People) -> None:
    page = people("dora", java_script_enabled=False).page()
    queue(page, "echo 'no script was needed'")
    # The page asks again by itself while the task is open.
    expect(page.locator("#log-lines")).to_contain_text("no script was needed")
    expect(state(page)).to_have_text("Success")
