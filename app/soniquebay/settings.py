"""The settings of the programs, read once from ``SONIQUEBAY_*`` variables."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

from soniquebay import addresses, backup_settings

# Of every key in Redis, so that other users of the same Redis are not in the way.
REDIS_KEY_PREFIX = "soniquebay:"
AUTHORITY_FOLDER = "authority"  # in the folder of the data
# Where the credit of several artists may be split, see library/catalogue/names.py.
ARTIST_JOINS = frozenset({";", "/", "&", ",", "+", "×", "x", "vs", "and"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that differ between installations. Limits that fit a Pi are constants in ``worker/config.py``."""

    music: tuple[Path, ...]
    """Configured roots of the library."""
    data: Path
    """Folder of the database and the covers. Only the API writes to it."""
    redis: str
    """``unix:///path/to/redis.sock`` or ``redis://host:port/0``."""
    api_socket: Path
    """Unix socket of the internal API."""
    http_host: str
    http_port: int
    """Address of the public API, unless systemd passes a socket."""
    tls: Literal["off", "self-signed", "own"]
    """Whether the public API and Flower have TLS: not, with a certificate of this machine, or with one of the owner."""
    https_port: int
    """Port of the public API with TLS. The other port then leads browsers there."""
    tls_certificate: Path | None
    """PEM file of the owner's certificate, with those that connect it to a root."""
    tls_key: Path | None
    """PEM file of its private key; it may be the same file."""
    base_path: str
    """Path below which a reverse proxy shows the public API, as ``/music``. Empty: none."""
    hosts: frozenset[str]
    """Further names by which browsers open the public API, in lower case."""
    trusted_proxies: tuple[str, ...]
    """Addresses and networks of reverse proxies, whose word on the client's address and scheme is taken."""
    reachable_from: tuple[str, ...]
    """Addresses and networks that may connect to the ports beside those of the local network."""
    login: bool
    """Whether visitors have to sign in. Without it everybody may do everything, so only loopback is listened on."""
    guests: bool
    """Whether everybody on the local network may read and play without signing in."""
    control_socket: Path
    """Unix socket of the public API, where administrators of this machine need no password."""
    claim_folder: Path
    """Folder with the code that claims the appliance, while it has no owner."""
    allowed_workers_folder: Path
    """Folder of the allow list: which workers on other machines may connect."""
    remote_socket: Path
    """Unix socket of the application for these workers, to which the worker proxy forwards."""
    worker_proxy_host: str
    worker_proxy_port: int
    """Address for these workers. Nobody listens there before the first of them has joined."""
    worker_proxy_certificates: Path
    """Folder with the certificates of the worker proxy. Another one than `authority_folder` gets a copy."""
    flower_host: str
    flower_port: int
    url: str
    """Base URL of the API that the CLI uses, or ``unix:///path/to/control.sock``. Empty: see ``cli/client.py``."""
    processes: int
    """The most child processes of the worker: 4, or one for each processor when there are fewer."""
    online: bool
    """Whether the appliance asks MusicBrainz and the Cover Art Archive, and tells services what users hear."""
    musicbrainz_url: str
    """URL of MusicBrainz's web service 2, or of a mirror."""
    coverart_url: str
    """URL of the Cover Art Archive."""
    listenbrainz_url: str
    """URL of ListenBrainz's API, or of another server that speaks it. No user chooses it, because that server may be
    any machine that this one reaches."""
    lastfm_url: str
    """URL of Last.fm's web service."""
    contact: str
    """Whom these services can ask about this appliance's requests. MusicBrainz requires it in the User-Agent header."""
    online_socket: Path
    """Unix socket of the fetcher, the only program that reaches the internet."""
    watch: Literal["on", "off", "poll"]
    """Whether changes below the roots are scanned without a request. With `poll` the kernel's notifications are not
    used: everything is scanned every `poll_minutes`."""
    poll_minutes: float
    """Minutes between two scans of everything while the kernel reports no changes of a folder (NFS, FUSE); 0: never."""
    nice: int
    """Niceness of the worker's child processes, 0 to 19. With 0 they also keep their I/O class. On the
    appliance the worker's unit sets the I/O class and the shares of processor and disk for all of them."""
    log: Literal["text", "json"]
    """Form of the logs: the journal or text, or JSON lines on standard error."""
    log_tasks: bool
    """Whether the worker logs each task that it receives and completes: two lines a track."""

    tag_encoding: str
    """Code page of tags that are marked as ISO-8859-1, or not marked at all, for example cp1251 or gbk. Empty: none."""

    artist_joins: frozenset[str]
    """Where the credit of several artists is always split, for example ";" and "/". Empty: only where it is evident."""

    measured_tracks: Literal["untagged", "all", "off"]
    """Whose loudness is measured: tracks whose tags state no ReplayGain, all tracks, or none."""

    transcoded_cache: Path
    """Folder of transcoded streams that are kept to be sent again."""
    transcoded_cache_mb: int
    """MiB that they may have. 0: none is kept, which spares the card."""
    backup: backup_settings.BackupSettings

    releases: Path | None
    """Folder of the releases, on a machine that installs them by itself."""

    @property
    def has_tls(self) -> bool:
        """Whether the public API and Flower have TLS."""
        return self.tls != "off"

    def url_at(self, host: str) -> str:
        """Return the URL of the public API at a name or address of this machine."""
        return addresses.url_of(host, self.https_port if self.has_tls else self.http_port, tls=self.has_tls)

    @property
    def database(self) -> Path:
        """The library's SQLite file."""
        return self.data / "library.db"

    @property
    def listeners_database(self) -> Path:
        """The SQLite file of users and of what they keep."""
        return self.data / "listeners.db"

    @property
    def device_key(self) -> Path:
        """File of the key with which this machine encrypts."""
        return self.data / "device.key"

    @property
    def self_signed(self) -> Path:
        """PEM file of the certificate that this machine has made, and its key."""
        return self.data / "self-signed.pem"

    @property
    def authority_folder(self) -> Path:
        """Folder of the authority that signs the certificates of workers on other machines."""
        return self.data / AUTHORITY_FOLDER

    @property
    def covers(self) -> Path:
        """Folder of the cover pictures."""
        return self.data / "covers"

    @property
    def broker_url(self) -> str:
        """The URL of the same Redis in Celery's form."""
        if self.redis.startswith("unix://"):
            return "redis+socket://" + self.redis.removeprefix("unix://")
        return self.redis


def from_environment(env: Mapping[str, str]) -> Settings:
    """Return the settings in the variables `env`. Raises ``ValueError`` with the variable's name when one is wrong."""

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
            raise ValueError(
                f"SONIQUEBAY_{name} is {text!r}: it must be printable ASCII, because it is sent in a header"
            )
        return text

    def processes() -> int:
        text = get("PROCESSES", str(min(4, len(os.sched_getaffinity(0)))))
        if text not in {"1", "2", "3", "4"}:
            raise ValueError(f"SONIQUEBAY_PROCESSES is {text!r}: it must be 1, 2, 3 or 4")
        return int(text)

    def log() -> Literal["text", "json"]:
        text = get("LOG", "text")
        if text not in {"text", "json"}:
            raise ValueError(f"SONIQUEBAY_LOG is {text!r}: it must be text or json")
        return cast(Literal["text", "json"], text)

    def nice() -> int:
        text = get("NICE", "10")
        if not text.isdecimal() or not 0 <= int(text) <= 19:
            raise ValueError(f"SONIQUEBAY_NICE is {text!r}: it must be a niceness from 0 to 19")
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

    def megabytes(name: str) -> int:
        text = get(name, "0")
        if not (text.isascii() and text.isdecimal()):
            raise ValueError(f"SONIQUEBAY_{name} is {text!r}: it must be a number of MiB, 0 for none")
        return int(text)

    data = Path(get("DATA", "/var/lib/soniquebay"))
    api_socket = Path(get("API_SOCKET", "/run/soniquebay/api.sock"))
    control_socket = Path(get("CONTROL_SOCKET", str(api_socket.with_name("control.sock"))))
    certificate = Path(get("TLS_CERTIFICATE", "")) if get("TLS_CERTIFICATE", "") else None
    return Settings(
        music=tuple(Path(p) for p in get("MUSIC", "/srv/music").split(os.pathsep) if p),
        data=data,
        redis=get("REDIS", "unix:///run/redis/redis-server.sock"),
        api_socket=api_socket,
        http_host=get("HTTP_HOST", "127.0.0.1"),
        http_port=port("HTTP_PORT", 80),
        tls=_tls(get("TLS", "off"), certificate, port("HTTP_PORT", 80), port("HTTPS_PORT", 443)),
        https_port=port("HTTPS_PORT", 443),
        tls_certificate=certificate,
        tls_key=Path(get("TLS_KEY", "")) if get("TLS_KEY", "") else certificate,
        base_path=addresses.base_path(get("BASE_PATH", "")),
        hosts=addresses.hosts(get("HOSTS", "")),
        trusted_proxies=addresses.networks(get("TRUSTED_PROXIES", "")),
        reachable_from=addresses.reachable_from(get("REACHABLE_FROM", "local")),
        login=switch("LOGIN", "on"),
        guests=switch("GUESTS", "off"),
        control_socket=control_socket,
        claim_folder=Path(get("CLAIM_FOLDER", "/run/soniquebay-claim")),
        flower_host=addresses.flower_host(get("FLOWER_HOST", ""), login=switch("LOGIN", "on")),
        allowed_workers_folder=Path(get("ALLOWED_WORKERS_FOLDER", "/run/soniquebay-workers")),
        remote_socket=Path(get("REMOTE_SOCKET", "/run/soniquebay-workers/api.sock")),
        worker_proxy_host=get("WORKER_PROXY_HOST", "::"),
        worker_proxy_port=port("WORKER_PROXY_PORT", 6380),
        worker_proxy_certificates=Path(get("WORKER_PROXY_CERTIFICATES", str(data / AUTHORITY_FOLDER))),
        flower_port=port("FLOWER_PORT", 5555),
        url=get("URL", "").rstrip("/"),
        processes=processes(),
        online=switch("ONLINE", "on"),
        musicbrainz_url=address("MUSICBRAINZ_URL", "https://musicbrainz.org/ws/2"),
        coverart_url=address("COVERART_URL", "https://coverartarchive.org"),
        listenbrainz_url=address("LISTENBRAINZ_URL", "https://api.listenbrainz.org"),
        lastfm_url=address("LASTFM_URL", "https://ws.audioscrobbler.com/2.0"),
        contact=line("CONTACT", "http://soniquebay.local"),
        online_socket=Path(get("ONLINE_SOCKET", "/run/soniquebay/online.sock")),
        watch=watch(),
        poll_minutes=minutes("POLL_MINUTES", "10"),
        nice=nice(),
        log=log(),
        log_tasks=switch("LOG_TASKS", "off"),
        tag_encoding=_tag_encoding(get("TAG_ENCODING", "")),
        artist_joins=_artist_joins(get("ARTIST_JOINS", "")),
        measured_tracks=_measured_tracks(get("LOUDNESS", "untagged")),
        transcoded_cache=Path(get("TRANSCODED_CACHE", str(data / "transcoded"))),
        transcoded_cache_mb=megabytes("TRANSCODED_CACHE_MB"),
        backup=backup_settings.read(get),
        releases=Path(get("RELEASES", "")) if get("RELEASES", "") else None,
    )


def _tls(text: str, certificate: Path | None, port: int, https_port: int) -> Literal["off", "self-signed", "own"]:
    if text not in {"off", "self-signed", "own"}:
        raise ValueError(f"SONIQUEBAY_TLS is {text!r}: it must be off, self-signed or own")
    if text == "own" and certificate is None:
        raise ValueError("SONIQUEBAY_TLS is own, but SONIQUEBAY_TLS_CERTIFICATE names no file")
    if text != "off" and port == https_port:
        raise ValueError("SONIQUEBAY_HTTPS_PORT is the same as SONIQUEBAY_HTTP_PORT: they must differ")
    return cast(Literal["off", "self-signed", "own"], text)


def _measured_tracks(text: str) -> Literal["untagged", "all", "off"]:
    if text not in {"untagged", "all", "off"}:
        raise ValueError(f"SONIQUEBAY_LOUDNESS is {text!r}: it must be untagged, all or off")
    return cast(Literal["untagged", "all", "off"], text)


def _tag_encoding(name: str) -> str:
    try:
        if name and "Az09".encode(name) != b"Az09":
            raise LookupError
    except (LookupError, ValueError):
        raise ValueError(
            f"SONIQUEBAY_TAG_ENCODING is {name!r}: it must be a code page with the letters of ASCII, as cp1251, "
            "cp932 (Shift-JIS), gbk, big5 or cp949"
        ) from None
    return name


def _artist_joins(text: str) -> frozenset[str]:
    joins = text.casefold().split()
    if unknown := sorted(set(joins) - ARTIST_JOINS):
        raise ValueError(
            f"SONIQUEBAY_ARTIST_JOINS names {' '.join(unknown)}: it must be some of "
            f"{' '.join(sorted(ARTIST_JOINS))}, separated by spaces"
        )
    return frozenset(joins)


@cache
def settings() -> Settings:
    """Return this process's settings. End the program with a message when one is wrong."""
    try:
        return from_environment(os.environ)
    except ValueError as error:
        sys.exit(f"soniquebay: {error}")
