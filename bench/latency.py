"""From a request to the start of its task in an idle worker: now, and by the way it once went.

    python -m bench.latency [--count 200] [--json FILE]

Now: POST /api/tracks/{id}/vector, the API sends the task itself. The old way: the same POST published an event on
Redis, a listener process of its own took it and sent the task. Both in one run, in turn, on the same Redis and worker;
all times are of this machine's one clock, and the end is the worker's own event that the task has begun.
"""

import argparse
import http.client
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import redis

from tests.support.audio_files import tone
from tests.support.stack import Stack, free_port, wait_until

GAP = 0.05  # seconds after a task's end before the next request: the worker is idle
CHANNEL = "bench:vector"
OLD_API = f"""
import json, sys
import redis, uvicorn
from soniquebay.api.server import make_services
from soniquebay.api.public import public_app
from soniquebay.settings import settings
from soniquebay.library import queries
services = make_services(settings())
app = public_app(services)
broker = redis.Redis.from_url(settings().redis)
@app.post("/old/tracks/{{track_id}}/vector", status_code=202)
def old(track_id: int) -> dict[str, int]:
    path = queries.track_path(services.database.reader(), track_id)
    broker.publish("{CHANNEL}", json.dumps(dict(track_id=track_id, path=path)))
    return dict(track_id=track_id)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
"""
LISTENER = f"""
import json
import redis
from soniquebay.settings import settings
from soniquebay.worker.app import send
listener = redis.Redis.from_url(settings().redis).pubsub(ignore_subscribe_messages=True)
listener.subscribe("{CHANNEL}")
for message in listener.listen():
    send("vector.calculate", **json.loads(message["data"]))
"""


class Starts:
    """Hears from the worker's events when a task began and ended."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        os.environ.update({name: value for name, value in environment.items() if name.startswith("SONIQUEBAY_")})
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        from soniquebay.worker.app import app

        with app.connection_for_read() as connection:
            handlers = {"task-started": self.events.put, "task-succeeded": self.events.put}
            with suppress(OSError, redis.RedisError):  # at the end Redis goes first
                app.events.Receiver(connection, handlers=handlers).capture(limit=None, timeout=None)

    def next(self) -> float:
        """Return when the next task began, once it has ended too."""
        began = 0.0
        while True:
            event = self.events.get(timeout=30)
            if event["type"] == "task-started":
                began = event["timestamp"]
            elif began:
                return began


def measure(stack: Stack, count: int) -> dict[str, list[float]]:
    """Return the times from request to start in ms, of each way."""
    environment = stack.environment()
    port = free_port()
    helpers = [
        subprocess.Popen([sys.executable, "-c", OLD_API, str(port)], env=environment),
        subprocess.Popen([sys.executable, "-c", LISTENER], env=environment),
    ]
    starts = Starts(environment)
    track = stack.get("/api/tracks")["items"][0]["id"]
    urls = {
        "direct": f"{stack.url}/api/tracks/{track}/vector",
        "pub/sub and listener": f"http://127.0.0.1:{port}/old/tracks/{track}/vector",
    }
    times: dict[str, list[float]] = {name: [] for name in urls}
    try:
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/api/queues"))
        clients = {name: http.client.HTTPConnection("127.0.0.1", urlsplit(url).port or 0) for name, url in urls.items()}
        time.sleep(2)  # the listener has subscribed, the receiver of events too
        for name, url in urls.items():
            _once(clients[name], url, starts)
            times[name].clear()
        for _ in range(count):
            for name, url in urls.items():
                times[name].append(_once(clients[name], url, starts))
    finally:
        for helper in helpers:
            helper.kill()
            helper.wait()
    return times


def _once(client: http.client.HTTPConnection, url: str, starts: Starts) -> float:
    # Python's own client: httpx takes half a millisecond for itself.
    time.sleep(GAP)
    before = time.time()
    client.request("POST", urlsplit(url).path)
    answer = client.getresponse()
    answer.read()
    if answer.status != 202:
        raise RuntimeError(f"{url} answered {answer.status}")
    return (starts.next() - before) * 1000


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="requests of each way")
    parser.add_argument("--json", type=Path, help="write the result to this file too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder:
        music = Path(folder) / "music"
        music.mkdir()
        tone(music / "a.ogg", seconds=1, title="A", artist="B", album="C")
        stack = Stack(music, Path(folder) / "data")
        try:
            stack.scan()
            times = measure(stack, arguments.count)
        finally:
            stack.stop()
    result = {
        name: {
            "median_ms": round(statistics.median(values), 2),
            "p95_ms": round(statistics.quantiles(values, n=20)[-1], 2),
            "count": len(values),
        }
        for name, values in times.items()
    }
    print(f"{'request to start of task':<26}{'median':>10}{'p95':>10}{'count':>8}")
    for name, row in result.items():
        print(f"{name:<26}{row['median_ms']:>7} ms{row['p95_ms']:>7} ms{row['count']:>8}")
    direct, old = (row["median_ms"] for row in result.values())
    print(f"median of the old way is {old / direct:.2f} times as long; load of the machine {os.getloadavg()[0]:.1f}")
    text = json.dumps(result)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
