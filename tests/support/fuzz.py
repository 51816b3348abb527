"""Requests that Schemathesis generates from an API's OpenAPI description, the same ones in each run."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.stack import free_port

SEED = "20"
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "5")  # for each route; `make fuzz` takes more


def fuzz(url: str, checks: str, folder: Path, *options: str) -> str:
    """Fuzz every route below `url`. Return Schemathesis' report of failures, or an empty text."""
    # One worker: in CPython 3.11 two threads that parse Python at the same time fail (AST constructor recursion depth
    # mismatch).
    run = subprocess.run(
        [str(Path(sys.executable).with_name("st")), "run", f"{url}/openapi.json", "--checks", checks,
         "--seed", SEED, "--max-examples", EXAMPLES, "--workers", "1", "--generation-database", "none",
         "--request-timeout", "60", "--suppress-health-check", "all", "--no-color", *options],
        check=False, capture_output=True, text=True, cwd=folder, timeout=1800,
    )  # fmt: skip
    return "" if run.returncode == 0 else run.stdout + run.stderr


@contextmanager
def relay(target: str) -> Iterator[str]:
    """Yield a URL that leads to a Unix socket."""
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
        target_reader, target_writer = await asyncio.open_unix_connection(target)
        await asyncio.gather(copy(reader, target_writer), copy(target_reader, writer))

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
