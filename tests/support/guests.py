"""The people and applications of the stories about other people's clients. Nobody else uses them."""

from functools import cached_property
from pathlib import Path

import jwt

from .office import Hired, Office
from .registered import Registration, consent_for_all, register
from .server import Server

AKS_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
AKS_CLIENT = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
AZ = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
GRAPH = "https://graph.microsoft.com"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
ARM = "https://management.core.windows.net/"

SIGNED_IN = "https://clients.example/signed-in"
SIGNED_OUT = "https://clients.example/signed-out"
# What the demo's issuer says in the token that it writes down.
PIPELINE = {
    "issuer": "https://issuer.demo.entrance.example", "subject": "system:serviceaccount:ci:deployer", "audiences": ["api://AzureADTokenExchange"],
}


class Guests:
    """Made when a story first asks for them."""

    def __init__(self, server: Server):
        self.server, self.office = server, Office(server)

    @cached_property
    def person(self) -> Hired:
        return self.office.hire("clients-guest")

    @cached_property
    def web(self) -> Registration:
        """A web application that keeps secrets, signs people in, and is an API of its own."""
        web = {"redirectUris": [SIGNED_IN, SIGNED_OUT], "implicitGrantSettings": {"enableIdTokenIssuance": True}}
        made = register(self.office, "clients-web", secret=True, certificate=True, scope="access", web=web)
        made.redirect = SIGNED_IN
        return made

    @cached_property
    def native(self) -> Registration:
        """A program on people's own machines, which can keep no secret."""
        made = register(self.office, "clients-native", public=True, scope="access", publicClient={"redirectUris": ["http://localhost", SIGNED_IN]})
        made.redirect = SIGNED_IN
        return made

    @cached_property
    def workload(self) -> Registration:
        """A program that proves itself with a token of somebody else."""
        return register(self.office, "clients-workload", federated=PIPELINE)

    @cached_property
    def pages(self) -> Registration:
        """A web application that an administrator allowed everything it asks; nothing is asked on the way to it."""
        made = register(self.office, "clients-pages", secret=True, web={"redirectUris": [SIGNED_IN]})
        consent_for_all(self.office, made, GRAPH_APP, "openid profile User.Read")
        made.redirect = SIGNED_IN
        return made

    @cached_property
    def asking(self) -> Registration:
        """A program that nobody allowed anything yet."""
        made = register(self.office, "clients-asking", public=True, publicClient={"redirectUris": [SIGNED_IN]})
        made.redirect = SIGNED_IN
        return made

    @property
    def foreign_token(self) -> str:
        return Path(self.server.env["SP_FIC_TOKEN"]).read_text().strip()

    def authorize(self, query: str) -> str:
        return f"{self.office.url}/{self.office.tenant}/oauth2/v2.0/authorize?{query}"

    def user_token(self) -> str:
        """A token of the person for the web application as an API, as the native program got it."""
        return self.office.token(self.person, self.web.uri, self.native_for_web.app)

    @cached_property
    def native_for_web(self) -> Registration:
        """The native program, once an administrator consented to what it does with the web application."""
        consent_for_all(self.office, self.native, self.web.app, "access")
        consent_for_all(self.office, self.web, GRAPH_APP, "User.Read")
        return self.native

    def verified(self, token: str, audience: str, version: str = "1.0") -> dict:
        """The claims of a token of this tenant, under the eyes of PyJWT."""
        document = self.server.http().get(f"{self.office.url}/{self.office.tenant}/discovery/v2.0/keys", timeout=30).json()
        keys = {key["kid"]: key for key in document["keys"]}
        issuer = f"{self.office.url}/{self.office.tenant}/" + ("v2.0" if version == "2.0" else "")
        claims = jwt.decode(
            token, jwt.PyJWK(keys[jwt.get_unverified_header(token)["kid"]]), algorithms=["RS256"], audience=audience, issuer=issuer,
            options={"require": ["exp", "iat", "nbf", "sub", "oid", "tid"]},
        )
        assert claims["ver"] == version
        return claims
