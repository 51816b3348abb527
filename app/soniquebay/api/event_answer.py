"""An answer that is a stream of events, of which there is a limited number at the same time."""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from soniquebay.quota import Limits, Quota

# A browser follows the events once in each window that is open.
STREAM_LIMITS = Limits(in_all=64, of_client=8, of_network=32)
RETRY_AFTER_SECONDS = 15


class EventStream(StreamingResponse):
    """The events of some feeds; 503 when as many streams are open as may be."""

    def __init__(self, quota: Quota, *feeds: AsyncIterator[bytes]) -> None:
        """`feeds`: yield events as the body of an event stream. The stream ends with the first of them that does."""
        # The second header keeps a reverse proxy from collecting events (nginx).
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(_merged(feeds), media_type="text/event-stream", headers=headers)
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


async def _merged(feeds: tuple[AsyncIterator[bytes], ...]) -> AsyncIterator[bytes]:
    """Yield what any of the feeds yields, as soon as it does."""
    waiting = {asyncio.ensure_future(_next(feed)): feed for feed in feeds}
    try:
        while True:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                feed = waiting.pop(task)
                chunk = task.result()
                if chunk is None:
                    return
                waiting[asyncio.ensure_future(_next(feed))] = feed
                yield chunk
    finally:
        for task in waiting:
            task.cancel()


async def _next(feed: AsyncIterator[bytes]) -> bytes | None:
    """Return what a feed yields next; None at its end. A task cannot end with ``StopAsyncIteration``."""
    return await anext(feed, None)
