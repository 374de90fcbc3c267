"""Signing in and out, and what the browser is told."""

import pytest
from playwright.sync_api import expect

from tests.browser import PASSWORD
from tests.browser.site import People, sign_in

pytestmark = pytest.mark.browser


def test_signing_in_leads_to_the_page_that_was_asked_for(people: People) -> None:
    page = people().page("/tasks/?state=Failed")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, "dora", PASSWORD)
    expect(page).to_have_url(f"{people.site.root}/tasks/?state=Failed")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
    expect(page.get_by_role("banner")).to_contain_text("dora")


def test_a_wrong_password_says_so_and_keeps_the_name(people: People) -> None:
    page = people().page("/login/")
    sign_in(page, "dora", "not it")
    expect(page.get_by_text("do not match")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("dora")
    expect(page.get_by_label("Password")).to_have_value("")
    page.goto("/tasks/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_signing_out_ends_it(people: People) -> None:
    page = people().page("/login/")
    sign_in(page, "vera", PASSWORD)
    page.get_by_role("banner").get_by_text("vera").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
