"""A sensitive value is nowhere but in the environment of the steps that need it."""

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from octoserver.deployments.models import Environment, Project
from tests.conftest import ClientFor
from tests.deployments import ran, rows
from tests.octoserver.test_matrix import addresses, path_of

pytestmark = pytest.mark.django_db

SECRET = "hunter2-Zebra-crossing"
LATER = "made-up-by-a-step"
# It prints the value whole, in pieces without and with ends of lines, coloured, encoded and traced,
# and looks for it in the arguments of every process.
PRINTS = r"""
echo "$Password"
printf 'hunter2-'; sleep 0.3; printf 'Zebra-crossing\n'
echo "$Password" | fold -w 5
printf 'hunter2\033[31m-Zebra\033[0m-crossing\n'
printf '%s' "$Password" | base64
echo "x-$Derived-x" >&2
set -x
: "$Password"
set +x
set_octopusvariable Token "made-up-by-a-step" -sensitive
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' > list
grep -c '[Z]ebra-crossing' list || echo "not in the list"
exit 1
"""


@pytest.fixture
def done(shop: Project, places: list[Environment]) -> ran.Ran:
    rows.variable(shop, "Password", SECRET, is_sensitive=True)
    rows.variable(shop, "Derived", "user:#{Password}")
    rows.step(shop, "Print", PRINTS)
    rows.step(
        shop,
        "Print again",
        'get_octopusvariable "Octopus.Action[Print].Output.Token" | fold -w 3',
        condition="always",
    )
    return ran.project(shop, places[0])


def squeezed(text: str) -> str:
    """Return what a reader could put together again."""
    return "".join(character for character in text if character.isprintable() and character != " ")


def test_it_is_masked_in_the_log_however_it_is_printed(done: ran.Ran) -> None:
    text = squeezed(done.text)
    for part in (SECRET, LATER, "Zebra-crossing", "hunter2-", "aHVudGVyMi1a"):
        assert part not in text, done.text
    assert "not in the list" in done.output
    assert "x-********-x" in done.output


def test_it_is_in_no_row_of_the_database(done: ran.Ran) -> None:
    for model in apps.get_models():
        for row in model._default_manager.values_list():
            assert SECRET not in squeezed(str(row)), model
            assert LATER not in squeezed(str(row)) or model.__name__ in {
                "Step",
                "Release",
                "Change",
            }


def test_it_is_on_no_page(
    done: ran.Ran, shop: Project, places: list[Environment], client_for: ClientFor, superuser: User
) -> None:
    client = client_for(superuser)
    task = done.run.task
    words = {
        "project": shop.slug,
        "version": done.run.release.version,
        "environment": places[0].pk,
        "step": shop.steps.first().pk,
        "variable": shop.variables.get(name="Password").pk,
        "deployment": done.run.pk,
        "tasks/servertask": task.pk,
        "deployments/variable": shop.variables.get(name="Password").pk,
        "deployments/release": done.run.release.pk,
        "deployments/change": shop.changes.filter(what="Variable Password").get().pk,
        "deployments/deployment": done.run.pk,
    }
    seen = 0
    for name, route in addresses().items():
        try:
            path = path_of(route, {"tasks/servertask": task.pk} | words)
        except KeyError:
            continue
        response = client.get(path)
        content = b"".join(response.streaming_content) if response.streaming else response.content
        seen += response.status_code == 200
        assert SECRET not in squeezed(content.decode()), name
    assert seen > 40


def test_it_is_not_in_an_export(
    done: ran.Ran, shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("project", "export", shop.slug)
    text = capsys.readouterr().out
    assert "name: Password\n    sensitive: true" in text
    assert SECRET not in text


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "not a name", "is_sensitive": "on", "secret": SECRET},
        {"name": "X", "is_sensitive": "on", "value": SECRET},
        {"name": "X", "secret": SECRET},
        {"name": "X", "is_sensitive": "on", "secret": SECRET, "environments": "999"},
    ],
)
def test_it_does_not_come_back_from_a_form_that_was_wrong(
    shop: Project, client_for: ClientFor, system_manager: User, fields: dict[str, str]
) -> None:
    client: Client = client_for(system_manager)
    response = client.post(f"/projects/{shop.slug}/variables/new/", fields)
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert SECRET not in response.content.decode()
    assert not shop.variables.exists()


@pytest.mark.parametrize("field", ["secret", "value"])
def test_it_is_not_on_the_page_of_a_refusal(
    field: str, shop: Project, client_for: ClientFor, system_manager: User
) -> None:
    from maintenance.models import MaintenanceMode

    MaintenanceMode.objects.create(pk=MaintenanceMode.SINGLETON, is_enabled=True, generation=1)
    fields = {"name": "X", "is_sensitive": "on", field: SECRET}
    response = client_for(system_manager).post(f"/projects/{shop.slug}/variables/new/", fields)
    assert response.status_code == 503
    assert SECRET not in response.content.decode()


def test_a_plain_value_is_kept_on_the_page_of_a_refusal(
    shop: Project, client_for: ClientFor, system_manager: User
) -> None:
    from maintenance.models import MaintenanceMode

    MaintenanceMode.objects.create(pk=MaintenanceMode.SINGLETON, is_enabled=True, generation=1)
    fields = {"name": "X", "value": "typed with care"}
    response = client_for(system_manager).post(f"/projects/{shop.slug}/variables/new/", fields)
    assert response.status_code == 503
    assert "typed with care" in response.content.decode()
