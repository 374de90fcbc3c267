"""The roles that Octopus Deploy's users know, as groups that follow every upgrade.

``synchronise`` runs after each migrate, because permissions do not exist before. What an
administrator did to a group stays: a renamed group is followed, a deleted one is not made again,
and a permission that was taken away is not given back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps.registry import Apps
from django.apps.registry import apps as installed
from django.db import transaction

ADMINISTER_SYSTEM = "maintenance.administer_system"

DEPLOYER_ACTIONS = frozenset(
    {
        "tasks.add_servertask",
        "tasks.cancel_servertask",
        "tasks.run_script",
        "deployments.add_release",
        "deployments.add_deployment",
        "deployments.add_runbookrun",
    }
)


@dataclass(frozen=True)
class RoleDefinition:
    """A role as this version of the server knows it."""

    key: str
    name: str
    holds: Callable[[str], bool]


def _is_everything(permission: str) -> bool:
    return True


def _is_managing(permission: str) -> bool:
    return permission != ADMINISTER_SYSTEM


def _is_viewing(permission: str) -> bool:
    return permission.startswith(("tasks.view_", "deployments.view_"))


def _is_deploying(permission: str) -> bool:
    return _is_viewing(permission) or permission in DEPLOYER_ACTIONS


SYSTEM_ADMINISTRATOR = RoleDefinition(
    "system_administrator", "System Administrator", _is_everything
)
SYSTEM_MANAGER = RoleDefinition("system_manager", "System Manager", _is_managing)
PROJECT_DEPLOYER = RoleDefinition("project_deployer", "Project Deployer", _is_deploying)
PROJECT_VIEWER = RoleDefinition("project_viewer", "Project Viewer", _is_viewing)
ROLES = (SYSTEM_ADMINISTRATOR, SYSTEM_MANAGER, PROJECT_DEPLOYER, PROJECT_VIEWER)


def synchronise(*, using: str = "default", apps: Apps = installed, **kwargs: Any) -> None:
    """Bring every role of this version into the database ``using``; the handler of post_migrate."""
    try:
        apps.get_model("octoserver", "Role")
    except LookupError:  # migrated backwards, to before there were roles
        return
    permissions = _permissions(apps, using)
    with transaction.atomic(using=using):
        for definition in ROLES:
            _synchronise_role(definition, permissions, apps=apps, using=using)


def _permissions(apps: Apps, using: str) -> dict[str, Any]:
    rows = apps.get_model("auth", "Permission").objects.using(using).select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}": row for row in rows}


def _synchronise_role(
    definition: RoleDefinition, permissions: dict[str, Any], *, apps: Apps, using: str
) -> None:
    objects = apps.get_model("octoserver", "Role").objects.using(using)
    role, is_new = objects.get_or_create(key=definition.key)
    if is_new:
        role.group = _new_group(definition.name, apps=apps, using=using)
    elif role.group is None:
        return
    held = {name for name in permissions if definition.holds(name)}
    to_grant = held.difference(role.granted)
    if not (is_new or to_grant):
        return
    role.group.permissions.add(*(permissions[name] for name in to_grant))
    role.granted = sorted(to_grant.union(role.granted))
    role.save(using=using, update_fields=["group", "granted"])


def _new_group(name: str, *, apps: Apps, using: str) -> Any:
    """Make the group of a new role, never taking one that somebody filled under the same name."""
    objects = apps.get_model("auth", "Group").objects.using(using)
    free, number = name, 2
    while objects.filter(name=free).exists():
        free, number = f"{name} ({number})", number + 1
    return objects.create(name=free)
