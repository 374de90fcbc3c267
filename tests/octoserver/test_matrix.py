"""Who gets what on every address of the server. A new address must add its rows here."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.utils import timezone

from maintenance.models import MaintenanceMode, ModeSwitch, Refusal, Step, Window
from maintenance.notices import subscriptions, webhooks
from maintenance.notices.models import Webhook
from octoserver import access
from tasks.models import ServerNode, ServerTask
from tests.conftest import ClientFor
from tests.deployments import rows as deployment_rows

pytestmark = pytest.mark.django_db

CAST = ("administrator", "system_manager", "deployer", "viewer", "nobody", "anonymous")

# A redirect to a sign-in page, with the way back, is written as sign-in.
TABLE = """
home                                       GET   200 200 200 200 200 sign-in
home                                       POST  405 405 405 405 405 sign-in
login                                      GET   302 302 302 302 302 200
login                                      POST  302 302 302 302 302 200
logout                                     GET   405 405 405 405 405 405
logout                                     POST  302 302 302 302 302 302
password_change                            GET   200 200 200 200 200 sign-in
password_change                            POST  200 200 200 200 200 sign-in
search                                     GET   200 200 200 200 200 sign-in
search                                     POST  405 405 405 405 405 sign-in
theme                                      GET   405 405 405 405 405 405
theme                                      POST  302 302 302 302 302 302
set_language                               GET   405 405 405 405 405 405
set_language                               POST  302 302 302 302 302 302
healthz                                    GET   200 200 200 200 200 200
healthz                                    POST  405 405 405 405 405 405
readyz                                     GET   200 200 200 200 200 200
readyz                                     POST  405 405 405 405 405 405
ping                                       GET   200 200 200 200 200 200
ping                                       POST  405 405 405 405 405 405

tasks:list                                 GET   200 200 200 200 403 sign-in
tasks:list                                 POST  405 405 405 405 403 sign-in
tasks:new                                  GET   200 200 200 403 403 sign-in
tasks:new                                  POST  200 200 200 403 403 sign-in
tasks:cancel_selected                      GET   405 405 405 403 403 sign-in
tasks:cancel_selected                      POST  302 302 302 403 403 sign-in
tasks:prioritize_selected                  GET   405 405 403 403 403 sign-in
tasks:prioritize_selected                  POST  302 302 403 403 403 sign-in
tasks:start_anyway                         GET   405 405 403 403 403 sign-in
tasks:start_anyway                         POST  302 302 403 403 403 sign-in
tasks:let_expire                           GET   405 405 403 403 403 sign-in
tasks:let_expire                           POST  302 302 403 403 403 sign-in
tasks:decisions                            GET   200 200 200 200 403 sign-in
tasks:decisions                            POST  405 405 405 405 403 sign-in
tasks:detail                               GET   200 200 200 200 403 sign-in
tasks:detail                               POST  405 405 405 405 403 sign-in
tasks:log                                  GET   286 286 286 286 403 sign-in
tasks:log                                  POST  405 405 405 405 403 sign-in
tasks:log_lines                            GET   400 400 400 400 403 sign-in
tasks:log_lines                            POST  405 405 405 405 403 sign-in
tasks:log_search                           GET   200 200 200 200 403 sign-in
tasks:log_search                           POST  405 405 405 405 403 sign-in
tasks:log_raw                              GET   200 200 200 200 403 sign-in
tasks:log_raw                              POST  405 405 405 405 403 sign-in
tasks:cancel                               GET   405 405 405 403 403 sign-in
tasks:cancel                               POST  302 302 302 403 403 sign-in
tasks:rerun                                GET   405 405 405 403 403 sign-in
tasks:rerun                                POST  302 302 302 403 403 sign-in
tasks:prioritize                           GET   405 405 403 403 403 sign-in
tasks:prioritize                           POST  302 302 403 403 403 sign-in
tasks:no_such_task                         GET   404 404 404 404 403 sign-in
tasks:no_such_task                         POST  405 405 405 405 403 sign-in

nodes:list                                 GET   200 200 200 200 403 sign-in
nodes:list                                 POST  405 405 405 405 403 sign-in
nodes:cap                                  GET   405 405 403 403 403 sign-in
nodes:cap                                  POST  302 302 403 403 403 sign-in
nodes:drain                                GET   405 405 403 403 403 sign-in
nodes:drain                                POST  302 302 403 403 403 sign-in
nodes:resume                               GET   405 405 403 403 403 sign-in
nodes:resume                               POST  302 302 403 403 403 sign-in
nodes:delete                               GET   405 405 403 403 403 sign-in
nodes:delete                               POST  302 302 403 403 403 sign-in
queue:page                                 GET   200 200 200 200 403 sign-in
queue:page                                 POST  405 405 405 405 403 sign-in
queue:pause                                GET   405 405 403 403 403 sign-in
queue:pause                                POST  302 302 403 403 403 sign-in
queue:resume                               GET   405 405 403 403 403 sign-in
queue:resume                               POST  302 302 403 403 403 sign-in

deployments:dashboard                      GET   200 200 200 200 403 sign-in
deployments:dashboard                      POST  405 405 405 405 403 sign-in
deployments:environments                   GET   200 200 200 200 403 sign-in
deployments:environments                   POST  405 405 405 405 403 sign-in
deployments:project                        GET   200 200 200 200 403 sign-in
deployments:project                        POST  405 405 405 405 403 sign-in
deployments:environments_history           GET   200 200 200 200 403 sign-in
deployments:environments_history           POST  405 405 405 405 403 sign-in
deployments:history                        GET   200 200 200 200 403 sign-in
deployments:history                        POST  405 405 405 405 403 sign-in
deployments:deployments                    GET   200 200 200 200 403 sign-in
deployments:deployments                    POST  405 405 405 405 403 sign-in
deployments:process                        GET   200 200 200 200 403 sign-in
deployments:process                        POST  405 405 405 405 403 sign-in
deployments:variables                      GET   200 200 200 200 403 sign-in
deployments:variables                      POST  405 405 405 405 403 sign-in
deployments:releases                       GET   200 200 200 200 403 sign-in
deployments:releases                       POST  405 405 405 405 403 sign-in
deployments:release                        GET   200 200 200 200 403 sign-in
deployments:release                        POST  405 405 405 405 403 sign-in
deployments:runbooks                       GET   200 200 200 200 403 sign-in
deployments:runbooks                       POST  405 405 405 405 403 sign-in
deployments:runbook                        GET   200 200 200 200 403 sign-in
deployments:runbook                        POST  405 405 405 405 403 sign-in
deployments:triggers                       GET   200 200 200 200 403 sign-in
deployments:triggers                       POST  405 405 405 405 403 sign-in
deployments:deployment                     GET   200 200 200 200 403 sign-in
deployments:deployment                     POST  405 405 405 405 403 sign-in
deployments:runbook_run                    GET   200 200 200 200 403 sign-in
deployments:runbook_run                    POST  405 405 405 405 403 sign-in
deployments:deployment_steps               GET   286 286 286 286 403 sign-in
deployments:deployment_steps               POST  405 405 405 405 403 sign-in
deployments:runbook_run_steps              GET   286 286 286 286 403 sign-in
deployments:runbook_run_steps              POST  405 405 405 405 403 sign-in
deployments:new_project                    GET   200 200 403 403 403 sign-in
deployments:new_project                    POST  200 200 403 403 403 sign-in
deployments:settings                       GET   200 200 403 403 403 sign-in
deployments:settings                       POST  200 200 403 403 403 sign-in
deployments:new_step                       GET   200 200 403 403 403 sign-in
deployments:new_step                       POST  200 200 403 403 403 sign-in
deployments:step                           GET   200 200 403 403 403 sign-in
deployments:step                           POST  200 200 403 403 403 sign-in
deployments:new_variable                   GET   200 200 403 403 403 sign-in
deployments:new_variable                   POST  200 200 403 403 403 sign-in
deployments:variable                       GET   200 200 403 403 403 sign-in
deployments:variable                       POST  200 200 403 403 403 sign-in
deployments:new_runbook                    GET   200 200 403 403 403 sign-in
deployments:new_runbook                    POST  200 200 403 403 403 sign-in
deployments:runbook_settings               GET   200 200 403 403 403 sign-in
deployments:runbook_settings               POST  200 200 403 403 403 sign-in
deployments:new_trigger                    GET   200 200 403 403 403 sign-in
deployments:new_trigger                    POST  200 200 403 403 403 sign-in
deployments:trigger                        GET   200 200 403 403 403 sign-in
deployments:trigger                        POST  200 200 403 403 403 sign-in
deployments:new_environment                GET   200 200 403 403 403 sign-in
deployments:new_environment                POST  200 200 403 403 403 sign-in
deployments:environment                    GET   200 200 403 403 403 sign-in
deployments:environment                    POST  200 200 403 403 403 sign-in
deployments:new_release                    GET   200 200 200 403 403 sign-in
deployments:new_release                    POST  200 200 200 403 403 sign-in
deployments:deploy                         GET   200 200 200 403 403 sign-in
deployments:deploy                         POST  200 200 200 403 403 sign-in
deployments:run_runbook                    GET   200 200 200 403 403 sign-in
deployments:run_runbook                    POST  200 200 200 403 403 sign-in
deployments:delete_project                 GET   405 405 403 403 403 sign-in
deployments:delete_project                 POST  302 404 403 403 403 sign-in
deployments:move_step                      GET   405 405 403 403 403 sign-in
deployments:move_step                      POST  302 302 403 403 403 sign-in
deployments:delete_step                    GET   405 405 403 403 403 sign-in
deployments:delete_step                    POST  302 404 403 403 403 sign-in
deployments:delete_variable                GET   405 405 403 403 403 sign-in
deployments:delete_variable                POST  302 404 403 403 403 sign-in
deployments:update_variables               GET   405 405 403 403 403 sign-in
deployments:update_variables               POST  302 302 403 403 403 sign-in
deployments:delete_runbook                 GET   405 405 403 403 403 sign-in
deployments:delete_runbook                 POST  302 404 403 403 403 sign-in
deployments:delete_trigger                 GET   405 405 403 403 403 sign-in
deployments:delete_trigger                 POST  302 404 403 403 403 sign-in
deployments:move_environment               GET   405 405 403 403 403 sign-in
deployments:move_environment               POST  302 302 403 403 403 sign-in
deployments:delete_environment             GET   405 405 403 403 403 sign-in
deployments:delete_environment             POST  302 302 403 403 403 sign-in
deployments:redeploy                       GET   405 405 405 403 403 sign-in
deployments:redeploy                       POST  302 302 302 403 403 sign-in
deployments:roll_back                      GET   405 405 405 403 403 sign-in
deployments:roll_back                      POST  302 302 302 403 403 sign-in

maintenance:page                           GET   200 200 200 200 200 sign-in
maintenance:page                           POST  405 405 405 405 405 sign-in
maintenance:status                         GET   200 200 200 200 200 sign-in
maintenance:status                         POST  405 405 405 405 405 sign-in
maintenance:switch                         GET   200 403 403 403 403 sign-in
maintenance:switch                         POST  405 403 403 403 403 sign-in
maintenance:enable                         GET   405 403 403 403 403 sign-in
maintenance:enable                         POST  302 403 403 403 403 sign-in
maintenance:disable                        GET   405 403 403 403 403 sign-in
maintenance:disable                        POST  302 403 403 403 403 sign-in
maintenance:plan                           GET   200 403 403 403 403 sign-in
maintenance:plan                           POST  200 403 403 403 403 sign-in
maintenance:window                         GET   200 200 200 200 200 sign-in
maintenance:window                         POST  405 405 405 405 405 sign-in
maintenance:edit                           GET   200 403 403 403 403 sign-in
maintenance:edit                           POST  200 403 403 403 403 sign-in
maintenance:call_off                       GET   405 403 403 403 403 sign-in
maintenance:call_off                       POST  302 403 403 403 403 sign-in
maintenance:tick                           GET   405 403 403 403 403 sign-in
maintenance:tick                           POST  302 403 403 403 403 sign-in
maintenance:conflicts                      GET   405 403 403 403 403 sign-in
maintenance:conflicts                      POST  302 403 403 403 403 sign-in
maintenance:report                         GET   200 403 403 403 403 sign-in
maintenance:report                         POST  405 403 403 403 403 sign-in
maintenance:notices                        GET   200 403 403 403 403 sign-in
maintenance:notices                        POST  405 403 403 403 403 sign-in
maintenance:my_notices                     GET   200 200 200 200 200 sign-in
maintenance:my_notices                     POST  302 302 302 302 302 sign-in
maintenance:my_calendar                    GET   405 405 405 405 405 sign-in
maintenance:my_calendar                    POST  302 302 302 302 302 sign-in
maintenance:new_webhook                    GET   200 403 403 403 403 sign-in
maintenance:new_webhook                    POST  200 403 403 403 403 sign-in
maintenance:webhook                        GET   200 403 403 403 403 sign-in
maintenance:webhook                        POST  200 403 403 403 403 sign-in
maintenance:renew_secret                   GET   405 403 403 403 403 sign-in
maintenance:renew_secret                   POST  200 403 403 403 403 sign-in
maintenance:test_webhook                   GET   405 403 403 403 403 sign-in
maintenance:test_webhook                   POST  302 403 403 403 403 sign-in
maintenance:remove_webhook                 GET   405 403 403 403 403 sign-in
maintenance:remove_webhook                 POST  302 403 403 403 403 sign-in
maintenance:try_again                      GET   405 403 403 403 403 sign-in
maintenance:try_again                      POST  302 403 403 403 403 sign-in
maintenance:calendar                       GET   200 200 200 200 200 200
maintenance:calendar                       POST  405 405 405 405 405 405

admin:login                                GET   302 302 200 200 200 200
admin:login                                POST  200 200 200 200 200 200
admin:logout                               GET   405 405 405 405 405 405
admin:logout                               POST  302 302 302 302 302 302
admin:index                                GET   200 200 403 403 403 sign-in
admin:index                                POST  200 200 403 403 403 sign-in
admin:app_list                             GET   200 200 403 403 403 sign-in
admin:app_list                             POST  200 200 403 403 403 sign-in
admin:password_change                      GET   200 200 403 403 403 sign-in
admin:password_change                      POST  200 200 403 403 403 sign-in
admin:password_change_done                 GET   200 200 403 403 403 sign-in
admin:password_change_done                 POST  405 405 403 403 403 sign-in
admin:autocomplete                         GET   403 403 403 403 403 sign-in
admin:autocomplete                         POST  405 405 403 403 403 sign-in
admin:jsi18n                               GET   200 200 403 403 403 sign-in
admin:jsi18n                               POST  405 405 403 403 403 sign-in
admin:view_on_site                         GET   404 404 403 403 403 sign-in
admin:view_on_site                         POST  404 404 403 403 403 sign-in
admin/(?P<url>.*)$                         GET   404 404 403 403 403 sign-in
admin/(?P<url>.*)$                         POST  404 404 403 403 403 sign-in
admin:auth_user_password_change            GET   200 200 403 403 403 sign-in
admin:auth_user_password_change            POST  200 200 403 403 403 sign-in
admin:maintenance_maintenancemode_enable   GET   405 403 403 403 403 sign-in
admin:maintenance_maintenancemode_enable   POST  302 403 403 403 403 sign-in
admin:maintenance_maintenancemode_disable  GET   405 403 403 403 403 sign-in
admin:maintenance_maintenancemode_disable  POST  302 403 403 403 403 sign-in
"""

# Rows of the admin site that people change there, and those that only their writer changes.
CHANGED_MODELS = ("auth/user", "auth/group")
READ_MODELS = (
    "maintenance/maintenancemode",
    "maintenance/modeswitch",
    "maintenance/refusal",
    "maintenance/window",
    "maintenance/step",
    "tasks/servertask",
    "tasks/servernode",
    *(f"deployments/{model}" for model in deployment_rows.MODELS),
)
CHANGED_PAGES = """
admin:{model}_changelist             GET   200 200 403 403 403 sign-in
admin:{model}_changelist             POST  200 200 403 403 403 sign-in
admin:{model}_add                    GET   200 200 403 403 403 sign-in
admin:{model}_add                    POST  200 200 403 403 403 sign-in
admin:{model}_change                 GET   200 200 403 403 403 sign-in
admin:{model}_change                 POST  200 200 403 403 403 sign-in
admin:{model}_delete                 GET   200 200 403 403 403 sign-in
admin:{model}_delete                 POST  200 200 403 403 403 sign-in
admin:{model}_history                GET   200 200 403 403 403 sign-in
admin:{model}_history                POST  200 200 403 403 403 sign-in
admin/{path}/<path:object_id>/       GET   302 302 403 403 403 sign-in
admin/{path}/<path:object_id>/       POST  302 302 403 403 403 sign-in
"""
READ_PAGES = """
admin:{model}_changelist             GET   200 200 403 403 403 sign-in
admin:{model}_changelist             POST  200 200 403 403 403 sign-in
admin:{model}_add                    GET   403 403 403 403 403 sign-in
admin:{model}_add                    POST  403 403 403 403 403 sign-in
admin:{model}_change                 GET   200 200 403 403 403 sign-in
admin:{model}_change                 POST  403 403 403 403 403 sign-in
admin:{model}_delete                 GET   403 403 403 403 403 sign-in
admin:{model}_delete                 POST  403 403 403 403 403 sign-in
admin:{model}_history                GET   200 200 403 403 403 sign-in
admin:{model}_history                POST  200 200 403 403 403 sign-in
admin/{path}/<path:object_id>/       GET   302 302 403 403 403 sign-in
admin/{path}/<path:object_id>/       POST  302 302 403 403 403 sign-in
"""


# Rows that only those who hold Administer System see and change.
ADMINISTRATORS_PAGES = """
admin:{model}_changelist             GET   200 403 403 403 403 sign-in
admin:{model}_changelist             POST  200 403 403 403 403 sign-in
admin:{model}_add                    GET   302 403 403 403 403 sign-in
admin:{model}_add                    POST  302 403 403 403 403 sign-in
admin:{model}_change                 GET   200 403 403 403 403 sign-in
admin:{model}_change                 POST  200 403 403 403 403 sign-in
admin:{model}_delete                 GET   200 403 403 403 403 sign-in
admin:{model}_delete                 POST  200 403 403 403 403 sign-in
admin:{model}_history                GET   200 403 403 403 403 sign-in
admin:{model}_history                POST  200 403 403 403 403 sign-in
admin/{path}/<path:object_id>/       GET   302 302 403 403 403 sign-in
admin/{path}/<path:object_id>/       POST  302 302 403 403 403 sign-in
"""


def table() -> Iterator[list[str]]:
    """Yield each row of the matrix as its words."""
    text = TABLE
    for models, pages in (
        (CHANGED_MODELS, CHANGED_PAGES),
        (READ_MODELS, READ_PAGES),
        (("maintenance/webhook",), ADMINISTRATORS_PAGES),
    ):
        text += "".join(pages.format(model=path.replace("/", "_"), path=path) for path in models)
    return (line.split() for line in text.splitlines() if line)


MATRIX = {(name, method): statuses for name, method, *statuses in table()}


def addresses() -> dict[str, str]:
    """Return the route of every entry of the URL table by its name, or by itself if it has none."""
    return {
        route if name.endswith(":") else name: route for route, name, _ in access.url_patterns()
    }


@pytest.fixture
def objects() -> dict[str, int | str]:
    """Make a row of each kind that an address can name, and return their ids."""
    now = timezone.now()
    task = ServerTask.objects.create(
        kind="RunScript",
        description="Says hello",
        arguments={"script": "echo hello"},
        state="Success",
        created=now,
        queue_time=now,
        queue_time_expiry=now,
        completed_time=now,
    )
    refusal = Refusal.objects.create(key="k", generation=1, method="POST", path="/", view="home")
    window = Window.objects.create(starts=now + timedelta(days=3))
    step = Step.objects.create(window=window, position=1, text="Look")
    webhook = Webhook.objects.create(name="Chat", url="http://127.0.0.1:9/")
    return {
        "auth/user": User.objects.create_user("target").pk,
        "auth/group": Group.objects.create(name="target").pk,
        "maintenance/maintenancemode": MaintenanceMode.objects.create(generation=1).pk,
        "maintenance/modeswitch": ModeSwitch.objects.create(enabled=False, generation=1).pk,
        "maintenance/refusal": refusal.pk,
        "maintenance/window": window.pk,
        "maintenance/step": step.pk,
        "maintenance/webhook": webhook.pk,
        "maintenance/delivery": webhooks.test(webhook, by="ada").pk,
        "token": subscriptions.renew_calendar(User.objects.create_user("reader")),
        "tasks/servertask": task.pk,
        "tasks/servernode": ServerNode.objects.create(name="node-a").pk,
        **deployment_rows.one_of_each(),
    }


def path_of(route: str, objects: dict[str, int | str]) -> str:
    """Fill a route with the ids of what there is."""
    if "(?P<app_label>" in route:
        return "/admin/auth/"
    if "(?P<url>" in route:
        return "/admin/nothing/here/"
    model = next((model for model in objects if f"admin/{model}/" in route), "tasks/servertask")
    for place in ("window", "webhook", "delivery"):
        if f"/{place}s/" in route.replace("deliveries", "deliverys"):
            model = f"maintenance/{place}"
    words = {"name": "nothing", "content_type_id": "0", "position": "1"}
    words |= {key: str(value) for key, value in objects.items() if "/" not in key}
    return "/" + re.sub(
        r"<(?:\w+:)?(\w+)>", lambda match: words.get(match[1], str(objects[model])), route
    )


def answer(response: HttpResponse) -> str:
    location = response.headers.get("Location", "")
    if location.startswith(("/login/?next=", "/admin/login/?next=")):
        return "sign-in"
    return str(response.status_code)


def test_every_address_has_its_rows() -> None:
    assert {name for name, _ in MATRIX} == set(addresses())
    assert len(MATRIX) == 2 * len(addresses())


@pytest.mark.parametrize(("name", "method"), MATRIX)
def test_each_person_gets_what_the_matrix_says(
    name: str,
    method: str,
    objects: dict[str, int | str],
    client_for: ClientFor,
    request: pytest.FixtureRequest,
) -> None:
    path = path_of(addresses()[name], objects)
    people = {
        person: None if person == "anonymous" else request.getfixturevalue(person)
        for person in CAST
    }
    answers = [
        answer(client_for(person).generic(method, path, HTTP_ACCEPT="text/html"))
        for person in people.values()
    ]
    assert answers == MATRIX[name, method]
