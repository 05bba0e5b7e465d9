"""Two libraries that follow the specifications to the letter, openid-client being certified: each through every flow that it has.

They know nothing of Entra. What they accept is OpenID Connect; `jose` verifies the access tokens.
"""

import pytest

from support.guests import AKS_CLIENT, AKS_SERVER, GRAPH_APP, SIGNED_OUT
from support.scripts import Failed, play
from support.visitor import Visitor

BOTH = pytest.mark.parametrize("library", ["oauth4webapi", "openid-client"])
PROOFS = pytest.mark.parametrize("proof", ["post", "basic", "key"])
SIGN_IN = "openid profile email offline_access"


@pytest.fixture(scope="module")
def web(guests):
    """What the web application knows of itself, by the way it proves itself."""
    it = guests.web
    about = {"client": it.app, "redirect": it.redirect, "scope": SIGN_IN, "audience": GRAPH_APP, "version": "1.0"}
    proofs = {
        "post": {"secret": it.secret}, "basic": {"secret": it.secret, "basic": True}, "key": {"key": it.certificate.key, "kid": it.certificate.kid},
    }
    return lambda proof="post": about | proofs[proof]


@pytest.fixture
def native(guests):
    return {"client": guests.native.app, "redirect": guests.native.redirect, "scope": SIGN_IN, "audience": GRAPH_APP, "version": "1.0"}


def is_id_token_of(claims, guests, client):
    """S-404: whose it is and for whom."""
    assert (claims["aud"], claims["ver"], claims["oid"]) == (client, "2.0", guests.person.oid)
    assert claims["preferred_username"].lower() == guests.person.upn.lower()
    assert "groups" not in claims and "amr" not in claims


@BOTH
@PROOFS
def test_s_203_a_web_application_signs_somebody_in_with_every_proof_it_has(server, guests, web, library, proof):
    told = play(server, library, "query", guests.person, **web(proof))
    is_id_token_of(told["claims"], guests, guests.web.app)
    assert told["access"]["appidacr"] == {"post": "1", "basic": "1", "key": "2"}[proof]


@BOTH
def test_s_106_a_public_client_signs_somebody_in_with_pkce(server, guests, native, library):
    told = play(server, library, "query", guests.person, **native)
    is_id_token_of(told["claims"], guests, guests.native.app)
    assert told["access"]["appidacr"] == "0"


@BOTH
def test_s_103_the_answer_may_come_in_a_form(server, guests, web, library):
    told = play(server, library, "formPost", guests.person, **web())
    is_id_token_of(told["claims"], guests, guests.web.app)


@BOTH
def test_s_108_max_age_brings_the_time_of_the_sign_in(server, guests, web, library):
    claims = play(server, library, "maxAge", guests.person, **web())["claims"]
    assert claims["iat"] - 300 <= claims["auth_time"] <= claims["exp"]


@BOTH
def test_s_102_a_code_comes_with_an_id_token_that_seals_it(server, guests, web, library):
    is_id_token_of(play(server, library, "hybrid", guests.person, **web())["claims"], guests, guests.web.app)


def test_s_103_a_token_in_the_answer_goes_into_the_fragment(server, guests, web):
    is_id_token_of(play(server, "oauth4webapi", "hybridFragment", guests.person, **web())["claims"], guests, guests.web.app)


def test_s_104_a_client_of_two_servers_notices_a_mix_up(server, guests, web):
    told = play(server, "oauth4webapi", "mixUp", guests.person, **web())
    assert told["iss"] == f"{server.env['ENTRANCE_URL'].rstrip('/')}/{server.env['TENANT']}/v2.0"
    assert "iss" in told["refused"]


@BOTH
@pytest.mark.parametrize("kind", ["web", "native"])
def test_s_220_a_refresh_token_is_exchanged_for_the_next(server, guests, web, native, library, kind):
    told = play(server, library, "refresh", guests.person, **(web() if kind == "web" else native))
    assert told["again"] in (None, told["sub"])
    assert told["rotated"] in (True, 3)


@BOTH
def test_s_121_who_signed_in_is_told_with_the_same_subject(server, guests, web, library):
    told = play(server, library, "userInfo", guests.person, **web())
    assert told["info"]["sub"] == told["claims"]["sub"]
    assert told["info"]["name"] == told["claims"]["name"]


@BOTH
def test_s_230_a_device_signs_somebody_in(server, guests, library):
    told = play(server, library, "device", guests.person, client=AKS_CLIENT, scope=f"{AKS_SERVER}/.default openid offline_access", audience=AKS_SERVER)
    is_id_token_of(told["claims"], guests, AKS_CLIENT)
    assert told["access"]["oid"] == guests.person.oid


def test_s_230_a_device_that_nobody_approved_has_to_wait(server, guests):
    with pytest.raises(Failed) as waiting:
        play(server, "oauth4webapi", "devicePending", client=AKS_CLIENT, scope=f"{AKS_SERVER}/.default openid", audience=AKS_SERVER)
    assert waiting.value.what["error"] == "authorization_pending"


@BOTH
@PROOFS
def test_s_240_a_program_signs_in_as_itself(server, guests, web, library, proof):
    about = web(proof) | {"scope": f"{guests.web.uri}/.default", "audience": guests.web.app, "version": "2.0"}
    told = play(server, library, "clientCredentials", **about)
    assert told["access"]["idtyp"] == "app" and told["access"]["azp"] == guests.web.app
    assert told["access"]["azpacr"] == {"post": "1", "basic": "1", "key": "2"}[proof]
    assert "scp" not in told["access"]
    if library == "oauth4webapi":
        assert told["members"] == ["access_token", "expires_in", "ext_expires_in", "token_type"]


def test_s_204_a_wrong_secret_is_an_invalid_client(server, guests, web):
    about = web() | {"scope": f"{guests.web.uri}/.default", "secret": "not-the-secret"}
    with pytest.raises(Failed) as refused:
        play(server, "oauth4webapi", "refused", **about)
    assert refused.value.what["error"] == "invalid_client"


@pytest.mark.parametrize("more", [{"prompt": "none"}], ids=["nobody is signed in"])
def test_s_107_without_a_page_nobody_is_signed_in(server, guests, web, more):
    with pytest.raises(Failed) as refused:
        play(server, "openid-client", "refused", visitor=Visitor(server), **web(), more=more)
    assert refused.value.what["error"] in ("login_required", "interaction_required")


def test_s_107_without_a_page_who_is_signed_in_goes_on(server, guests, web):
    visitor = Visitor(server, guests.person)
    first = play(server, "openid-client", "query", guests.person, visitor=visitor, **web())
    seen = len(visitor.seen)
    again = play(server, "openid-client", "refused", guests.person, visitor=visitor, **web(), more={"prompt": "none"})
    assert again["claims"]["sub"] == first["claims"]["sub"]
    assert len(visitor.seen) == seen, "a page was shown"


def test_s_120_signing_out_leads_back_and_ends_the_session(server, guests, web):
    visitor = Visitor(server, guests.person)
    came = play(server, "openid-client", "logout", guests.person, visitor=visitor, **web(), afterwards=SIGNED_OUT)["came"]
    assert came["url"] == f"{SIGNED_OUT}?state=bye"
    with pytest.raises(Failed) as refused:
        play(server, "openid-client", "refused", guests.person, visitor=visitor, **web(), more={"prompt": "none"})
    assert refused.value.what["error"] in ("login_required", "interaction_required")


def test_s_020_the_document_says_what_is_true(server, guests, web):
    document = play(server, "oauth4webapi", "metadata", **web())
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["subject_types_supported"] == ["pairwise"]
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]
