"""Say what a name may be, for every writer: a file brings names that no form has seen."""

from django.utils.translation import gettext as _

from octoserver.deployments.errors import Refused


def check(field: str, name: str) -> None:
    """Raise ``Refused`` for a name that is empty, or could not be told from another on a page."""
    if not name.strip():
        raise Refused(_("A name is needed."), field=field)
    if name != name.strip():
        raise Refused(_("A name has no space at its ends."), field=field)
    if not name.isprintable():
        raise Refused(_("Write it in one line, of letters that show."), field=field)
