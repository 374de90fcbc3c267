"""A log of 100,000 lines in a browser: any line is near, and the page stays small."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import People, Site
from tests.integration import server

pytestmark = pytest.mark.browser

LINES = 100_000
# Lines and elements that the page may hold: 16 parts of 250 lines, and what is in view.
LINES_HELD = 6_000
ELEMENTS_HELD = 30_000
MAKE = f"""
from django.contrib.auth.models import User
from tasks.models import LogChunk, ServerTask
from tests.tasks import rows
task = rows.ServerTaskFactory(state="Success", description="Long")
LogChunk.objects.bulk_create(
    LogChunk(task=task, first_line=first, line_count=500, started=task.created,
             text="\\n".join(f"{{i}} o line {{first + i}} of many" for i in range(500)))
    for first in range(1, {LINES}, 500)
)
print(task.get_absolute_url())
"""


@pytest.fixture(scope="package")
def long_log(site: Site) -> str:
    """The address of a task with a long log."""
    done = server.manage("shell", "--no-imports", "-c", MAKE, env=site.env)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def in_view(page: Page, number: int) -> None:
    page.locator("#log-lines").evaluate("(log) => log.scrollIntoView({ block: 'center' })")
    expect(page.locator(f"#L{number}")).to_be_in_viewport()


def held(page: Page) -> tuple[int, int]:
    lines, elements = (
        page.evaluate(f"document.querySelectorAll('{what}').length") for what in ("li.line", "*")
    )
    return lines, elements


def test_the_end_is_shown_first_and_the_beginning_by_scrolling(
    people: People, long_log: str
) -> None:
    page = people("vera").page(long_log)
    in_view(page, LINES)
    page.locator("#log-lines").focus()
    page.keyboard.press("Home")
    in_view(page, 1)
    page.keyboard.press("End")
    in_view(page, LINES)


def test_times_are_those_of_the_reader_in_every_part(people: People, long_log: str) -> None:
    """Kathmandu is 5:45 ahead, so that no zone of a server is taken for it."""
    page = people("vera", timezone_id="Asia/Kathmandu").page(long_log)
    in_view(page, LINES)
    # What looks at all times every ten seconds would hide that a part came with the server's.
    page.evaluate("for (let id = setInterval(() => {}, 1e6); id > 0; id -= 1) clearInterval(id)")
    page.locator("#log-lines").focus()
    for key, number in [("End", LINES), ("Home", 1)]:
        page.keyboard.press(key)
        in_view(page, number)
        time = page.locator(f"#L{number} time")
        there = datetime.fromisoformat(time.get_attribute("datetime") or "")
        here = there.astimezone(ZoneInfo("Asia/Kathmandu"))
        expect(time).to_have_text(here.time().isoformat(timespec="milliseconds"))
        expect(time).to_have_attribute("title", re.compile(f"^{here:%Y-%m-%d %H:%M:%S} Asia/Kat"))


def test_the_page_stays_small_however_far_somebody_reads(people: People, long_log: str) -> None:
    page = people("vera").page(long_log)
    for number in range(1, LINES, 4000):
        page.get_by_label("Line", exact=True).fill(str(number))
        page.keyboard.press("Enter")
        in_view(page, number)
    lines, elements = held(page)
    assert lines <= LINES_HELD
    assert elements <= ELEMENTS_HELD


def test_a_link_to_a_line_opens_there_although_it_was_not_loaded(
    people: People, long_log: str
) -> None:
    person = people("vera")
    page = person.page(f"{long_log}#L54321")
    in_view(page, 54321)
    expect(page.locator("#L54321")).to_have_class("line line-output line-at")
    page = person.page(f"{long_log}?line=777#L777")
    in_view(page, 777)


def test_a_click_on_a_number_makes_a_link_that_can_be_kept(people: People, long_log: str) -> None:
    page = people("vera").page(f"{long_log}#L54321")
    page.locator("#L54322 > a").click()
    expect(page).to_have_url(f"{page.url.partition('?')[0]}?line=54322#L54322")
    expect(page.locator("#L54322")).to_have_class("line line-output line-at")


def test_words_are_found_in_the_whole_log_and_walked_through(people: People, long_log: str) -> None:
    page = people("vera").page(long_log)
    page.get_by_label("Words to find").fill("LINE 4321")
    page.keyboard.press("Enter")
    expect(page.locator("#log-found")).to_contain_text("of 11")
    in_view(page, 4321)
    page.get_by_role("link", name="Next match").click()
    in_view(page, 43210)
    page.get_by_role("link", name="Previous match").click()
    in_view(page, 4321)


def test_lines_are_copied_without_their_numbers_and_times(people: People, long_log: str) -> None:
    page = people("vera").page(f"{long_log}#L505")
    in_view(page, 505)
    copied = page.evaluate(
        """() => {
          const range = document.createRange();
          range.setStartBefore(document.getElementById("L505"));
          range.setEndAfter(document.getElementById("L507"));
          getSelection().removeAllRanges();
          getSelection().addRange(range);
          const clipboardData = new DataTransfer();
          document.getElementById("L505").dispatchEvent(
            new ClipboardEvent("copy", { bubbles: true, clipboardData }));
          return clipboardData.getData("text/plain");
        }"""
    )
    assert copied == "line 505 of many\nline 506 of many\nline 507 of many"


def test_without_javascript_the_parts_are_links(people: People, long_log: str) -> None:
    page = people("vera", java_script_enabled=False).page(long_log)
    expect(page.locator(f"#L{LINES}")).to_be_attached()
    page.get_by_role("link", name="Beginning").click()
    expect(page.locator("#L1")).to_be_visible()
    page.get_by_role("navigation", name="Parts of the log").get_by_role(
        "link", name="Later lines"
    ).click()
    expect(page.locator("#L501")).to_be_attached()
    page.get_by_label("Line", exact=True).fill("77777")
    page.keyboard.press("Enter")
    expect(page.locator("#L77777")).to_be_attached()
