"""Many clients at once, each at an address of its own, that run every flow and keep a ledger of what the server told them.

What an answer said is a promise, also when the server is killed right after it. What was under way when it was killed may have
happened or not; it must not happen twice. What was turned away because nothing can be kept did not happen.
"""

import base64
import hashlib
import random
import secrets
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from . import wires
from .guests import AKS_CLIENT, AKS_SERVER, SIGNED_IN
from .office import Hired, Office
from .registered import Registration, register
from .server import Server
from .visitor import Arrived, Visitor

class TurnedAway(Exception):
    """The server can keep nothing at the moment, and says so."""


class Paced(Exception):
    """All of loopback is one small network, and has begun as much as one may in this minute (429)."""


GONE = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


class From(HTTPAdapter):
    """Connections that come from one address of this machine."""

    def __init__(self, address: str):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args, **more):
        super().init_poolmanager(*args, source_address=(self.address, 0), **more)


@dataclass
class Promise:
    """Something that can be redeemed once: a code, a device code, a refresh token."""

    kind: str
    form: dict
    # `answered`: the server handed it out and it was not used. `used`: its answer came. `unknown`: the server went away meanwhile.
    state: str = "answered"
    # When its answer came.
    used: float | None = None


class Ledger:
    def __init__(self):
        self.lock, self.promises, self.answers, self.odd = threading.Lock(), [], 0, []
        # How often somebody was turned away, by the address; nobody is unless a story expects it.
        self.turned_away, self.may_turn_away = Counter(), False
        # Whose connection ended without an answer, or who waited too long for one.
        self.gone = []

    def add(self, promise: Promise) -> Promise:
        with self.lock:
            self.promises.append(promise)
        return promise

    def of(self, kind: str, *states: str) -> list[Promise]:
        return [one for one in self.promises if one.kind == kind and one.state in states]

    def is_varied(self) -> bool:
        """Whether there is some of everything that a story asks about afterwards."""
        kinds = [("code", "answered"), ("code", "used"), ("device", "answered"), ("device", "used"), ("refresh", "answered")]
        return all(len(self.of(*kind)) >= 3 for kind in kinds)

    def away(self, answer: requests.Response):
        """Whoever is turned away is told so in their own wire's words, and when to come back."""
        wires.silent(answer)
        assert int(answer.headers["Retry-After"]) > 0, answer.headers
        if "json" in answer.headers["Content-Type"]:
            assert wires.oauth(answer) == "90033" and answer.json()["error"] == "temporarily_unavailable", answer.text
        else:
            wires.page(answer)
        with self.lock:
            self.turned_away[urlsplit(answer.url).path.rsplit("/", 1)[-1]] += 1


class Client:
    """One program with one person's browser beside it."""

    def __init__(self, server: Server, ledger: Ledger, number: int, who: Hired, app: Registration):
        self.server, self.ledger, self.app = server, ledger, app
        self.base = server.env["ENTRANCE_URL"].rstrip("/")
        self.tenant = server.env["TENANT"]
        self.token_url = f"{self.base}/{self.tenant}/oauth2/v2.0/token"
        self.random = random.Random(number)
        self.browser = Visitor(server, who)
        self.http = server.http()
        for http in (self.browser.http, self.http):
            http.mount("https://", From(f"127.0.1.{number + 1}"))
            http.hooks["response"].append(self._is_away)

    def _is_away(self, answer: requests.Response, *_, **__):
        if answer.status_code == 503:
            self.ledger.away(answer)
            raise TurnedAway(answer.url)
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) > 0, answer.headers
            raise Paced(answer.url)

    def work(self, stop: threading.Event):
        """Runs flows one after the other until it is told to stop or the server is gone."""
        flows = [self.code, self.code, self.device, self.refresh, self.program]
        while not stop.is_set():
            try:
                self.random.choice(flows)()
                with self.ledger.lock:
                    self.ledger.answers += 1
            except GONE as gone:
                self.ledger.gone.append(str(gone))
                return
            except Paced:
                stop.wait(1)
            except TurnedAway as away:
                if not self.ledger.may_turn_away:
                    self.ledger.odd.append(f"turned away: {away}")
                    return
                stop.wait(0.1)
            except AssertionError as error:
                self.ledger.odd.append(str(error))
                return

    # --- flows; each may be cut off anywhere ---

    def code(self):
        """A code, half of them redeemed at once."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        came = self.browser.visit(
            f"{self.base}/{self.tenant}/oauth2/v2.0/authorize?client_id={self.app.app}&response_type=code&redirect_uri={self.app.redirect}"
            f"&scope=openid%20offline_access&state=s&nonce=n&code_challenge={challenge}&code_challenge_method=S256"
        )
        assert "code" in came.fields, f"no code: {came.url} {came.page and came.page.html[:500]}"
        promise = self.ledger.add(Promise("code", self._own(
            grant_type="authorization_code", code=came.fields["code"], redirect_uri=self.app.redirect, code_verifier=verifier)))
        if self.random.random() < 0.5:
            self._keep_refresh(self.redeem(promise), self._own())

    def device(self):
        """A device code, most of them approved, half of these redeemed at once."""
        begun = self._json(self.http.post(
            f"{self.base}/{self.tenant}/oauth2/v2.0/devicecode", data={"client_id": AKS_CLIENT, "scope": f"{AKS_SERVER}/.default offline_access"}, timeout=20))
        promise = Promise("device", {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": AKS_CLIENT, "device_code": begun["device_code"]}, state="pending")
        self.ledger.add(promise)
        if self.random.random() < 0.2:
            return
        promise.state = "maybe"
        if not self._approve(begun["verification_uri"], begun["user_code"]):
            return
        promise.state = "answered"
        if self.random.random() < 0.5:
            self._keep_refresh(self.redeem(promise), {"client_id": AKS_CLIENT})

    def refresh(self):
        """The newest refresh token of a family of this client's, exchanged for the next."""
        with self.ledger.lock:
            mine = [one for one in self.ledger.promises if one.kind == "refresh" and one.state == "answered" and one.form.get("owner") is self]
            promise = self.random.choice(mine) if mine else None
            if promise:
                promise.state = "unknown"
        if promise:
            tokens = self.redeem(promise)
            self._keep_refresh(tokens, {k: v for k, v in promise.form.items() if k in ("client_id", "client_secret")})

    def program(self):
        """A program as itself: nothing to redeem, a token all the same."""
        self._json(self.http.post(self.token_url, data=self._own(grant_type="client_credentials", scope=f"{AKS_SERVER}/.default"), timeout=20))

    # --- what they are made of ---

    def redeem(self, promise: Promise) -> dict:
        promise.state = "unknown"
        try:
            answer = self._redeem_form(promise.form)
        except TurnedAway:
            promise.state = "answered"
            raise
        assert answer.status_code == 200, f"the {promise.kind} was refused: {answer.text[:400]}"
        promise.state, promise.used = "used", time.monotonic()
        return answer.json()

    def _redeem_form(self, form: dict) -> requests.Response:
        return self.http.post(self.token_url, data={k: v for k, v in form.items() if k != "owner"}, timeout=20)

    def _keep_refresh(self, tokens: dict, client: dict):
        scope = f"{AKS_SERVER}/.default" if client["client_id"] == AKS_CLIENT else "openid offline_access"
        self.ledger.add(Promise("refresh", client | {
            "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "scope": scope, "owner": self}))

    def _own(self, **form) -> dict:
        return {"client_id": self.app.app, "client_secret": self.app.secret, **form}

    def _json(self, answer: requests.Response) -> dict:
        assert answer.status_code == 200, f"{answer.url}: {answer.status_code} {answer.text[:400]}"
        return answer.json()

    def _approve(self, address: str, code: str) -> bool:
        """Whether the code was taken."""
        page = self.browser.open(address)
        page = self.browser.fill(page.form("otc"), otc=code)
        for _ in range(6):
            assert not isinstance(page, Arrived), f"the pages lead away, to {page.url}"
            if page.marks.get("device-done", {}).get("data-result") == "approved":
                return True
            if "device-confirm-form" in page.marks:
                form = page.form("decision")
                page = self.browser.fill(form, press=("decision", "approve"), **{name: "on" for name in form.boxes})
            else:
                before, page = page, self.browser.step(page)
                assert page, f"no way on from {before.url}:\n{before.html[before.html.find('<main'):][:600]}"
        raise AssertionError("the pages lead in circles")


def prepare(server: Server, office: Office):
    """The people and the application of a crowd."""
    server.people = [office.hire("crowd") for _ in range(8)]
    server.app = register(office, "crowd-web", secret=True, web={"redirectUris": [SIGNED_IN]})
    server.app.redirect = SIGNED_IN


def crowd(server: Server, ledger: Ledger, many: int) -> list[Client]:
    """So many clients of the server's people; everybody signs in once, what follows goes by their sessions."""
    people = server.people
    clients = [Client(server, ledger, number, people[number % len(people)], server.app) for number in range(many)]
    first = clients[: len(people)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Client.code, first))
    for number, client in enumerate(clients[len(first):]):
        client.browser.http.cookies.update(first[number % len(first)].browser.http.cookies)
    return clients


def rush(clients: list[Client], stop: threading.Event) -> list[threading.Thread]:
    """Lets all of them begin at once."""
    threads = [threading.Thread(target=client.work, args=(stop,), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    return threads


@contextmanager
def rushing(clients: list[Client]):
    """All of them, as long as the block lasts; whoever saw something odd ends it."""
    stop = threading.Event()
    threads = rush(clients, stop)
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a request hangs"
    assert not clients[0].ledger.odd, clients[0].ledger.odd[:3]


def results(client: Client, promises: list[Promise]) -> list[tuple[int, str | None, int | None]]:
    """Redeems each and gives the status, the error and the number of each answer."""
    def redeem(promise):
        answer = client._redeem_form(promise.form)
        body = answer.json()
        return answer.status_code, body.get("error"), (body.get("error_codes") or [None])[0]

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(redeem, promises))
