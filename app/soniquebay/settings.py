"""Every setting of the programs, read once from ``SONIQUEBAY_*`` variables."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

KEY_PREFIX = "soniquebay:"  # of every key in Redis, so that no name collides with that of another user of the server


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. What a Pi can bear (limits, queues, batches) stands in ``worker/config.py``."""

    music: tuple[Path, ...]
    """Roots of the library, each walked in full."""
    data: Path
    """Folder of the database and the covers; written by the API alone."""
    redis: str
    """``unix:///path/to/redis.sock`` or ``redis://host:port/0``."""
    api_socket: Path
    """Unix socket of the internal API (inserts)."""
    http_host: str
    http_port: int
    """Address of the public API when no socket was handed over by systemd."""
    flower_host: str
    flower_port: int
    flower_password_file: Path | None
    url: str
    """What the CLI speaks to."""
    processes: int
    """How far the worker grows: four, or as many as there are processors, for more only wait for each other."""
    online: bool
    """Whether MusicBrainz and the Cover Art Archive are asked at all."""
    musicbrainz_url: str
    """MusicBrainz's web service 2, or a mirror of it."""
    coverart_url: str
    """The Cover Art Archive."""
    contact: str
    """Address that is told to them, as MusicBrainz asks: where one complains about this appliance's requests."""
    online_socket: Path
    """Unix socket of the fetcher, the one program that reaches the internet."""
    watch: Literal["on", "off", "poll"]
    """Whether what changes in the folders of music is scanned by itself; `poll`: the kernel's notifications are not
    trusted anywhere, everything is looked at every `poll_minutes`."""
    poll_minutes: float
    """Minutes between two scans of everything while a folder cannot tell of its changes (network, FUSE); 0: never."""

    @property
    def database(self) -> Path:
        """The library's SQLite file."""
        return self.data / "library.db"

    @property
    def covers(self) -> Path:
        """Folder of the cover pictures."""
        return self.data / "covers"

    @property
    def broker_url(self) -> str:
        """The same Redis as Celery spells it."""
        if self.redis.startswith("unix://"):
            return "redis+socket://" + self.redis.removeprefix("unix://")
        return self.redis


def from_environment(env: Mapping[str, str]) -> Settings:
    """Read the settings; raises ``ValueError`` naming the variable that is wrong."""

    def get(name: str, default: str) -> str:
        return env.get(f"SONIQUEBAY_{name}") or default

    def port(name: str, default: int) -> int:
        text = get(name, str(default))
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise ValueError(f"SONIQUEBAY_{name} is {text!r}: it must be a port number from 1 to 65535")
        return int(text)

    def switch(name: str, default: str) -> bool:
        text = get(name, default)
        if text not in {"on", "off"}:
            raise ValueError(f"SONIQUEBAY_{name} is {text!r}: it must be on or off")
        return text == "on"

    def address(name: str, default: str) -> str:
        text = get(name, default).rstrip("/")
        if not text.startswith(("https://", "http://")):
            raise ValueError(f"SONIQUEBAY_{name} is {text!r}: it must begin with https:// or http://")
        return text

    def line(name: str, default: str) -> str:
        text = get(name, default)
        if not (text.isascii() and text.isprintable()):
            raise ValueError(f"SONIQUEBAY_{name} is {text!r}: it must be plain ASCII, for it goes into a header")
        return text

    def processes() -> int:
        text = get("PROCESSES", str(min(4, len(os.sched_getaffinity(0)))))
        if text not in {"1", "2", "3", "4"}:
            raise ValueError(f"SONIQUEBAY_PROCESSES is {text!r}: it must be 1, 2, 3 or 4")
        return int(text)

    def watch() -> Literal["on", "off", "poll"]:
        text = get("WATCH", "on")
        if text not in {"on", "off", "poll"}:
            raise ValueError(f"SONIQUEBAY_WATCH is {text!r}: it must be on, off or poll")
        return cast(Literal["on", "off", "poll"], text)

    def minutes(name: str, default: str) -> float:
        text = get(name, default)
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number <= 10080:
            raise ValueError(f"SONIQUEBAY_{name} is {text!r}: it must be a number of minutes up to a week, 0 for never")
        return number

    password_file = get("FLOWER_PASSWORD_FILE", "")
    return Settings(
        music=tuple(Path(p) for p in get("MUSIC", "/srv/music").split(os.pathsep) if p),
        data=Path(get("DATA", "/var/lib/soniquebay")),
        redis=get("REDIS", "unix:///run/redis/redis-server.sock"),
        api_socket=Path(get("API_SOCKET", "/run/soniquebay/api.sock")),
        http_host=get("HTTP_HOST", "127.0.0.1"),
        http_port=port("HTTP_PORT", 8080),
        flower_host=get("FLOWER_HOST", "0.0.0.0"),  # noqa: S104 - every path asks for the password
        flower_port=port("FLOWER_PORT", 5555),
        flower_password_file=Path(password_file) if password_file else None,
        url=get("URL", "http://localhost").rstrip("/"),
        processes=processes(),
        online=switch("ONLINE", "on"),
        musicbrainz_url=address("MUSICBRAINZ_URL", "https://musicbrainz.org/ws/2"),
        coverart_url=address("COVERART_URL", "https://coverartarchive.org"),
        contact=line("CONTACT", "http://soniquebay.local"),
        online_socket=Path(get("ONLINE_SOCKET", "/run/soniquebay/online.sock")),
        watch=watch(),
        poll_minutes=minutes("POLL_MINUTES", "10"),
    )


@cache
def settings() -> Settings:
    """Return this process's settings; ends the program with a clear message when one is wrong."""
    try:
        return from_environment(os.environ)
    except ValueError as error:
        sys.exit(f"soniquebay: {error}")
