"""Sign people in as Django does, and learn the mode in the query that loads the person."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.db import DatabaseError, router
from django.db.models import Subquery
from django.db.models.functions import Coalesce

from maintenance import mode
from maintenance.models import MaintenanceMode
from maintenance.requests import USER_ATTRIBUTE

_IS_ENABLED = Coalesce(
    Subquery(MaintenanceMode.objects.filter(pk=MaintenanceMode.SINGLETON).values("is_enabled")),
    False,
)


class ModeAwareModelBackend(ModelBackend):
    """Django's backend, with the mode read along with the person.

    Optional: it spares a page that shows no banner the statement that asks for the mode.
    """

    def get_user(self, user_id: Any) -> Any:
        users = get_user_model()._default_manager
        if router.db_for_read(users.model) != mode.database():
            return super().get_user(user_id)
        annotation = {USER_ATTRIBUTE: _IS_ENABLED}
        try:
            user = users.annotate(**annotation).get(pk=user_id)
        except users.model.DoesNotExist:
            return None
        except DatabaseError:  # the mode cannot be read; people can still be let in to look
            return super().get_user(user_id)
        return user if self.user_can_authenticate(user) else None
