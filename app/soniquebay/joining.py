"""How a worker on another machine joins: both sides prove that they know the join code, which is never sent.

A code has 79 random bits, so nobody can try all of them against a proof that was overheard.
"""

import hashlib
import hmac
import secrets

# People copy it from one screen to another: lower-case letters and digits without those that look alike.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
GROUPS, GROUP_CHARACTERS = 4, 4


def make_code() -> str:
    """Return a new join code, in groups."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_CHARACTERS)) for _ in range(GROUPS))
    return "-".join(groups)


def request_proof(code: str, name: str, version: str, feature_version: int, certificate_request: str) -> str:
    """Return the proof of a worker that wants to join: hexadecimal digits."""
    return _proof(code, "join", name, version, str(feature_version), certificate_request)


def answer_proof(code: str, certificate_request: str, certificate: str, authority: str, port: int) -> str:
    """Return the proof of the appliance that has let a worker join: hexadecimal digits."""
    return _proof(code, "joined", certificate_request, certificate, authority, str(port))


def token_of(code: str, certificate_request: str) -> str:
    """Return the token of a worker, which both sides derive: hexadecimal digits."""
    return _proof(code, "token", certificate_request)


def token_hash(token: str) -> bytes:
    """Return what the appliance keeps of a token. The token is random, so a plain hash does."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def is_equal(proof: str, expected: str) -> bool:
    """Compare two proofs in a time that does not depend on them."""
    return hmac.compare_digest(proof.encode("utf-8", "surrogatepass"), expected.encode())


def _proof(code: str, purpose: str, *parts: str) -> str:
    key = "".join(code.lower().replace("-", "").split())
    # With their lengths, so that no two lists of parts are the same text.
    text = "".join(f"{len(part)}:{part}" for part in (purpose, *parts))
    return hmac.new(key.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
