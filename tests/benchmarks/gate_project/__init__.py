"""A bare Django project with ``maintenance`` in it, to measure the gate without the server."""
