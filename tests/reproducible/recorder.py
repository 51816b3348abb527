"""A package mirror that always returns the same bytes: what it fetched once from the real one, it reads from disk."""

from __future__ import annotations

import hashlib
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def mirror(origins: Mapping[str, str], store: Path) -> Iterator[str]:
    """Serve `/<name>/…` from `origins[name]/…`; yields the address. Files in `store` are named after their address."""
    store.mkdir(parents=True, exist_ok=True)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name, _, rest = self.path.lstrip("/").partition("/")
            if name not in origins:
                self.send_error(404)
                return
            stored = store / hashlib.sha256(f"{origins[name]}/{rest}".encode()).hexdigest()
            with lock:
                status = fetch(f"{origins[name]}/{rest}", stored)
            if status != 200:
                self.send_error(status)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(stored.stat().st_size))
            self.end_headers()
            with stored.open("rb") as content:
                shutil.copyfileobj(content, self.wfile)

        def log_message(self, *_: object) -> None:
            """Log nothing: apt reports what it fetches."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def fetch(address: str, stored: Path) -> int:
    """Fetch a file, or the fact that there is none, unless it is stored; returns the HTTP status."""
    missing = stored.with_suffix(".missing")
    if stored.exists():
        return 200
    if missing.exists():
        return 404
    partial = stored.with_suffix(".partial")
    try:
        with urllib.request.urlopen(address, timeout=120) as answer, partial.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            missing.touch()
        return error.code
    partial.rename(stored)
    return 200
