"""What every page of the server shows about the server itself."""

from django.conf import settings
from django.http import HttpRequest

from octoserver import __version__, theme


def server(request: HttpRequest) -> dict[str, str]:
    """Return the node's name, the server's version, and the theme that the reader chose."""
    return {
        "server_node": settings.NODE_NAME,
        "server_version": __version__,
        "theme": theme.of(request),
    }
