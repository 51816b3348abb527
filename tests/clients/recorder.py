"""A reverse proxy that records what a client asks of the server, and how many bytes it gets."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CHUNK_BYTES = 64 * 1024
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Answer:
    """What the server answered to one request."""

    method: str
    """Of OpenSubsonic: `getAlbum`."""
    parameters: dict[str, str]
    status: int
    body: bytes


@contextmanager
def recorded(url: str) -> Iterator[tuple[str, list[Answer]]]:
    """Yield the address of a proxy before `url`, and a list of its answers, in the order in which they ended."""
    answers: list[Answer] = []
    server_address = urlsplit(url).netloc

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            connection = http.client.HTTPConnection(server_address, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            connection.request("GET", self.path, headers=headers)
            answer = connection.getresponse()
            self.send_response(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.end_headers()
            body = bytearray()
            with suppress(ConnectionError):  # a player may end a stream
                while chunk := answer.read(CHUNK_BYTES):
                    self.wfile.write(chunk)
                    body += chunk
            connection.close()
            asked = urlsplit(self.path)
            method = asked.path.rpartition("/")[2].removesuffix(".view")
            parameters = {name: values[-1] for name, values in parse_qs(asked.query).items()}
            answers.append(Answer(method, parameters, answer.status, bytes(body)))

        def log_message(self, *_: object) -> None:
            """Log nothing: a test that fails shows the answers."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", answers
    finally:
        server.shutdown()
        server.server_close()
