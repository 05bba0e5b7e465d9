"""A browser without script: reads forms, fills them in, sends them.

It knows field names and `data-testid`, as a person knows labels, and nothing else of the pages.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    boxes: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def has(self, name: str) -> bool:
        return name in self.fields or name in self.boxes or any(name == button for button, _ in self.buttons)


@dataclass
class Page:
    url: str
    status: int
    html: str
    headers: dict[str, str]
    forms: list[Form]
    marks: dict[str, dict[str, str]]

    def form(self, *names: str) -> Form | None:
        """The first form that has all these fields or buttons."""
        return next((form for form in self.forms if all(form.has(name) for name in names)), None)


class _Reader(HTMLParser):
    def __init__(self, base: str):
        super().__init__()
        self.base, self.forms, self.marks = base, [], {}

    def handle_starttag(self, tag, attrs):
        of = {name: value or "" for name, value in attrs}
        if "data-testid" in of:
            self.marks.setdefault(of["data-testid"], of)
        if tag == "form":
            self.forms.append(Form(urljoin(self.base, of.get("action") or self.base), of.get("method", "get").lower()))
        if not self.forms or not of.get("name"):
            return
        form, name, value = self.forms[-1], of["name"], of.get("value", "")
        if tag == "button" and of.get("type", "submit") == "submit" or tag == "input" and of.get("type") == "submit":
            form.buttons.append((name, value))
        elif tag == "input" and of.get("type") == "checkbox":
            form.boxes.add(name)
        elif tag in ("input", "textarea", "select"):
            form.fields[name] = value


class Browser:
    """One browser with one cookie jar."""

    def __init__(self, trust: str):
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = trust

    def get(self, url: str) -> Page:
        return self._page(self.http.get(url, headers=NAVIGATION, timeout=30))

    def submit(self, form: Form, press: tuple[str, str] | None = None, **values: str) -> Page:
        data = {**form.fields, **values}
        if press:
            data[press[0]] = press[1]
        headers = NAVIGATION | {"Sec-Fetch-Site": "same-origin"}
        if form.method == "post":
            return self._page(self.http.post(form.action, data=data, headers=headers, timeout=30))
        return self._page(self.http.get(form.action, params=data, headers=headers, timeout=30))

    def _page(self, answer: requests.Response) -> Page:
        reader = _Reader(answer.url)
        if "html" in answer.headers.get("Content-Type", ""):
            reader.feed(answer.text)
        return Page(answer.url, answer.status_code, answer.text, dict(answer.headers), reader.forms, reader.marks)


def sign_in(browser: Browser, page: Page, upn: str, password: str) -> Page:
    """Goes through the sign-in page, or says on the account picker that somebody else is here."""
    if picker := page.form("account"):
        page = browser.submit(picker, press=picker.buttons[-1])
    form = page.form("login", "passwd")
    assert form, f"no sign-in form at {page.url} ({page.status}):\n{page.html[:2000]}"
    return browser.submit(form, login=upn, passwd=password)


def approve_device(browser: Browser, address: str, code: str, upn: str, password: str, decision="approve") -> Page:
    """Types the code, signs in, and answers the question who asks for what. Returns the last page."""
    page = browser.get(address)
    form = page.form("otc")
    assert form, f"no field for the code at {page.url} ({page.status}):\n{page.html[:2000]}"
    page = browser.submit(form, otc=code)
    assert "device-error" not in page.marks, f"the code `{code}` was refused:\n{page.html[:2000]}"
    page = sign_in(browser, page, upn, password)
    assert "signin-error" not in page.marks, f"`{upn}` could not sign in:\n{page.html[:2000]}"
    form = page.form("decision")
    assert form, f"no question whether to approve at {page.url} ({page.status}):\n{page.html[:2000]}"
    boxes = {name: "on" for name in form.boxes}
    return browser.submit(form, press=("decision", decision), **boxes)


NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "en",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "User-Agent": "Mozilla/5.0 (journey; no script)",
}
