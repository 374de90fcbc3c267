"""Send pages compressed to browsers that take it: a list of tasks is a fifth as long then.

Django's own middleware does it. It adds a random length to each page, so that nobody who can watch
the lengths and have something repeated on a page learns what else is on it (BREACH, CVE-2013-3587);
the token of a form is written differently each time besides.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PageCompressionMiddleware(GZipMiddleware):
    """Leaves downloads as they are, which are long."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        return response if response.streaming else super().process_response(request, response)
