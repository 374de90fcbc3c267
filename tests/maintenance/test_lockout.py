"""G5: nobody is locked out; and G2 for what the admin site does."""

from pathlib import Path

import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client

from maintenance import mode
from tests.conftest import ClientFor
from tests.factories import PASSWORD
from tests.integration import server


@pytest.mark.parametrize("address", ["/login/", "/admin/login/"])
@pytest.mark.parametrize("person", ["administrator", "system_manager", "superuser"])
def test_g5_everybody_signs_in_and_out_while_the_mode_is_on(
    address: str, person: str, request: pytest.FixtureRequest, maintenance_on: mode.Switch
) -> None:
    user: User = request.getfixturevalue(person)
    client = Client()
    client.post(address, {"username": user.username, "password": PASSWORD})
    assert client.get("/tasks/").status_code == 200
    user.refresh_from_db()
    assert user.last_login is not None
    assert client.post("/logout/").status_code == 302
    assert client.get("/tasks/").status_code == 302


def test_g5_an_old_password_hash_is_renewed_at_sign_in(
    deployer: User, maintenance_on: mode.Switch, settings: object
) -> None:
    settings.PASSWORD_HASHERS = [  # type: ignore[attr-defined]
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    User.objects.update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    response = Client().post("/login/", {"username": "dora", "password": PASSWORD})
    assert response.status_code == 302
    deployer.refresh_from_db()
    assert identify_hasher(deployer.password).algorithm == "md5"


def test_g5_a_session_goes_on_being_kept(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    client = client_for(deployer)
    session = client.session
    session["basket"] = 1
    session.save()
    client.get("/tasks/")
    assert Session.objects.get(pk=session.session_key).get_decoded()["basket"] == 1


def test_g5_the_change_of_a_password_waits(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    typed = {
        "old_password": PASSWORD,
        "new_password1": "a-new-one-9",
        "new_password2": "a-new-one-9",
    }
    assert client_for(deployer).post("/password/", typed).status_code == 503
    deployer.refresh_from_db()
    assert deployer.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("address", "data"),
    [
        ("/admin/auth/group/add/", {"name": "zoo new"}),
        ("/admin/auth/group/", {"action": "delete_selected", "_selected_action": "1"}),
        ("/admin/auth/group/1/delete/", {"post": "yes"}),
        ("/admin/auth/user/add/", {"username": "zoo"}),
    ],
)
def test_g2_the_admin_site_and_its_bulk_actions_stand_behind_the_gate(
    address: str, data: dict[str, str], system_manager: User, client_for: ClientFor,
    maintenance_on: mode.Switch,
) -> None:  # fmt: skip
    before = list(Group.objects.values_list("name", flat=True))
    assert client_for(system_manager).post(address, data).status_code == 503
    assert list(Group.objects.values_list("name", flat=True)) == before


def test_g5_the_command_needs_neither_web_nor_redis(tmp_path: Path) -> None:
    env = server.environment(tmp_path, REDIS_URL="redis://127.0.0.1:1/0")
    assert server.manage("migrate", "--no-input", env=env).returncode == 0
    on = server.manage("maintenance", "on", "--reason", "Redis is down", env=env)
    assert (on.returncode, on.stderr) == (0, "")
    assert "is on" in server.manage("maintenance", "status", env=env).stdout
    assert server.manage("maintenance", "off", env=env).returncode == 0


@pytest.mark.parametrize(
    "arguments", [["on", "--until", "yesterday"], ["sideways"], [], ["off", "--reason", "x"]]
)
def test_wrong_use_is_exit_code_2_and_no_traceback(arguments: list[str], tmp_path: Path) -> None:
    done = server.manage("maintenance", *arguments, env=server.environment(tmp_path))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "error:" in done.stderr
