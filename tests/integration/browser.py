"""A person at a browser without JavaScript: follows links, keeps cookies, sends forms with CSRF."""

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from html import unescape


@dataclass(frozen=True)
class Page:
    """What an address answered."""

    status: int
    address: str
    text: str
    location: str


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


class Browser:
    """One person's session with a server on the loopback."""

    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.jar),
            NoRedirect(),
            urllib.request.ProxyHandler({}),
        )

    def get(self, path: str, *, accept: str = "text/html") -> Page:
        return self._open(urllib.request.Request(self.root + path, headers={"Accept": accept}))

    def post(self, path: str, fields: dict[str, str] | None = None, *, token: str = "") -> Page:
        """Send a form with the CSRF token of this session, as a page of the server would."""
        token = token or self.token()
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token} | (fields or {})).encode()
        headers = {"Accept": "text/html", "Referer": self.root + path}
        return self._open(urllib.request.Request(self.root + path, data=data, headers=headers))

    def token(self) -> str:
        """Return a CSRF token, from whatever page this person may see."""
        for path in ("/login/", "/password/"):
            page = self.get(path)
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            if found:
                return unescape(found.group(1))
        raise AssertionError("no page gives a CSRF token")

    def sign_in(self, name: str, password: str) -> None:
        page = self.post("/login/", {"username": name, "password": password})
        assert page.status == 302, page.text

    def sign_out(self) -> None:
        assert self.post("/logout/").status == 302

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            response = self._opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            text = response.read().decode(errors="replace")
            return Page(
                response.status, request.full_url, text, response.headers.get("Location", "")
            )
