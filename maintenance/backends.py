"""Sign people in as Django does, and learn the mode in the query that loads the person."""

from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.db import DatabaseError, connections, router
from django.db.models import BooleanField, Manager, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.manager import BaseManager

from maintenance import conf, effective, mode
from maintenance.requests import ANNOUNCED_ATTRIBUTE, USER_ATTRIBUTE


class ModeAwareModelBackend(ModelBackend):
    """Django's backend, with the mode read along with the person.

    Optional: it spares a page that shows no banner the statement that asks for the mode.
    """

    def get_user(self, user_id: Any) -> Any:
        users = get_user_model()._default_manager
        if router.db_for_read(users.model) != mode.database():
            return super().get_user(user_id)
        try:
            user = _people(users).get(pk=user_id)
        except users.model.DoesNotExist:
            return None
        except DatabaseError:  # the mode cannot be read; people can still be let in to look
            return super().get_user(user_id)
        return user if self.user_can_authenticate(user) else None


def _people(users: Manager[Any]) -> QuerySet[Any]:
    """Return the people with the mode; made once where every request asks the same of them.

    As text, because composing it anew for each request would cost more than the statement it
    spares.
    """
    is_plain = type(users).get_queryset is BaseManager.get_queryset
    vendor, ahead = connections[users.db].vendor, conf.notice_ahead()
    return _made_once(users, vendor, ahead) if is_plain else _with_mode(users, vendor, ahead)


def _with_mode(users: Manager[Any], vendor: str, ahead: int) -> QuerySet[Any]:
    is_on = RawSQL(effective.is_on(vendor), (), BooleanField())  # noqa: S611 a constant
    is_announced = RawSQL(  # noqa: S611 a constant and a number
        effective.is_announced(vendor, ahead=ahead), (), BooleanField()
    )
    people: QuerySet[Any] = users.annotate(
        **{USER_ATTRIBUTE: is_on, ANNOUNCED_ATTRIBUTE: is_announced}
    )
    return people


_made_once = cache(_with_mode)
