"""Methods for what does not exist here: lists of it are empty, and nothing of it is made."""

from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.errors import GENERIC, NOT_FOUND, SubsonicError

_LISTS = {
    "getPodcasts": ("podcasts", "channel"),
    "getNewestPodcasts": ("newestPodcasts", "episode"),
    "getInternetRadioStations": ("internetRadioStations", "internetRadioStation"),
    "getShares": ("shares", "share"),
    "getChatMessages": ("chatMessages", "chatMessage"),
    "getVideos": ("videos", "video"),
}
_REFUSED = {
    "podcasts": (
        "refreshPodcasts", "createPodcastChannel", "deletePodcastChannel", "deletePodcastEpisode",
        "downloadPodcastEpisode",
    ),
    "radio stations": ("createInternetRadioStation", "updateInternetRadioStation", "deleteInternetRadioStation"),
    "shares": ("createShare", "updateShare", "deleteShare"),
    "chat": ("addChatMessage",),
    "jukebox": ("jukeboxControl",),
    "playlists of HLS, but streams": ("hls", "hls.m3u8"),
}  # fmt: skip


def _empty(name: str, inner: str) -> Handler:
    def answer(_: Call) -> Content:
        return {name: {inner: []}}

    return answer


def _refuse(what: str) -> Handler:
    def answer(_: Call) -> Content:
        raise SubsonicError(GENERIC, f"this appliance has no {what}")

    return answer


def _nothing(_: Call) -> Content:
    raise SubsonicError(NOT_FOUND, "there is nothing with this id")


METHODS: dict[str, Handler] = {
    **{method: _empty(*names) for method, names in _LISTS.items()},
    **{method: _refuse(what) for what, methods in _REFUSED.items() for method in methods},
    "getVideoInfo": _nothing,
    "getPodcastEpisode": _nothing,
    "getAvatar": _nothing,
    "getCaptions": _nothing,
}
