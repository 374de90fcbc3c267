"""Make the first administrator of a server that has no users yet."""

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import IntegrityError, transaction

from octoserver import roles
from octoserver.deployments import sample
from octoserver.models import Role

NAME = "admin"


class Command(BaseCommand):
    help = "Make an administrator with a random password, shown once, if there is no user yet."

    def handle(self, **options: Any) -> None:
        password = secrets.token_urlsafe(12)
        if self.make_administrator(password=password):
            self.stdout.write(
                f"\nThe first administrator is {NAME!r} with the password {password}\n"
                "This is shown once. Change it at /password/ after signing in.\n\n"
            )
            # After the password, which nothing may keep from being shown.
            sample.make()

    def make_administrator(self, *, password: str) -> bool:
        users = get_user_model().objects
        if users.exists():
            return False
        try:
            with transaction.atomic():
                person = users.create_superuser(username=NAME, password=password)
                role = Role.objects.filter(key=roles.SYSTEM_ADMINISTRATOR.key).first()
                if role is not None and role.group is not None:
                    person.groups.add(role.group)
        except IntegrityError:  # another node's first start was quicker
            return False
        return True
