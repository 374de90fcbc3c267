"""What every page of the server shows about the server itself."""

from django.conf import settings
from django.http import HttpRequest

from octoserver import __version__


def server(request: HttpRequest) -> dict[str, str]:
    """Return the name of this node and the version of the server."""
    return {"server_node": settings.NODE_NAME, "server_version": __version__}
