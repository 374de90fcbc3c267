"""A page is light: little is sent, one stylesheet is waited for, no script, and nothing twice."""

import pytest

from tests.browser import weight
from tests.browser.site import People

# The pages are the same on both databases.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite]

# Bytes of the first page with everything that belongs to it.
FIRST_PAGE = 60 * 1024
PAGES = ["/", "/projects/", "/tasks/", "/configuration/maintenance/", "/configuration/nodes/"]


@pytest.mark.parametrize("path", PAGES)
def test_a_first_page_is_small_and_waits_for_one_stylesheet_alone(
    people: People, path: str
) -> None:
    first = weight.load(people("ada").page(), path)
    assert first.bytes < FIRST_PAGE
    assert len(first.blocking) == 1
    assert first.blocking[0].endswith(".css")
    assert [part["address"] for part in first.parts if ".css" in part["address"]] == first.blocking


def test_the_sign_in_page_is_small_too(people: People) -> None:
    assert weight.load(people().page(), "/login/").bytes < FIRST_PAGE


def test_a_second_page_asks_for_nothing_that_the_first_one_had(people: People) -> None:
    page = people("ada").page()
    first = weight.load(page, "/tasks/")
    second = weight.load(page, "/tasks/?state=Failed")
    assert first.asked
    assert second.asked == []


def test_what_has_a_hash_in_its_name_is_never_asked_for_again(people: People) -> None:
    person = people("ada")
    first = weight.load(person.page(), "/tasks/")
    for address in first.asked:
        answer = person.context.request.get(address)
        assert "immutable" in answer.headers["cache-control"], address
        assert answer.headers["content-encoding"] == "gzip", address
