"""What the windows of the other tests are watched for is seen, and pages are all there is."""

import pytest

from tests.browser.site import People, Person

pytestmark = pytest.mark.browser


def heard(person: Person) -> list[str]:
    """Return what was heard, and forget it."""
    # One more turn of the browser, so that what it has to say has arrived.
    person.context.pages[0].evaluate("() => new Promise((done) => setTimeout(done, 50))")
    troubles, person.troubles = person.troubles, []
    return troubles


def test_a_style_that_the_policy_forbids_is_heard(people: People) -> None:
    person = people("vera")
    page = person.page("/tasks/")
    assert heard(person) == []
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x')")
    assert any("Content Security Policy" in trouble for trouble in heard(person))


def test_a_request_to_anybody_else_is_heard_and_forbidden(people: People) -> None:
    person = people("vera", bypass_csp=True)
    page = person.page("/tasks/")
    page.evaluate("new Image().src = 'http://127.0.0.1:9/picture.png'")
    assert any("127.0.0.1:9" in trouble for trouble in heard(person))

    person = people("vera")
    page = person.page("/tasks/")
    page.evaluate("new Image().src = 'http://127.0.0.1:9/picture.png'")
    assert any("Content Security Policy" in trouble for trouble in heard(person))


def test_a_script_that_fails_is_heard(people: People) -> None:
    person = people("vera")
    page = person.page("/tasks/")
    page.evaluate("setTimeout(() => { throw new Error('as it happens'); })")
    assert any("as it happens" in trouble for trouble in heard(person))
