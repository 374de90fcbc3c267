"""Every link leads somewhere, for each person who sees it."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import APIRequestContext

from tests.browser.site import People

# The pages are the same on both databases.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite]

# What ends the session; and lists of the admin site in another order, of which there is no end.
LEFT_OUT = re.compile(r"logout|^/admin/.*\?")
# One that is found wrong ends a walk as any; this ends one that does not end.
MOST = 600


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href" if tag in ("a", "link") else "src")
        if tag in ("a", "link", "img", "script") and target:
            self.found.append(target)


def walk(request: APIRequestContext, start: str) -> tuple[set[str], list[str]]:
    """Follow links from a page; return where they led, and what is wrong with them.

    Of those that differ in nothing but numbers, one is followed.
    """
    seen: set[str] = set()
    wrong: list[str] = []
    ahead = [(start, "")]
    while ahead and len(seen) < MOST:
        address, page = ahead.pop(0)
        shape = re.sub(r"\d+", "N", address)
        if shape in seen or LEFT_OUT.search(address):
            continue
        seen.add(shape)
        answer = request.get(address)
        if not answer.ok:
            wrong.append(f"{answer.status} {address} on {page}")
        if "text/html" in answer.headers.get("content-type", ""):
            ahead += [(target, address) for target in _own(address, answer.text())]
    return seen, wrong


def _own(address: str, text: str) -> list[str]:
    """Return the addresses on a page that are the server's own."""
    split = [urlsplit(urljoin(address, link)) for link in Links(text).found]
    return [f"{it.path}?{it.query}" if it.query else it.path for it in split if not it.netloc]


@pytest.mark.parametrize("name", ["ada", "dora", "vera", ""])
def test_every_link_leads_to_a_page_that_its_reader_may_see(name: str, people: People) -> None:
    seen, wrong = walk(people(name).context.request, "/")
    assert not wrong, "\n".join(wrong)
    assert (40 if name else 3) < len(seen) < MOST


def test_the_walk_sees_a_link_that_leads_nowhere(people: People) -> None:
    _, wrong = walk(people("vera").context.request, "/tasks/ServerTasks-987654321/")
    assert wrong == ["404 /tasks/ServerTasks-987654321/ on "]
