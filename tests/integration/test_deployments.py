"""The sample through its environments: scheduled, gated, its worker killed, rolled back."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration import server
from tests.integration.browser import Browser, Page
from tests.integration.shapes import SHAPES, Shape
from tests.integration.test_acceptance import MAKE_PEOPLE, Instance

SAMPLE = "/projects/sample-website"
SECRET = "hunter2-Zebra-crossing"
EVERY_ROW = """
from django.apps import apps
for model in apps.get_models():
    for row in model._default_manager.values_list():
        print(row)
"""


@pytest.fixture(params=SHAPES)
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    shape: Shape = request.param
    with shape.environment(tmp_path) as variables:
        env = server.environment(tmp_path, TASK_NODE_SILENCE="5", **variables)
        made = Instance(env, tmp_path, server.prepare(env))
        made.shell(MAKE_PEOPLE)
        try:
            yield made
        finally:
            if made.running is not None:
                made.running.end()


def test_the_sample_goes_through_three_environments_whatever_happens(instance: Instance) -> None:
    instance.start()
    admin, dora = instance.browser("admin"), instance.browser("dora")
    places = numbers(dora)

    first = deploy(dora, "1.0.0", places["Development"])
    assert "has no value" not in first.text
    finished(dora, first, "Success")
    assert "Release 1.0.0 in Development" in published(instance, "Development")
    assert deploy(dora, "1.0.0", places["Production"]).status == 200, "promoted out of order"
    finished(dora, deploy(dora, "1.0.0", places["Staging"]), "Success")

    soon = datetime.now(UTC) + timedelta(seconds=12)
    scheduled = deploy(dora, "1.0.0", places["Production"], at=soon)
    assert state(dora, scheduled) == "Queued"
    assert admin.post("/configuration/maintenance/enable/", {"reason": "New disk"}).status == 302
    refused = deploy(dora, "1.0.0", places["Development"])
    assert (refused.status, "New disk" in refused.text) == (503, True)
    assert datetime.now(UTC) < soon, "the mode came too late to be in the middle"
    finished(dora, scheduled, "Success")
    assert "<h1>Hello, world</h1>" in published(instance, "Production")

    make_slow_release(admin, instance.folder)
    killed = deploy(admin, "1.0.1", places["Development"])
    server.wait_until((instance.folder / "started").exists, what="the step never started")
    assert instance.running is not None
    instance.running.kill_child("worker")
    finished(dora, killed, "Failed")
    assert "stopped answering" in dora.get(killed.location).text
    assert "Interrupted" in dora.get(killed.location).text

    (instance.folder / "go").touch()
    again = followed(admin.post(f"{killed.location}redeploy/"))
    finished(dora, again, "Success")
    assert "Release 1.0.1" in published(instance, "Development")

    assert admin.post("/configuration/maintenance/disable/").status == 302
    back = followed(dora.post(f"{again.location}roll-back/"))
    finished(dora, back, "Success")
    assert "Release 1.0.0" in published(instance, "Development")

    log = dora.get(again.location).text
    assert "********" in log
    dashboard = dora.get("/projects/").text
    kept = instance.shell(EVERY_ROW) + instance.running.output + dashboard + log
    assert SECRET not in kept
    assert holding_secret(instance.folder) == []
    assert instance.running.stop() == 0
    assert not list((instance.folder / "work").glob("*/*")), "a working folder was left behind"


def numbers(browser: Browser) -> dict[str, str]:
    """Return the number of each environment by its name, from the form that deploys."""
    page = browser.get(f"{SAMPLE}/releases/1.0.0/deploy/").text
    return {name: pk for pk, name in re.findall(r'<option value="(\d+)"[^>]*>([^<]+)<', page)}


def deploy(browser: Browser, version: str, place: str, *, at: datetime | None = None) -> Page:
    """Fill in and send the form of a deployment."""
    path = f"{SAMPLE}/releases/{version}/deploy/"
    fields = {"environment": place}
    if at is not None:
        fields |= {
            "queue_time": at.strftime("%Y-%m-%dT%H:%M:%S"),
            "queue_time_expiry": (at + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S"),
        }
    return browser.post(path, fields)


def followed(page: Page) -> Page:
    assert page.status == 302, (page.status, page.text)
    assert "/deployments/Deployments-" in page.location
    return page


def state(browser: Browser, page: Page) -> str:
    text = browser.get(followed(page).location).text
    found = re.search(r'<span class="state state-\w+">(\w+)</span>', text)
    assert found is not None, text
    return found[1]


def finished(browser: Browser, page: Page, wanted: str) -> None:
    over = ("Success", "Failed", "Canceled", "TimedOut")
    server.wait_until(lambda: state(browser, page) in over, what=lambda: state(browser, page))
    assert state(browser, page) == wanted, browser.get(page.location).text


def published(instance: Instance, place: str) -> str:
    return (instance.folder / "files" / "sample-website" / place / "index.html").read_text()


def make_slow_release(admin: Browser, folder: Path) -> None:
    """Add a sensitive variable and a step that prints it and waits, and release both."""
    secret = {"name": "Password", "is_sensitive": "on", "secret": SECRET}
    assert admin.post(f"{SAMPLE}/variables/new/", secret).status == 302
    script = (
        f"echo \"the password is $Password\"; touch '{folder}/started'\n"
        f"until [ -e '{folder}/go' ]; do sleep 0.1; done"
    )
    step = {
        "name": "Wait", "shell": "sh", "script": script, "condition": "success",
        "time_limit": "60", "retries": "0",
    }  # fmt: skip
    assert admin.post(f"{SAMPLE}/process/new/", step).status == 302
    assert admin.post(f"{SAMPLE}/releases/new/", {"version": "1.0.1"}).status == 302


def holding_secret(folder: Path) -> list[Path]:
    """Return the files of an instance that hold the secret: database, broker, whatever there is."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if SECRET.encode() in path.read_bytes()]
