"""Nothing that is typed into the address of a list of the admin site brings the server down."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import JSONField, Model
from django.test import Client
from django.urls import reverse

from octoserver.deployments.models import Release
from tests.conftest import ClientFor
from tests.deployments import rows

pytestmark = pytest.mark.django_db

LISTS = sorted(admin.site._registry, key=lambda model: model._meta.label)
WITH_JSON = [
    (model, field.name)
    for model in LISTS
    for field in model._meta.fields
    if isinstance(field, JSONField)
]
LARGE = "9" * 30


@pytest.fixture
def page(client_for: ClientFor, superuser: User) -> Client:
    client = client_for(superuser)
    client.raise_request_exception = False
    return client


def address(model: type[Model]) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")


def test_the_models_with_json_are_these() -> None:
    found = {f"{model._meta.label}.{name}" for model, name in WITH_JSON}
    assert found == {
        "deployments.Change.after",
        "deployments.Change.before",
        "deployments.Deployment.progress",
        "deployments.Release.snapshot",
        "deployments.RunbookRun.progress",
        "deployments.RunbookRun.snapshot",
        "tasks.ServerTask.arguments",
    }


@pytest.mark.parametrize(("model", "name"), WITH_JSON)
@pytest.mark.parametrize("lookup", ["", "__contains", "__contained_by", "__has_keys", "__a__regex"])
def test_no_list_is_asked_to_look_into_json(
    page: Client, model: type[Model], name: str, lookup: str
) -> None:
    assert page.get(address(model), {f"{name}{lookup}": "1"}).status_code == 400


@pytest.mark.parametrize("model", LISTS)
def test_no_list_is_asked_for_what_it_does_not_offer(page: Client, model: type[Model]) -> None:
    if model._meta.label == "maintenance.MaintenanceMode":
        return  # a page of its own
    for field in model._meta.fields:
        for lookup, value in (("regex", "("), ("range", "1"), ("year", LARGE), ("in", LARGE)):
            response = page.get(address(model), {f"{field.name}__{lookup}": value})
            assert response.status_code == 400, (field.name, lookup)


@pytest.mark.parametrize("model", LISTS)
@pytest.mark.parametrize("value", ["1", "0", "x", "", LARGE, "1" + "0" * 18, "\0"])
def test_each_filter_takes_what_it_offers_and_nothing_breaks_it(
    page: Client, model: type[Model], value: str
) -> None:
    for name in offered(model):
        response = page.get(address(model), {name: value})
        assert response.status_code < 500, name
        if value == "1":
            assert response.status_code in {200, 302}, name


def offered(model: Any) -> list[str]:
    names = []
    for each in admin.site._registry[model].list_filter:
        if not isinstance(each, str):
            names.append(each.parameter_name)
        elif model._meta.get_field(each).is_relation:
            names += [f"{each}__id__exact", f"{each}__isnull"]
        elif model._meta.get_field(each).choices or each.startswith(("is_", "enabled")):
            names.append(f"{each}__exact")
        else:
            names.append(each)
    return names


def test_a_filter_filters(page: Client) -> None:
    shop, other = rows.project(), rows.project("Other")
    for project, version in ((shop, "1.2.3"), (other, "4.5.6")):
        rows.step(project)
        rows.release(project, version)
    text = page.get(address(Release), {"project__id__exact": shop.pk}).content.decode()
    assert "1.2.3" in text
    assert "4.5.6" not in text
