"""An answer that is a stream of events, of which there is a limited number at the same time."""

from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from soniquebay.api.events import ProgressFeed
from soniquebay.quota import Limits, Quota

# A browser follows the events once in each window that is open.
STREAM_LIMITS = Limits(in_all=64, of_client=8, of_network=32)
RETRY_AFTER_SECONDS = 15


class EventStream(StreamingResponse):
    """The events of a feed; 503 when as many streams are open as may be."""

    def __init__(self, feed: ProgressFeed, quota: Quota, last_id: str | None) -> None:
        """`last_id`: of the event after which the stream starts."""
        # The second header keeps a reverse proxy from collecting events (nginx).
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(feed.follow(last_id), media_type="text/event-stream", headers=headers)
        self._quota = quota

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client goes."""
        held = self._quota.take(scope["client"])
        if held is None:
            refusal = JSONResponse(
                {"detail": "too many streams of events are open"}, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)}
            )
            await refusal(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._quota.give_back(held)
