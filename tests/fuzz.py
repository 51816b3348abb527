"""Requests made up from an API's own OpenAPI description by Schemathesis, the same in each run."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stack import free_port

SEED = "20"
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "5")  # a route; `make fuzz` takes more


def fuzz(url: str, checks: str, folder: Path, *options: str) -> str:
    """Fuzz every route below `url`; returns what was found, or an empty text."""
    # One worker: two threads that parse Python at once fail in CPython 3.11 (AST constructor recursion depth mismatch).
    run = subprocess.run(
        [str(Path(sys.executable).with_name("st")), "run", f"{url}/openapi.json", "--checks", checks,
         "--seed", SEED, "--max-examples", EXAMPLES, "--workers", "1", "--generation-database", "none",
         "--request-timeout", "60", "--suppress-health-check", "all", "--no-color", *options],
        check=False, capture_output=True, text=True, cwd=folder, timeout=1800,
    )  # fmt: skip
    return "" if run.returncode == 0 else run.stdout + run.stderr


@contextmanager
def relay(target: str) -> Iterator[str]:
    """Let a Unix socket be reached at a URL."""
    port, loop, ready = free_port(), asyncio.new_event_loop(), threading.Event()

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(target)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    async def serve() -> None:
        await asyncio.start_server(join, "127.0.0.1", port)
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
