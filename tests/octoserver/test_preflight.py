"""What keeps the server from working is said in one sentence that names what to set."""

from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from octoserver import preflight
from tests.integration.server import environment, free_port, manage


@pytest.fixture
def file_broker(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    settings.REDIS_IN_USE = False
    return tmp_path / "broker"


@pytest.fixture
def redis_broker(settings: Settings) -> Settings:
    settings.REDIS_IN_USE = True
    return settings


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """Give the environment of an instance with nothing in it, and with what a test adds."""
    return environment(tmp_path)


@pytest.mark.django_db
def test_nothing_is_wrong_with_a_server_that_can_work(file_broker: Path) -> None:
    preflight.require()
    assert list(file_broker.iterdir()) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("removed", "sentence"),
    [
        (1, "1 migration is not applied to the database: run manage.py migrate."),
        (2, "2 migrations are not applied to the database: run manage.py migrate."),
    ],
)
def test_migrations_that_are_missing_are_counted(removed: int, sentence: str) -> None:
    rows = MigrationRecorder(connection).migration_qs.filter(app="auth").order_by("-id")[:removed]
    for row in rows:
        row.delete()
    assert preflight.migrations() == sentence


def test_a_file_in_the_place_of_the_brokers_folder_is_a_problem(file_broker: Path) -> None:
    file_broker.touch()
    assert preflight.broker().startswith(f"The broker's folder {file_broker} cannot be used")
    assert "set VAR_DIR" in preflight.broker()


def test_a_redis_that_does_not_run_is_a_problem(redis_broker: Settings) -> None:
    port = free_port()
    redis_broker.CELERY_BROKER_URL = f"redis://:a-password@127.0.0.1:{port}/0"
    problem = preflight.broker()
    assert problem.startswith(f"The broker at 127.0.0.1:{port} cannot be reached")
    assert "set REDIS_URL" in problem
    assert "a-password" not in problem


@pytest.mark.redis
def test_a_redis_that_runs_is_none(redis_broker: Settings, redis_url: str) -> None:
    redis_broker.CELERY_BROKER_URL = redis_url
    assert preflight.broker() == ""


@pytest.mark.django_db
def test_the_first_problem_ends_a_command(file_broker: Path) -> None:
    file_broker.touch()
    with pytest.raises(CommandError, match="The broker's folder"):
        preflight.require()


@pytest.mark.parametrize("command", ["migrate", "web", "worker", "run", "first_start"])
def test_a_database_that_cannot_be_reached_ends_every_command_in_a_sentence(
    bare: dict[str, str], command: str
) -> None:
    port = free_port()
    url = f"postgresql://somebody:a-password@127.0.0.1:{port}/octoserver"
    done = manage(command, env=bare | {"DATABASE_URL": url})
    assert done.returncode == 1
    assert f"The database octoserver at 127.0.0.1:{port} cannot be reached" in done.stderr
    assert "set DATABASE_URL" in done.stderr
    assert "a-password" not in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["web", "worker", "run", "first_start"])
def test_a_database_without_migrations_ends_a_command_in_a_sentence(
    bare: dict[str, str], command: str
) -> None:
    done = manage(command, env=bare)
    assert done.returncode == 1
    assert "migrations are not applied to the database: run manage.py migrate." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PRODUCTION": "true", "SECRET_KEY": ""}, "SECRET_KEY is not set: "),
        ({"PRODUCTION": "true", "VARIABLES_KEY": ""}, "VARIABLES_KEY is not set: "),
        ({"PRODUCTION": "true", "VARIABLES_KEY": "k"}, "ALLOWED_HOSTS is not set: "),
        ({"PRODUCTION": "perhaps"}, "PRODUCTION='perhaps' is neither true nor false"),
        ({"DATABASE_URL": "mysql://localhost/octoserver"}, "DATABASE_URL must look like "),
        ({"DATABASE_URL": "postgresql://localhost:port/x"}, "DATABASE_URL names no database"),
        ({"REDIS_URL": "amqp://localhost"}, "REDIS_URL must look like "),
        ({"TASK_CAP": "0"}, "TASK_CAP='0' is not a whole number of at least 1."),
        ({"WEB_THREADS": "many"}, "WEB_THREADS='many' is not a whole number of at least 1."),
        ({"TIME_ZONE": "Mars"}, "TIME_ZONE='Mars' is no time zone known here"),
    ],
)
def test_a_wrong_variable_ends_a_command_in_a_sentence_as_wrong_use(
    bare: dict[str, str], variables: dict[str, str], sentence: str
) -> None:
    done = manage("web", env=bare | variables)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_ends_a_command_in_a_sentence(
    bare: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = manage("web", env=bare | {"VAR_DIR": str(tmp_path / "file")})
    assert done.returncode == 2
    assert "set VAR_DIR" in done.stderr
    assert "Traceback" not in done.stderr
