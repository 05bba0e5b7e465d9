"""A browser that stops where the server's pages end: what an application's own address would receive is handed to the story.

A program that listens on a loopback port gets its answer, as from any browser.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urljoin, urlsplit

from .pages import NAVIGATION, Browser, Form, Page


@dataclass
class Arrived:
    """Where the browser was sent at last, with a form when the answer was one."""

    url: str
    form: dict[str, str] | None = None
    page: Page | None = None

    @property
    def fields(self) -> dict[str, str]:
        """What the application reads: the form, the query, or the fragment."""
        if self.form is not None:
            return self.form
        parts = urlsplit(self.url)
        return dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(parse_qsl(parts.fragment, keep_blank_values=True))


class Visitor(Browser):
    """Somebody with a name and a password who does what the pages ask."""

    def __init__(self, server, who=None):
        super().__init__(server.env["ENTRANCE_CA"])
        self.base, self.who = server.env["ENTRANCE_URL"].rstrip("/"), who
        # Every page on the way, for stories that look at them.
        self.seen: list[Page] = []

    def visit(self, url: str, consent="accept") -> Arrived:
        """Follows an address to the application's own, through sign-in, account picker and consent."""
        page = self.open(url)
        for _ in range(8):
            if isinstance(page, Arrived):
                return self._deliver(page)
            self.seen.append(page)
            if answer := next((form for form in page.forms if not form.action.startswith(self.base)), None):
                return self._deliver(Arrived(answer.action, dict(answer.fields), page))
            if not (step := self.step(page, consent)):
                return Arrived(page.url, None, page)
            page = step
        raise AssertionError(f"the pages lead in circles, at last to {page.url}:\n{page.html[:2000]}")

    def open(self, url: str) -> "Page | Arrived":
        return self._follow("GET", url)

    def step(self, page: Page, consent="accept") -> "Page | Arrived | None":
        """One page further, or nothing when this person has no answer for it."""
        if picker := page.form("account"):
            return self.fill(picker, press=picker.buttons[0 if self._is_here(page) else -1])
        if form := page.form("login", "passwd"):
            if not self.who or "signin-error" in page.marks:
                return None
            return self.fill(form, login=self.who.upn, passwd=self.who.password)
        if "consent-title" in page.marks and (form := page.form("decision")):
            return self.fill(form, press=("decision", consent))
        if "signout-confirm" in page.marks:
            return self.fill(page.forms[0])
        return None

    def _is_here(self, page: Page) -> bool:
        return bool(self.who) and self.who.upn.lower() in page.html.lower()

    def fill(self, form: Form, press: tuple[str, str] | None = None, **values: str) -> "Page | Arrived":
        """Sends a form with these values."""
        data = {**form.fields, **values}
        if press:
            data[press[0]] = press[1]
        return self._follow(form.method.upper(), form.action, data)

    def _follow(self, method: str, url: str, data: dict | None = None) -> "Page | Arrived":
        """Goes on by itself within the server only."""
        for _ in range(10):
            if not url.startswith(self.base):
                return Arrived(url)
            site = {"Sec-Fetch-Site": "same-origin"} if method == "POST" else {}
            answer = self.http.request(method, url, data=data, headers=NAVIGATION | site, timeout=30, allow_redirects=False)
            if not answer.is_redirect:
                return self._page(answer)
            url, method, data = urljoin(answer.url, answer.headers["Location"]), "GET", None
        raise AssertionError(f"redirected in circles, at last to {url}")

    def _deliver(self, arrived: Arrived) -> Arrived:
        """A loopback port is somebody's listener."""
        if urlsplit(arrived.url).hostname in ("localhost", "127.0.0.1") and arrived.url.startswith("http://"):
            if arrived.form is not None:
                arrived.page = self._page(self.http.post(arrived.url, data=arrived.form, headers=NAVIGATION, timeout=30))
            else:
                arrived.page = self._page(self.http.get(arrived.url, headers=NAVIGATION, timeout=30))
        return arrived

