"""Whether somebody listens: what must not be interrupted for upkeep of the machine."""

import re
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from soniquebay.audio.media_types import UNKNOWN

# A player has a whole track in its memory, and hears it for longer than it was sent.
QUIET_SECONDS = 900.0
_STREAM = re.compile(r"/api/tracks/[^/]+/stream|/rest/stream(\.view)?")


class Listening:
    """The streams of music that are sent, and when the last one ended. Only the thread of the event loop counts."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now`: returns seconds of a clock that never jumps."""
        self._now = now
        self._ended_at: float | None = None
        self.streams = 0
        """How many are sent now."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is sent, and nothing was for `QUIET_SECONDS`."""
        return not self.streams and (self._ended_at is None or self._now() - self._ended_at >= QUIET_SECONDS)

    def begin(self) -> None:
        """Count a stream."""
        self.streams += 1

    def end(self) -> None:
        """Count it no longer."""
        self.streams -= 1
        self._ended_at = self._now()


class NoteStreams:
    """ASGI middleware that counts the streams of music while they are sent. One that is refused is none."""

    def __init__(self, app: ASGIApp, listening: Listening) -> None:
        self._app = app
        self._listening = listening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or scope["method"] == "HEAD" or not _STREAM.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start" and not has_begun and _is_sound(message):
                has_begun = True
                self._listening.begin()
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            if has_begun:
                self._listening.end()


def _is_sound(start: Message) -> bool:
    # OpenSubsonic answers 200 to what it refuses.
    media_type = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] < 300 and media_type.startswith(("audio/", UNKNOWN))
