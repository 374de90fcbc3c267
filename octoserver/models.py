"""The row that remembers which group is which role, and what the role has given it so far."""

from django.contrib.auth.models import Group
from django.db import models


class Role(models.Model):
    """One role of ``octoserver.roles`` in this database."""

    key = models.CharField(max_length=40, unique=True)
    # The group may be renamed by an administrator, and once deleted it is not made again.
    group = models.OneToOneField(
        Group, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    # Each permission is granted once, so one that an administrator took away stays away.
    granted = models.JSONField(default=list, editable=False)

    class Meta:
        default_permissions = ()
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key
