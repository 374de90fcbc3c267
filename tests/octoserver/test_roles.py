"""The roles after a migrate, and that an administrator's own changes survive every later one."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db.models.signals import post_migrate

from octoserver import roles
from octoserver.models import Role
from tests.factories import UserFactory, group_of

pytestmark = pytest.mark.django_db


def labels(group: Group) -> set[str]:
    rows = group.permissions.select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def every_permission() -> set[str]:
    rows = Permission.objects.select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def test_migrate_makes_the_four_groups() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == {
        "System Administrator",
        "System Manager",
        "Project Deployer",
        "Project Viewer",
    }


def test_the_administrator_holds_everything() -> None:
    assert labels(group_of(roles.SYSTEM_ADMINISTRATOR)) == every_permission()


def test_the_manager_holds_everything_but_administer_system() -> None:
    missing = every_permission() - labels(group_of(roles.SYSTEM_MANAGER))
    assert missing == {"maintenance.administer_system"}


def test_the_deployer_queues_and_cancels_and_the_viewer_looks() -> None:
    viewing = {
        name for name in every_permission() if name.startswith(("tasks.view_", "deployments.view_"))
    }
    assert {"tasks.view_servertask", "deployments.view_project"} <= viewing
    assert labels(group_of(roles.PROJECT_VIEWER)) == viewing
    assert labels(group_of(roles.PROJECT_DEPLOYER)) == viewing | {
        "tasks.add_servertask",
        "tasks.cancel_servertask",
        "tasks.run_script",
        "deployments.add_release",
        "deployments.add_deployment",
        "deployments.add_runbookrun",
    }


def test_no_permission_promises_to_change_rows_that_only_their_writer_changes() -> None:
    promised = {
        name
        for name in every_permission()
        for model in ("maintenancemode", "modeswitch", "logchunk")
        if name.endswith((f".add_{model}", f".change_{model}", f".delete_{model}"))
    }
    assert promised == set()
    assert not {"tasks.change_servertask", "tasks.delete_servertask"} & every_permission()


def test_migrate_runs_the_synchronisation() -> None:
    permission = Permission.objects.get(codename="view_servertask")
    group = group_of(roles.PROJECT_VIEWER)
    Role.objects.filter(key="project_viewer").update(granted=[])
    group.permissions.clear()
    call_command("migrate", verbosity=0)
    assert permission in group.permissions.all()


def test_a_second_synchronisation_changes_nothing() -> None:
    before = {role.key: (role.pk, role.group_id, role.granted) for role in Role.objects.all()}
    roles.synchronise()
    after = {role.key: (role.pk, role.group_id, role.granted) for role in Role.objects.all()}
    assert after == before
    assert Group.objects.count() == len(roles.ROLES)


def test_a_permission_taken_away_stays_away() -> None:
    group = group_of(roles.PROJECT_DEPLOYER)
    group.permissions.remove(Permission.objects.get(codename="run_script"))
    roles.synchronise()
    assert "tasks.run_script" not in labels(group)


def test_a_permission_added_stays() -> None:
    group = group_of(roles.PROJECT_VIEWER)
    group.permissions.add(Permission.objects.get(codename="cancel_servertask"))
    roles.synchronise()
    assert "tasks.cancel_servertask" in labels(group)


def test_a_permission_of_a_later_version_is_granted_once() -> None:
    content_type = Permission.objects.get(codename="view_servertask").content_type
    new = Permission.objects.create(
        codename="view_something_new", name="Can view something new", content_type=content_type
    )
    roles.synchronise()
    groups = [group_of(role) for role in roles.ROLES]
    assert all("tasks.view_something_new" in labels(group) for group in groups)
    groups[3].permissions.remove(new)
    roles.synchronise()
    assert "tasks.view_something_new" not in labels(groups[3])


def test_a_renamed_group_is_followed() -> None:
    group = group_of(roles.PROJECT_VIEWER)
    Group.objects.filter(pk=group.pk).update(name="Onlookers")
    roles.synchronise()
    assert not Group.objects.filter(name="Project Viewer").exists()
    assert group_of(roles.PROJECT_VIEWER).name == "Onlookers"


def test_a_deleted_group_is_not_made_again() -> None:
    group_of(roles.PROJECT_VIEWER).delete()
    roles.synchronise()
    assert not Group.objects.filter(name="Project Viewer").exists()


def test_a_group_that_somebody_prepared_under_a_role_s_name_is_not_taken_for_it() -> None:
    intruder: User = UserFactory()
    Role.objects.filter(key="system_administrator").delete()
    Group.objects.filter(name="System Administrator").delete()
    Group.objects.create(name="System Administrator").user_set.add(intruder)
    roles.synchronise()
    assert group_of(roles.SYSTEM_ADMINISTRATOR).name == "System Administrator (2)"
    assert not intruder.has_perm("maintenance.administer_system")


@pytest.mark.django_db(transaction=True)
def test_the_roles_are_there_again_after_a_flush() -> None:
    call_command("flush", interactive=False, verbosity=0)
    assert labels(group_of(roles.SYSTEM_ADMINISTRATOR)) == every_permission()


def test_migrating_back_to_before_there_were_roles_is_no_error() -> None:
    class NoModels:
        def get_model(self, *names: str) -> None:
            raise LookupError(names)

    roles.synchronise(apps=NoModels())  # type: ignore[arg-type]


def test_the_handler_is_connected_once_and_last() -> None:
    config = apps.get_app_config("octoserver")
    assert list(apps.get_app_configs())[-1] is config
    handlers = post_migrate._live_receivers(config)[0]
    assert handlers.count(roles.synchronise) == 1
