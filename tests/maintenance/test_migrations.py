"""The migrations of the mode go forwards and backwards over what an older server has written."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from maintenance import mode
from maintenance.models import Window
from maintenance.notices.models import Notice


def migrate(name: str) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([("maintenance", name)])
    return MigrationExecutor(connection).loader.project_state([("maintenance", name)]).apps


@pytest.mark.django_db(transaction=True)
def test_windows_come_to_a_server_in_maintenance_mode_and_go_again() -> None:
    try:
        old = migrate("0001_initial")
        old.get_model("maintenance", "MaintenanceMode").objects.create(
            is_enabled=True, generation=7, reason="Moving"
        )
        old.get_model("maintenance", "ModeSwitch").objects.create(enabled=True, generation=7)
        _newest()
        row = mode.current()
        assert (row.is_enabled, row.reason, row.closes_itself) == (True, "Moving", False)
        back = migrate("0001_initial")
        kept = back.get_model("maintenance", "MaintenanceMode").objects.get()
        assert (kept.is_enabled, kept.generation) == (True, 7)
        assert back.get_model("maintenance", "ModeSwitch").objects.count() == 1
    finally:
        _newest()


@pytest.mark.django_db(transaction=True)
def test_notices_come_to_a_server_with_windows_and_go_again() -> None:
    try:
        old = migrate("0003_outlook")
        starts = timezone.now() + timedelta(hours=1)
        old.get_model("maintenance", "Window").objects.create(starts=starts, reason="Disk")
        _newest()
        assert Window.objects.get().edited is None
        assert list(Notice.objects.all()) == []
        back = migrate("0003_outlook")
        assert back.get_model("maintenance", "Window").objects.get().reason == "Disk"
    finally:
        _newest()


def _newest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(executor.loader.graph.leaf_nodes("maintenance")))
