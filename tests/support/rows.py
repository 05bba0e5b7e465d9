"""The rows of the table in docs/guarantees.md that are measured beside each other at one cluster: what changes, and what it must lead to."""

import base64
import json
import random
import secrets
from dataclasses import dataclass

from .cluster import Door
from .freshness import API_SERVER_CACHE, Line, Sample, beside, run_all
from .office import Hired, Kube, Managed, Office

FORBIDDEN, UNAUTHORIZED, ALLOWED = {403}, {401}, {200}


@dataclass
class Scene:
    """One cluster with two admin groups, and its break-glass file for what a story binds itself."""

    office: Office
    cluster: Managed
    admins: str
    second: str
    door: Door
    kube: Kube

    @classmethod
    def build(cls, office: Office, name: str) -> "Scene":
        admins, second = office.group(name="admins"), office.group(name="second")
        cluster = office.cluster(name, admins, second)
        return cls(office, cluster, admins, second, cluster.door(), Kube(cluster.admin()))

    def team(self, *members: str) -> str:
        """A group inside the admin group."""
        group = self.office.group(*members, name="team")
        self.office.join(self.admins, group)
        return group

    def line(self, who, keep=True) -> Line:
        return Line(self.door.with_token(self.office.token(who)), keep)


# --- one kind of change each: makes who is asked for, and says what will change ---


def _person(scene: Scene, change, after, row, keep=True, before=None) -> Sample:
    person = scene.office.hire()
    team = scene.team(person.oid)
    return Sample(row, scene.line(person, keep), lambda: change(scene, person, team), after, before or ALLOWED)


def member_removed(scene, row, keep=True):
    return _person(scene, lambda s, person, team: s.office.leave(team, person.oid), FORBIDDEN, row, keep)


def nested_group_removed(scene, row, keep=True):
    return _person(scene, lambda s, _, team: s.office.leave(s.admins, team), FORBIDDEN, row, keep)


def group_deleted(scene, row, keep=True):
    return _person(scene, lambda s, _, team: s.office.graph("DELETE", f"/groups/{team}"), FORBIDDEN, row, keep)


def group_made_non_security(scene, row, keep=True):
    """Bound itself: a group that is no security group still leads to the groups around it, as it does in the original."""
    person = scene.office.hire()
    group = scene.office.group(person.oid)
    scene.kube.bind("cluster-admin", group)

    def change():
        scene.office.graph("PATCH", f"/groups/{group}", {"securityEnabled": False})

    return Sample(row, scene.line(person, keep), change, FORBIDDEN)


def person_disabled(scene, row, keep=True):
    return _person(scene, lambda s, person, _: s.office.graph("PATCH", f"/users/{person.oid}", {"accountEnabled": False}), UNAUTHORIZED, row, keep)


def person_deleted(scene, row, keep=True):
    return _person(scene, lambda s, person, _: s.office.graph("DELETE", f"/users/{person.oid}"), UNAUTHORIZED, row, keep)


def person_renamed(scene, row, keep=True):
    """Bound by name, and the name passes away; the groups stay out of it."""
    person = scene.office.hire()
    scene.kube.bind_user("cluster-admin", person.upn)

    def change():
        scene.office.graph("PATCH", f"/users/{person.oid}", {"userPrincipalName": f"renamed-{person.upn}"})

    return Sample(row, scene.line(person, keep), change, FORBIDDEN)


def member_added(scene, row, keep=True):
    """The other way round: somebody who was forbidden is let in."""
    person = scene.office.hire()
    team = scene.team()
    return Sample(row, scene.line(person, keep), lambda: scene.office.join(team, person.oid), ALLOWED, FORBIDDEN)


def _program(scene, change, row, keep):
    program = scene.office.program()
    scene.team(program.oid)
    return Sample(row, scene.line(program, keep), lambda: change(scene, program), UNAUTHORIZED)


def program_disabled(scene, row, keep=True):
    return _program(scene, lambda s, it: s.office.graph("PATCH", f"/servicePrincipals/{it.oid}", {"accountEnabled": False}), row, keep)


def program_deleted(scene, row, keep=True):
    return _program(scene, lambda s, it: s.office.graph("DELETE", f"/servicePrincipals/{it.oid}"), row, keep)


# --- the kill switch ---


def _revoked(scene, row, keep, what, who=None) -> Sample:
    """`what` gives the kind and the id or token to revoke, from the office, the holder and the token."""
    holder = who or scene.office.hire()
    scene.team(holder.oid)
    token = scene.office.token(holder)
    line = Line(scene.door.with_token(token), keep)

    def change():
        scene.office.graph("POST", "/entrance/revocations", {"reason": "the table of guarantees", **what(holder, token)})

    return Sample(row, line, change, UNAUTHORIZED)


def token_revoked(scene, row, keep=True):
    return _revoked(scene, row, keep, lambda _, token: {"kind": "token", "token": token})


def session_revoked(scene, row, keep=True):
    return _revoked(scene, row, keep, lambda _, token: {"kind": "session", "id": claims(token)["sid"]})


def person_revoked(scene, row, keep=True):
    return _person(scene, lambda s, person, _: s.office.graph("POST", f"/users/{person.oid}/revokeSignInSessions"), UNAUTHORIZED, row, keep)


def device_revoked(scene, row, keep=True):
    def device(person, _):
        sessions = scene.office.graph("GET", f"/entrance/sessions?user={person.oid}")["value"]
        return {"kind": "device", "id": sessions[0]["deviceId"]}

    return _revoked(scene, row, keep, device)


def application_revoked(scene, row, keep=True):
    program = scene.office.program()
    return _revoked(scene, row, keep, lambda it, _: {"kind": "application", "id": it.app}, program)


def password_reset(scene, row, keep=True):
    def change(s, person, _):
        profile = {"password": f"Bb2!{secrets.token_urlsafe(12)}", "forceChangePasswordNextSignIn": False}
        s.office.graph("PATCH", f"/users/{person.oid}", {"passwordProfile": profile})

    return _person(scene, change, UNAUTHORIZED, row, keep)


def claims(token: str) -> dict:
    """What a token says, unverified."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def binding_edited(scene, row, keep=True):
    """The API server's own affair: nobody is asked, its watch of its own store is all there is."""
    person = scene.office.hire()
    binding = scene.kube.bind("cluster-admin", scene.office.group(person.oid))
    return Sample(row, scene.line(person, keep), lambda: scene.kube.ask("DELETE", binding), FORBIDDEN, every=0.03)


ROWS = {
    "a member leaves a group": member_removed,
    "a group leaves the group around it": nested_group_removed,
    "a group is deleted": group_deleted,
    "a group is no security group any more": group_made_non_security,
    "a person is disabled": person_disabled,
    "a person is deleted": person_deleted,
    "a person is renamed, bound by name": person_renamed,
    "a service principal is disabled": program_disabled,
    "a service principal is deleted": program_deleted,
    "a member joins a group": member_added,
    "a token is revoked": token_revoked,
    "a session is revoked": session_revoked,
    "a person's sessions are revoked": person_revoked,
    "a device is revoked": device_revoked,
    "an application is revoked": application_revoked,
    "a person gets a new password": password_reset,
    "a binding is deleted (the API server's own)": binding_edited,
}


def prepare(scene: Scene, kept=2, new=1) -> list[Sample]:
    """Samples of every row: some over a kept connection, some over a new one for each question."""
    wanted = [(row, make, keep) for row, make in ROWS.items() for keep in [True] * kept + [False] * new]
    samples = beside(lambda each: each[1](scene, each[0], each[2]), wanted)
    for place, sample in enumerate(samples):
        # The first of each row changes just after the API server began to remember: the longest it can take. The others at any time.
        sample.pause = 0.2 if place % (kept + new) == 0 else 0.2 + (place * 2.3) % 7
    return samples


def admin_group_removed(scene: Scene, count=2) -> list[Sample]:
    """Members of the second admin group; the caller makes the one change for all of them."""
    people = beside(lambda _: scene.office.hire(), range(count))
    for person in people:
        scene.office.join(scene.second, person.oid)
    return [Sample("", scene.line(person), None, FORBIDDEN) for person in people]


def hire_inside(scene: Scene) -> Hired:
    """Somebody with every right."""
    person = scene.office.hire()
    scene.team(person.oid)
    return person


def removals(scene: Scene, count: int, at_once=50) -> list[Sample]:
    """Somebody leaves a group, many times, at any moment of the API server's memory."""
    done: list[Sample] = []
    while len(done) < count:
        batch = beside(lambda _: member_removed(scene, "removal"), range(min(at_once, count - len(done))))
        for sample in batch:
            sample.pause, sample.every = random.uniform(0.1, API_SERVER_CACHE), 0.2
        run_all(batch)
        done += batch
    return done
