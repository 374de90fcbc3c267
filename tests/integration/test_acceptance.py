"""The whole of it, end to end: people queue work, the mode gates them, the queue goes on."""

import json
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from octoserver import access
from tests.integration import server
from tests.integration.browser import Browser, Page
from tests.integration.shapes import SHAPES, Shape

PASSWORD = "correct horse battery staple"
PEOPLE = {
    "manuel": "System Manager",
    "dora": "Project Deployer",
    "vera": "Project Viewer",
}
# What must work for everybody at any time, and changes nothing that the mode protects.
EXEMPT = {"login", "logout", "theme", "set_language", "admin:login", "admin:logout"}

MAKE_PEOPLE = f"""
from django.contrib.auth.models import Group, User
for name, group in {PEOPLE!r}.items():
    user = User.objects.create_user(name, password={PASSWORD!r}, is_staff=name == "manuel")
    user.groups.add(Group.objects.get(name=group))
"""
# Everything that a person could have changed, but what the queue itself goes on changing.
FINGERPRINT = """
import json
from django.contrib.auth.models import Group, User
from maintenance.models import MaintenanceMode, ModeSwitch
from tasks.models import ServerNode, ServerTask
print(json.dumps([
    list(User.objects.order_by("pk").values_list("username", "password", "is_superuser", "email")),
    list(Group.objects.order_by("pk").values_list("name", "permissions")),
    list(MaintenanceMode.objects.values_list("is_enabled", "generation")),
    ModeSwitch.objects.count(),
    list(ServerTask.objects.people().order_by("pk").values_list(
        "pk", "is_prioritized", "cancel_requested_by")),
    list(ServerNode.objects.values_list("name", "task_cap", "is_draining")),
]))
"""


@dataclass
class Instance:
    """A prepared server with its people, running or not."""

    env: dict[str, str]
    folder: Path
    administrator: str
    running: server.Server | None = None

    def start(self) -> None:
        self.running = server.Server(env=self.env)
        self.running.wait_until_running()

    def browser(self, name: str = "") -> Browser:
        assert self.running is not None
        browser = Browser(self.running.port)
        if name:
            browser.sign_in(name, self.administrator if name == "admin" else PASSWORD)
        return browser

    def shell(self, code: str) -> str:
        done = server.manage("shell", "--no-imports", "-c", code, env=self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fingerprint(self) -> str:
        return self.shell(FINGERPRINT)

    def states(self) -> dict[str, str]:
        """Return the state of each task of people, by its description."""
        code = (
            "import json; from tasks.models import ServerTask; print(json.dumps(dict("
            "ServerTask.objects.people().values_list('arguments__script', 'state'))))"
        )
        found: dict[str, str] = json.loads(self.shell(code))
        return found

    def system_runs(self, kind: str) -> int:
        code = (
            "from tasks.models import ServerTask;"
            f"print(ServerTask.objects.filter(kind={kind!r}, state='Success').count())"
        )
        return int(self.shell(code))


@pytest.fixture(params=SHAPES)
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    shape: Shape = request.param
    with shape.environment(tmp_path) as variables:
        env = server.environment(
            tmp_path, TASK_CAP="1", TASK_SYSTEM_INTERVALS='{"Health": 2}', **variables
        )
        made = Instance(env, tmp_path, server.prepare(env))
        made.shell(MAKE_PEOPLE)
        try:
            yield made
        finally:
            if made.running is not None:
                made.running.end()


def test_the_mode_gates_people_and_the_queue_goes_on(instance: Instance) -> None:
    instance.start()
    admin, deployer = instance.browser("admin"), instance.browser("dora")
    others = {
        "dora": deployer,
        "manuel": instance.browser("manuel"),
        "anonymous": instance.browser(),
    }

    first = script(instance, "first", wait_for="go")
    second, third, fourth, fifth = (
        script(instance, name) for name in ("second", "third", "fourth", "fifth")
    )
    soon = datetime.now(UTC) + timedelta(seconds=6)
    queue(deployer, first)
    server.wait_until(lambda: instance.states().get(first) == "Executing", what="first never ran")
    queue(deployer, second)
    queue(deployer, third, at=soon)

    before = {name: look_at_everything(browser) for name, browser in others.items()}
    runs = instance.system_runs("Health")
    assert admin.post("/configuration/maintenance/enable/", {"reason": "New disk"}).status == 302
    assert instance.browser().get("/healthz").text.count('"in_maintenance_mode": true') == 1

    fingerprint = instance.fingerprint()
    for name, browser in others.items():
        refused_everywhere(browser, name)
        lost = before[name] - look_at_everything(browser)
        assert not lost, f"{name} sees less than before: {lost}"
    assert instance.fingerprint() == fingerprint, "a refused request changed something"

    deployer.sign_out()
    deployer.sign_in("dora", PASSWORD)
    assert "New disk" in post_task(deployer, fifth).text

    server.wait_until(lambda: datetime.now(UTC) > soon)
    queue(admin, fourth)
    server.wait_until(
        lambda: instance.system_runs("Health") >= runs + 2, what="the system's tasks stood still"
    )

    # Stop while one runs and three wait: the one finishes, the mode and the three are still there.
    (instance.folder / "go").touch()
    assert instance.running is not None
    instance.running.send(signal.SIGINT)
    assert instance.running.ended() == 0, instance.running.output
    assert instance.states()[first] == "Success"
    instance.start()
    status = server.manage("maintenance", "status", "--json", env=instance.env)
    assert json.loads(status.stdout)["in_maintenance_mode"] is True

    mine = (first, second, third, fourth)
    server.wait_until(
        lambda: {instance.states()[text] for text in mine} == {"Success"},
        what=lambda: f"not all succeeded: {instance.states()}",
    )
    order = (instance.folder / "order").read_text().split()
    assert order == ["first", "second", "third", "fourth"]

    deployer, admin = instance.browser("dora"), instance.browser("admin")
    assert post_task(deployer, fifth).status == 503
    assert admin.post("/configuration/maintenance/disable/").status == 302
    queue(deployer, fifth)
    server.wait_until(lambda: instance.states().get(fifth) == "Success", what="fifth never ran")
    assert instance.running.stop() == 0


def script(instance: Instance, name: str, *, wait_for: str = "") -> str:
    """Return a script that writes its name into a file, once another file is there."""
    wait = f"until [ -e '{instance.folder / wait_for}' ]; do sleep 0.1; done\n" if wait_for else ""
    return f"{wait}echo {name} >> '{instance.folder / 'order'}'"


def post_task(browser: Browser, text: str, *, at: datetime | None = None) -> Page:
    """Fill in and send the form of a new task, with whatever hidden fields it has."""
    form = browser.get("/tasks/new/?kind=RunScript").text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    fields = hidden | {"script": text, "time_limit": "600", "shell": "sh", "when": "now"}
    if at is not None:
        fields |= {"when": "later", "queue_time": at.strftime("%Y-%m-%dT%H:%M:%S")}
    return browser.post(
        "/tasks/new/?kind=RunScript", fields, token=fields.pop("csrfmiddlewaretoken", "")
    )


def queue(browser: Browser, text: str, *, at: datetime | None = None) -> None:
    page = post_task(browser, text, at=at)
    assert page.status == 302, (page.status, page.text)
    assert "/tasks/ServerTasks-" in page.location


def every_address() -> Iterator[tuple[str, str]]:
    """Yield the name and a path of every entry of the URL table, filled with ids that exist."""
    for route, name, _ in access.url_patterns():
        path = route.replace("(?P<app_label>auth|maintenance|tasks)/$", "auth/")
        path = re.sub(r"\^?\(\?P<app_label>[^)]*\)/\$", "auth/", path)
        path = re.sub(r"\(\?P<url>\.\*\)\$", "nothing/here/", path)
        path = re.sub(r"<(?:\w+:)?name>", "nothing", path)
        yield name, "/" + re.sub(r"<(?:\w+:)?\w+>", "1", path)


def look_at_everything(browser: Browser) -> set[str]:
    """Open every address; return those that are shown."""
    paths = [path for name, path in every_address() if name not in EXEMPT]
    return {path for path in paths if browser.get(path).status in (200, 286)}


def refused_everywhere(browser: Browser, name: str) -> None:
    """Send a form to every address: each is refused, forbidden, or asks to sign in."""
    token = browser.token()
    for view, path in every_address():
        if view in EXEMPT:
            continue
        page = browser.post(path, {"name": "x", "script": "x"}, token=token)
        to_sign_in = page.status == 302 and "/login/?next=" in page.location
        public = name == "anonymous" and page.status in (405, 503)
        assert to_sign_in or public or page.status in (503, 403), (name, path, page.status)
