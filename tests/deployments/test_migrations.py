"""The migrations of deployments go forwards and backwards over what an older server has written."""

from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from octoserver.deployments.models import Deployment, Environment, Project

OLD = [("deployments", "0001_initial")]


def migrate_back() -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(OLD)
    return MigrationExecutor(connection).loader.project_state(OLD).apps


def migrate_on() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(executor.loader.graph.leaf_nodes("deployments")))


@pytest.mark.django_db(transaction=True)
def test_deployments_of_an_older_server_get_their_project_and_limits_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    migration = import_module("octoserver.deployments.migrations.0002_places")
    monkeypatch.setattr(migration, "BATCH", 2)
    group = Group.objects.create(name="Release team")
    try:
        old = migrate_back()
        place = old.get_model("deployments", "Environment").objects.create(name="Production")
        place.groups.add(group.pk)
        projects = [
            old.get_model("deployments", "Project").objects.create(name=name, slug=name)
            for name in ("one", "two")
        ]
        for number in range(5):
            release = old.get_model("deployments", "Release").objects.create(
                project=projects[number % 2],
                version=f"1.0.{number}",
                snapshot={"steps": [], "variables": []},
                created=timezone.now(),
            )
            old.get_model("deployments", "Deployment").objects.create(
                release=release, environment=place, created=timezone.now()
            )
        migrate_on()
        found = Deployment.objects.order_by("pk").values_list("project__name", flat=True)
        assert list(found) == ["one", "two", "one", "two", "one"]
        assert list(Environment.objects.get().groups.all()) == [group]
        assert not Project.objects.exclude(environments=None).exists()
        back = migrate_back()
        assert back.get_model("deployments", "Deployment").objects.count() == 5
        kept = back.get_model("deployments", "Environment").objects.get()
        assert [each.pk for each in kept.groups.all()] == [group.pk]
    finally:
        migrate_on()
