"""The application as each web process serves it."""

from django.core.wsgi import get_wsgi_application

from tests.benchmarks.gate_project import parent

parent.die_with_it()
application = get_wsgi_application()
