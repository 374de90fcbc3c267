"""Make the tables, the people and their sessions: ``prepare WRITERS ADMINISTRATORS``.

Prints one JSON list of ``{"session", "administrator"}``, administrators first. Run again for
another variant it makes new sessions only, since a session names the way its person signed in.
"""

import json
import sys
from importlib import import_module
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection

ARTICLES = 500


def main(writers: int, administrators: int) -> None:
    django.setup()
    if not connection.introspection.table_names():
        call_command("migrate", run_syncdb=True, verbosity=0)
        fill()
    people = [person(number, is_staff=number < administrators) for number in range(writers)]
    found = [{"session": sign_in(one), "administrator": one.is_staff} for one in people]
    sys.stdout.write(json.dumps(found) + "\n")


def fill() -> None:
    from tests.benchmarks.gate_project.models import Article

    text = "A line of text that says nothing, and says it in a dozen words or so. " * 4
    Article.objects.bulk_create(
        Article(title=f"article number {number}", text=text) for number in range(ARTICLES)
    )


def person(number: int, *, is_staff: bool) -> Any:
    from django.contrib.auth.models import Permission, User

    name = f"{'administrator' if is_staff else 'writer'}-{number}"
    user, created = User.objects.get_or_create(username=name, is_staff=is_staff)
    if created and is_staff:
        user.user_permissions.add(Permission.objects.get(codename="administer_system"))
    return user


def sign_in(user: Any, *, backend: str = "") -> str:
    """Return the key of a new session."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = backend or settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
