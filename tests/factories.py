"""Make rows for tests; every value that a test does not name is ordinary."""

from typing import Any

import factory
from django.contrib.auth.models import Group, User
from factory.django import DjangoModelFactory

from octoserver.models import Role
from octoserver.roles import RoleDefinition

PASSWORD = "correct horse battery staple"  # the password of every person of the cast


def group_of(role: RoleDefinition) -> Group:
    """Return the real group of a role, as the migrations made it."""
    group = Role.objects.get(key=role.key).group
    assert group is not None
    return group


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"person-{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def role(self: Any, create: bool, role: RoleDefinition | None, **kwargs: Any) -> None:
        if role is not None:
            self.groups.add(group_of(role))
