"""docs/kubernetes-rbac.md as its readers type it: every command, in order, against a real API server."""

import secrets

import pytest

from support.office import Hired, Office
from support.paths import ROOT
from support.people import Person
from support.walkthrough import Terminal, blocks, judge

PAGE = ROOT / "docs" / "kubernetes-rbac.md"
BLOCKS = blocks(PAGE)
SECTIONS = list(dict.fromkeys(block.section for block in BLOCKS))


class Reader:
    """Goes through the page once, whatever part of it is asked for first."""

    def __init__(self, server, admin, homes):
        office = Office(server)
        me = office.graph("GET", "/me")["id"]
        office.cluster("rbac-guide", office.group(me, name="rbac-guide-admins"))
        self.terminal = Terminal(
            homes / "rbac-guide", TENANT=office.tenant, DOMAIN=office.domain, RG=server.env["RESOURCE_GROUP"], CLUSTER="rbac-guide",
        )
        self.next, self.failed = 0, None
        self.people = {
            "the administrator": self.administrator(server, admin, homes), "the pipeline": Person(server, homes / "rbac-pipeline", "rbac-pipeline").register_cloud(),
        }
        for name, local in {"maren": "maren", "otis": "otis", "gail": "gail_partner.example#EXT#"}.items():
            hired = hire(office, name, f"{local}@{office.domain}")
            self.people[name] = Person(server, homes / f"rbac-{name}", name, hired.upn, hired.password).register_cloud()

    def administrator(self, server, admin, homes) -> Person:
        """With a kubeconfig and a sign-in of this story alone: two homes that shared one would use up each other's refresh tokens."""
        person = Person(server, homes / "rbac-administrator", "administrator", admin.upn, admin.password)
        person.login_by_device_code()
        return person

    def read(self, section: str):
        """Everything up to the end of a section."""
        last = max(at for at, block in enumerate(BLOCKS) if block.section == section)
        while self.next <= last:
            assert not self.failed, f"the page ended before this: {self.failed}"
            block = BLOCKS[self.next]
            self.next, self.failed = self.next + 1, f"line {block.line}"
            self.run(block)
            self.failed = None

    def run(self, block):
        person = self.people[block.who]
        self.terminal.sit_down(person.use("ours"))
        asked_again = set()
        for command in block.commands:
            where = f"{PAGE.name}:{command.line} ({block.who})"
            result = self.terminal.type(command.text)
            wanted = [self.terminal.filled_in(words) for words in command.prints]
            judge(where, command, wanted, result)
            # One question that is answered and one that is refused in each block, with the original kubelogin too.
            if command.only_asks and block.who != "the administrator" and command.refused not in asked_again:
                asked_again.add(command.refused)
                self.terminal.sit_down(person.use("stock"))
                judge(f"{where} with the original kubelogin", command, wanted, self.terminal.type(command.text))
                self.terminal.sit_down(person.use("ours"))


def hire(office: Office, name: str, upn: str) -> Hired:
    password = f"Aa1!{secrets.token_urlsafe(12)}"
    made = office.graph("POST", "/users", {
        "accountEnabled": True, "displayName": name.title(), "mailNickname": name, "userPrincipalName": upn,
        "passwordProfile": {"password": password, "forceChangePasswordNextSignIn": False},
    })
    return Hired(made["id"], made["userPrincipalName"], password)


@pytest.fixture(scope="module")
def reader(server, admin, homes):
    reader = Reader(server, admin, homes)
    yield reader
    reader.terminal.close()


@pytest.mark.parametrize("section", SECTIONS)
def test_the_guide_does_what_it_says(reader, section):
    reader.read(section)


def test_the_guide_tells_of_refusals_and_of_everybody():
    """A page that lost its marks would be read without a word of protest."""
    commands = [command for block in BLOCKS for command in block.commands]
    assert sum(command.refused for command in commands) >= 10
    assert all(command.prints for command in commands if command.refused)
    assert {block.who for block in BLOCKS} == {"the administrator", "maren", "otis", "the pipeline", "gail"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("echo one\n#> two", "it prints `two`"),
        ("false", "it failed"),
        ("echo fine\n#! refused", "nobody refused it"),
        ("name=Ada\necho Bob\n#> $name", "it prints `Ada`"),
        ("cat <<END\nBob\nEND\n#> Ada", "it prints `Ada`"),
    ],
)
def test_a_page_that_says_something_else_is_noticed(tmp_path, typed, said):
    page, terminal = tmp_path / "page.md", Terminal(tmp_path / "terminal")
    page.write_text(f"## A section\n\n```sh\n# somebody\n{typed}\n```\n")
    try:
        with pytest.raises(AssertionError) as error:
            for command in blocks(page)[0].commands:
                judge("page.md", command, [terminal.filled_in(words) for words in command.prints], terminal.type(command.text))
    finally:
        terminal.close()
    assert said in str(error.value)
