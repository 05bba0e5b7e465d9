"""Signed tokens as an attacker makes them: each way in which a JOSE library was once talked into believing one."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def b64(data: bytes | str | dict) -> str:
    if isinstance(data, dict):
        data = json.dumps(data)
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Key:
    """An RSA key with the ways to publish it."""

    def __init__(self, key: rsa.RSAPrivateKey | None = None):
        self.private = key or rsa.generate_private_key(65537, 2048)
        self.public = self.private.public_key()

    @classmethod
    def of_pem(cls, pem: str) -> "Key":
        return cls(serialization.load_pem_private_key(pem.encode(), None))

    def sign(self, header: dict, claims: dict | str, pss=False) -> str:
        signed = f"{b64(header)}.{b64(claims)}"
        how = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else padding.PKCS1v15()
        return f"{signed}.{b64(self.private.sign(signed.encode(), how, hashes.SHA256()))}"

    def jwk(self, kid: str) -> dict:
        numbers = self.public.public_numbers()
        n = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        return {"kty": "RSA", "use": "sig", "kid": kid, "n": b64(n), "e": b64(numbers.e.to_bytes(3, "big"))}

    def pem(self) -> bytes:
        return self.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass
class Original:
    """A token that is good, as a thief or a client has it, and the public key that it was signed with."""

    header: dict
    claims: dict
    token: str
    public: bytes
    # Where an attacker's own keys are published.
    elsewhere: str = "http://127.0.0.1:9/keys"


THIEF = Key()


def _hmac(it: Original, secret: bytes, algorithm="HS256") -> str:
    signed = f"{b64(it.header | {'alg': algorithm})}.{b64(it.claims)}"
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
    return f"{signed}.{b64(hmac.new(secret, signed.encode(), digest).digest())}"


def _parts(it: Original) -> list[str]:
    return it.token.split(".")


def _flattened(it: Original) -> str:
    header, payload, signature = _parts(it)
    return json.dumps({"protected": header, "payload": payload, "signature": signature})


def _general(it: Original) -> str:
    header, payload, signature = _parts(it)
    good = {"protected": header, "signature": signature}
    forged = dict(zip(("protected", "payload", "signature"), THIEF.sign(it.header, it.claims).split("."), strict=True))
    return json.dumps({"payload": payload, "signatures": [{"protected": forged["protected"], "signature": forged["signature"]}, good]})


def _loose_bits(it: Original) -> str:
    """The same bytes in another spelling: the last letter of a signature of 256 bytes has bits that say nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(it.token[-1])
    other = it.token[:-1] + alphabet[last ^ 1]
    assert unb64(other.split(".")[2]) == unb64(_parts(it)[2]), "the bits do say something"
    return other


def _standard_alphabet(it: Original) -> str:
    header, payload, signature = _parts(it)
    return f"{header}.{payload}.{signature.replace('-', '+').replace('_', '/')}="


# What nobody can make work without the private key, whatever the token is for. Each is refused everywhere.
FORGED: dict[str, Callable[[Original], str]] = {
    "alg none": lambda it: f"{b64(it.header | {'alg': 'none'})}.{b64(it.claims)}.",
    "alg NoNe in mixed case": lambda it: f"{b64(it.header | {'alg': 'NoNe'})}.{b64(it.claims)}.",
    "alg none with the old signature": lambda it: f"{b64(it.header | {'alg': 'none'})}.{b64(it.claims)}.{_parts(it)[2]}",
    "no alg": lambda it: f"{b64({k: v for k, v in it.header.items() if k != 'alg'})}.{b64(it.claims)}.{_parts(it)[2]}",
    "HS256 with the public key in PEM": lambda it: _hmac(it, it.public),
    "HS256 with the public key in PEM without its last line end": lambda it: _hmac(it, it.public.rstrip()),
    "HS512 with the public key in PEM": lambda it: _hmac(it, it.public, "HS512"),
    "HS256 with an empty key": lambda it: _hmac(it, b""),
    "another's signature": lambda it: THIEF.sign(it.header, it.claims),
    "another's PSS signature": lambda it: THIEF.sign(it.header | {"alg": "PS256"}, it.claims, pss=True),
    "a key of its own inside": lambda it: THIEF.sign(it.header | {"jwk": THIEF.jwk("thief")}, it.claims),
    "an address of keys": lambda it: THIEF.sign(it.header | {"jku": it.elsewhere, "kid": "thief"}, it.claims),
    "an address of certificates": lambda it: THIEF.sign(it.header | {"x5u": it.elsewhere, "kid": "thief"}, it.claims),
    "a certificate of its own inside": lambda it: THIEF.sign(it.header | {"x5c": [base64.b64encode(THIEF.pem()).decode()]}, it.claims),
    "a kid that is a path": lambda it: _hmac(Original(it.header | {"kid": "../../../../../../dev/null"}, it.claims, "", b""), b""),
    "a kid that is a query": lambda it: _hmac(Original(it.header | {"kid": "' UNION SELECT 'AA' --"}, it.claims, "", b""), b"AA"),
    "no kid": lambda it: THIEF.sign({"alg": "RS256", "typ": "JWT"}, it.claims),
    "an empty signature": lambda it: ".".join([*_parts(it)[:2], ""]),
    "no signature at all": lambda it: ".".join(_parts(it)[:2]),
    "two signatures": lambda it: f"{it.token}.{_parts(it)[2]}",
    "JSON, flattened": _flattened,
    "JSON with two signatures": _general,
    "a changed claim": lambda it: ".".join([_parts(it)[0], b64(it.claims | {"exp": int(time.time()) + 86400}), _parts(it)[2]]),
    "a claim twice": lambda it: ".".join([_parts(it)[0], b64(json.dumps(it.claims)[:-1] + ', "sub": "somebody"}'), _parts(it)[2]]),
    "bits that say nothing": _loose_bits,
    "padding": lambda it: f"{it.token}==",
    "the other alphabet": _standard_alphabet,
    "a line end inside": lambda it: it.token[: len(it.token) // 2] + "\n" + it.token[len(it.token) // 2 :],
    "a null inside": lambda it: it.token.replace(".", ".\0", 1),
    "encrypted, in five parts": lambda it: ".".join([b64({"alg": "dir", "enc": "A256GCM"}), "", b64("iv"), b64("text"), b64("tag")]),
    "a token in a token": lambda it: THIEF.sign(it.header | {"cty": "JWT"}, it.claims | {"at": it.token}),
    "nested too deep": lambda it: THIEF.sign(it.header, '{"a":' * 5000 + "1" + "}" * 5000),
    "no object": lambda it: THIEF.sign(it.header, '["a"]'),
    "nothing": lambda it: "..",
}

# What a holder of the right key may sign and still is refused.
SIGNED: dict[str, Callable[[Key, dict, dict], str]] = {
    "crit": lambda key, header, claims: key.sign(header | {"crit": ["exp"]}, claims),
    "crit, empty": lambda key, header, claims: key.sign(header | {"crit": []}, claims),
    "crit, nothing": lambda key, header, claims: key.sign(header | {"crit": None}, claims),
    "unencoded payload": lambda key, header, claims: key.sign(header | {"b64": False, "crit": ["b64"]}, claims),
    "a claim twice": lambda key, header, claims: key.sign(header, json.dumps(claims)[:-1] + f', "sub": {json.dumps(claims["sub"])}}}'),
    "too long": lambda key, header, claims: key.sign(header, claims | {"padding": "x" * 60_000}),
    "alg none beside a good signature": lambda key, header, claims: key.sign(header | {"alg": "none"}, claims),
    "HS256 beside a good signature": lambda key, header, claims: key.sign(header | {"alg": "HS256"}, claims),
}


def fresh(claims: dict) -> dict:
    """The same claims as a new token, so that no refusal comes from its having been used."""
    now = int(time.time())
    return claims | {"jti": str(uuid.uuid4()), "iat": now, "nbf": now, "exp": now + 300}


def read(token: str) -> tuple[dict, dict]:
    header, claims, _ = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims))
