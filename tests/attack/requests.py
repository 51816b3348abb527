"""What hostile clients send: each kind makes the bytes of one connection, by a random generator that a seed repeats."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from soniquebay.api.opensubsonic.routes import METHODS

HOST = b"Host: localhost\r\n"
PATHS = (
    "/", "/api/tracks", "/api/albums", "/api/artists", "/api/search", "/api/search/all", "/api/worker", "/api/queues",
    "/api/health", "/api/machine", "/api/map", "/api/radio", "/api/users", "/api/session", "/openapi.json",
    "/internal/x", "/api/tracks/1/similar", "/api/covers/album/1", "/apps", "/claim", "/sign-in", "/nothing",
)  # fmt: skip
PARAMETERS = (
    "id",
    "q",
    "query",
    "limit",
    "offset",
    "size",
    "count",
    "type",
    "cursor",
    "sort",
    "songId",
    "rating",
    "time",
)
VALUES = ("1", "-1", "0", "99999999999999999999", "1e999", "\x00", "\ud800", "../../etc/passwd",
          "'; DROP TABLE tracks;--", "%s%n", "𝕏" * 50, "a" * 300, "", "NaN", "[]", "true",
          "tr-1", "al-1", "ar-1")  # fmt: skip
METHOD_NAMES = sorted(METHODS)


@dataclass(frozen=True)
class Secrets:
    """What a hostile user knows: an app password that may manage."""

    name: str
    password: str

    @property
    def header(self) -> bytes:
        return f"Authorization: Bearer {self.password}\r\n".encode()

    @property
    def query(self) -> str:
        return f"u={quote(self.name)}&p={quote(self.password)}&v=1.16.1&c=attack&f=json"


@dataclass(frozen=True)
class Attack:
    """One connection."""

    pieces: list[bytes]
    """What is sent, one piece after another."""
    pause_seconds: float = 0.0
    """Before each further piece."""
    wait_seconds: float = 10.0
    """How long an answer is read, or waited for."""
    answer_bytes: int = 1 << 16
    """How much of the answer is read."""


Maker = Callable[[random.Random, Secrets], Attack]


def request(method: str, path: str, headers: bytes = b"", body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    head = f"{method} {path} HTTP/1.1\r\n".encode("utf-8", "surrogateescape")
    return head + HOST + b"Connection: close\r\n" + headers + length + b"\r\n" + body


def _text(rng: random.Random) -> str:
    return quote(rng.choice(VALUES), errors="surrogatepass", safe="")


def _query(rng: random.Random, count: int) -> str:
    return "&".join(f"{rng.choice(PARAMETERS)}={_text(rng)}" for _ in range(count))


def ordinary(rng: random.Random, secrets: Secrets) -> Attack:
    path = rng.choice(PATHS)
    return Attack([request(rng.choice(["GET"] * 6 + ["POST", "PUT", "DELETE"]), f"{path}?{_query(rng, 3)}",
                           rng.choice([b"", secrets.header]))])  # fmt: skip


def malformed(rng: random.Random, _: Secrets) -> Attack:
    return Attack([rng.choice([
        rng.randbytes(rng.randrange(1, 5000)) + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"\x00" * 100 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"G@T / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"POST /api/sign-in HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /api/sign-in HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
        b"POST /api/sign-in HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        b"POST /api/sign-in HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + rng.randbytes(200),  # TLS at a port without
    ])])  # fmt: skip


def slow_head(rng: random.Random, _: Secrets) -> Attack:
    return Attack([b"GET / HTTP/1.1\r\n", *[b"X-%d: y\r\n" % n for n in range(8)]], rng.uniform(0.1, 2), 5)


def slow_body(rng: random.Random, _: Secrets) -> Attack:
    head = b"POST /api/sign-in HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    return Attack([head, *[b"x"] * 8], rng.uniform(0.1, 2), 5)


def large_body(rng: random.Random, secrets: Secrets) -> Attack:
    path = rng.choice(["/api/sign-in", "/api/claim", "/api/playlists", "/api/queue", "/rest/ping"])
    piece = b"x" * (1 << 18)
    if rng.random() < 0.5:
        start = f"POST {path} HTTP/1.1\r\n".encode() + HOST + secrets.header + b"Content-Length: 400000000\r\n\r\n"
        return Attack([start, *[piece] * 8])
    start = f"POST {path} HTTP/1.1\r\n".encode() + HOST + secrets.header + b"Transfer-Encoding: chunked\r\n\r\n"
    return Attack([start, *[b"40000\r\n" + piece + b"\r\n"] * 8])


def deep_json(rng: random.Random, secrets: Secrets) -> Attack:
    depth = rng.choice([100, 10_000, 400_000])
    body = rng.choice([b"[" * depth, b'{"a":' * depth, b"[" * depth + b"]" * depth,
                       json.dumps({"name": "x" * 100_000, "rules": [{}] * 10_000}).encode()])  # fmt: skip
    path = rng.choice(["/api/sign-in", "/api/playlists", "/api/queue", "/api/plays", "/api/scan"])
    headers = secrets.header + b"Content-Type: application/json\r\n"
    return Attack([request(rng.choice(["POST", "PUT"]), path, headers, body[: 1 << 20])])


def huge_query(rng: random.Random, secrets: Secrets) -> Attack:
    path = rng.choice(["/api/search", "/api/tracks", "/rest/getSong", "/api/search/all"])
    text = rng.choice([f"q={'a' * 60_000}", _query(rng, 3000)[:60_000], "id=1&" * 10_000, f"q={quote('ñ ' * 5000)}",
                       "x" * 100_000])  # fmt: skip
    return Attack([request("GET", f"{path}?{text}", secrets.header)])


def ranges(rng: random.Random, secrets: Secrets) -> Attack:
    wanted = rng.choice([",".join(f"{n}-{n}" for n in range(5000)), "0-,0-,0-,0-", "-0", "5-2", "99999999999999999999-",
                         "0-0", "-1", "a-b", "0-18446744073709551616"])  # fmt: skip
    path = rng.choice(["download", "stream", "stream?format=mp3"])
    return Attack([request("GET", f"/api/tracks/{rng.randrange(1, 40)}/{path}",
                           secrets.header + f"Range: bytes={wanted}\r\n".encode())])  # fmt: skip


def rest(rng: random.Random, secrets: Secrets) -> Attack:
    # startScan is left out: the scan of the test is to be the only one.
    method = rng.choice([name for name in METHOD_NAMES if name.lower() != "startscan"])
    return Attack([request("GET", f"/rest/{method}?{secrets.query}&{_query(rng, 4)}")])


def listener(rng: random.Random, secrets: Secrets) -> Attack:
    headers = secrets.header + rng.choice([b"", b"Last-Event-ID: 1-0\r\n", b"Last-Event-ID: x\r\n"])
    return Attack([request("GET", f"/api/events?machine={rng.choice(['true', 'false'])}", headers)], 0, 1.0, 4096)


def silent(rng: random.Random, _: Secrets) -> Attack:
    return Attack([], 0, rng.uniform(0, 3))


# How often each kind comes.
KINDS: dict[Maker, int] = {
    ordinary: 24, malformed: 20, rest: 20, ranges: 10, huge_query: 8, deep_json: 6, large_body: 4, listener: 3,
    slow_head: 2, slow_body: 2, silent: 1,
}  # fmt: skip
