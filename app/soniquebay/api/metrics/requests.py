"""The count of the requests that the API has answered, by route, and how long each waited for its answer.

The metrics are made from it where somebody asks for them: `prometheus_client` takes 2 MB and is loaded then.
"""

import time
from bisect import bisect_left

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Few, because each route has a series for each: a page feels quick below the first ones, and the last ones are trouble.
BUCKET_SECONDS = (0.01, 0.05, 0.25, 1.0, 5.0)
NO_ROUTE = "none"  # of what is answered before a route is looked for, as without a login, and of unknown paths
OTHER_METHOD = "other"
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class RequestCounts:
    """What was answered since the start. Only the thread of the event loop counts; any thread may read."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, int], int] = {}
        self._durations: dict[tuple[str, str], list[float]] = {}

    def add(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer. `route`: the template of the path, so that there are few of them."""
        answer = route, method, status
        self._answers[answer] = self._answers.get(answer, 0) + 1
        durations = self._durations.get((route, method))
        if durations is None:
            durations = self._durations[route, method] = [0] * (len(BUCKET_SECONDS) + 1) + [0.0]
        durations[bisect_left(BUCKET_SECONDS, seconds)] += 1
        durations[-1] += seconds

    def answers(self) -> dict[tuple[str, str, int], int]:
        """Return how many answers there were of each route, method and status."""
        return self._answers.copy()

    def durations(self) -> dict[tuple[str, str], tuple[list[int], float]]:
        """Return for each route and method the answers of each bucket, and the sum of their seconds.

        The last bucket has no upper end.
        """
        found = {key: tuple(values) for key, values in self._durations.copy().items()}
        return {key: ([int(count) for count in values[:-1]], values[-1]) for key, values in found.items()}


class CountRequests:
    """ASGI middleware that counts each answer when it begins: a stream ends when its listener wants it to."""

    def __init__(self, app: ASGIApp, counts: RequestCounts) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_at = time.perf_counter()
        is_counted = False

        def count(status: int) -> None:
            nonlocal is_counted
            is_counted = True
            route = scope.get("route")
            method = scope["method"] if scope["method"] in _METHODS else OTHER_METHOD
            template = NO_ROUTE if route is None else route.path_format
            self._counts.add(template, method, status, time.perf_counter() - began_at)

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_counted)
        except Exception:
            if not is_counted:
                count(500)  # Starlette answers it around all middleware
            raise
