"""What load balancers are told: their status never depends on the mode."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from maintenance import mode
from maintenance.models import MaintenanceMode

PATHS = ["/healthz", "/readyz"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_anybody_is_answered_without_a_session_or_a_cache(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.json()["in_maintenance_mode"] is False
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", PATHS)
def test_the_mode_rides_along_and_changes_no_status(client: Client, path: str) -> None:
    mode.enable(reason="new disks")
    response = client.get(path)
    assert (response.status_code, response.json()["in_maintenance_mode"]) == (200, True)
    assert client.head(path).status_code == 200
    mode.disable()
    assert client.get(path).json()["in_maintenance_mode"] is False


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_only_reading_is_offered(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.fixture
def unreadable_mode(transactional_db: None) -> Iterator[None]:
    table = MaintenanceMode._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        yield
        cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")


@pytest.mark.usefixtures("unreadable_mode")
@pytest.mark.parametrize("path", PATHS)
def test_a_mode_that_cannot_be_read_is_null_and_changes_no_status(
    client: Client, path: str
) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()["in_maintenance_mode"]) == (200, None)


@pytest.mark.django_db
def test_it_says_whether_the_server_may_be_stopped(client: Client) -> None:
    assert client.get("/readyz").json()["idle"] is False
    mode.enable()
    assert client.get("/readyz").json()["idle"] is True


@pytest.mark.django_db
def test_it_is_not_ready_while_a_migration_is_missing(client: Client) -> None:
    MigrationRecorder(connection).migration_qs.filter(app="auth").first().delete()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "not ready",
        "reasons": ["Migrations are not applied."],
        "in_maintenance_mode": None,
        "idle": None,
    }
    assert client.get("/healthz").status_code == 200
