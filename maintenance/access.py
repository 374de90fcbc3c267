"""Who may use the pages that only administrators see."""

from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest

from maintenance import conf, views
from maintenance.models import Source


class Administrative(PermissionRequiredMixin):
    """Only for those who hold Administer System."""

    permission_required = conf.ADMINISTER_SYSTEM
    raise_exception = True
    request: HttpRequest

    @property
    def origin(self) -> Any:
        return views.origin(self.request, source=Source.PAGE)
