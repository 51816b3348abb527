"""What the two ASGI applications share: the database, the dispatcher and the progress feed."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Request

from soniquebay.api.backup_job import BackupJob
from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.duplicate_upkeep import DuplicateUpkeep
from soniquebay.api.event_answer import STREAM_LIMITS
from soniquebay.api.events import ProgressFeed
from soniquebay.api.file_answer import Reader
from soniquebay.api.listening import Listening
from soniquebay.api.lookups import Lookups
from soniquebay.api.machine_feed import MachineFeed
from soniquebay.api.map_body import MapBody
from soniquebay.api.map_upkeep import MapUpkeep
from soniquebay.api.metrics.feed import MetricsFeed
from soniquebay.api.metrics.requests import RequestCounts
from soniquebay.api.metrics.sources import RemoteFigures, Sources
from soniquebay.api.open_requests import OpenRequests
from soniquebay.api.opensubsonic.now_playing import NowPlaying
from soniquebay.api.queue_feeder import QueueFeeder
from soniquebay.api.release_check_job import ReleaseCheckJob
from soniquebay.api.release_offers import ReleaseOffers
from soniquebay.api.remote_feeder import RemoteFeeder
from soniquebay.api.scrobbler import Scrobbler
from soniquebay.api.served_certificate import ServedCertificate
from soniquebay.api.shared_run import SharedRun
from soniquebay.api.storage import Storage
from soniquebay.api.transcoded_cache import TranscodedCache
from soniquebay.api.transcoders import Transcoders
from soniquebay.authority import Authority
from soniquebay.library import leases
from soniquebay.library.browsing.counts import Counts
from soniquebay.library.database import Database
from soniquebay.library.similarity.index import SimilarityIndex
from soniquebay.library.similarity.rankings import Rankings
from soniquebay.library.similarity.tag_index import TagIndex
from soniquebay.listeners.accounts import Accounts
from soniquebay.listeners.library_playlists import LibraryPlaylists
from soniquebay.listeners.remote_workers import RemoteWorkers
from soniquebay.listeners.rules import BySound
from soniquebay.listeners.smart_lists import SmartLists
from soniquebay.listeners.upkeep import Upkeep
from soniquebay.log_stream import LogReader
from soniquebay.procfs import MIB
from soniquebay.quota import Quota
from soniquebay.settings import Settings

T = TypeVar("T")
MAX_SIMILAR_TRACKS = 200  # that a rule of a smart playlist finds


def _not_watching() -> dict[str, Any]:
    return {"ready": False, "waiting": 0, "roots": []}


@dataclass(slots=True)
class Services:
    """The shared objects of a process. `api/server.py` makes one, or a test does."""

    settings: Settings
    database: Database
    dispatcher: Dispatcher
    progress: ProgressFeed
    lookups: Lookups
    accounts: Accounts
    storage: Storage
    certificate: ServedCertificate | None = None
    """None without TLS."""
    request_refill: Callable[[], None] = lambda: None
    """Have the queues refilled soon. Safe from any thread."""
    watch_state: Callable[[], dict[str, Any]] = _not_watching
    """Return the fields of `models.watching.WatchState`, except `watch`."""
    event_streams: Quota = field(default_factory=lambda: Quota(STREAM_LIMITS))
    file_reader: Reader = field(default_factory=Reader)
    transcoders: Transcoders = field(default_factory=Transcoders)
    sign_ins: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "sign-in"))
    health_checks: SharedRun[dict[str, str]] = field(default_factory=lambda: SharedRun("health"))
    worker_states: SharedRun[dict[str, Any]] = field(default_factory=lambda: SharedRun("workers"))
    queue_lengths: SharedRun[dict[str, int]] = field(default_factory=lambda: SharedRun("queues"))
    now_playing: NowPlaying = field(default_factory=NowPlaying)
    listening: Listening = field(default_factory=Listening)
    log_lines: LogReader = field(init=False)
    request_counts: RequestCounts = field(default_factory=RequestCounts)
    machine: MachineFeed = field(init=False)
    metrics: MetricsFeed = field(init=False)
    transcoded_cache: TranscodedCache = field(init=False)
    open_requests: OpenRequests = field(init=False)
    vectors: SimilarityIndex = field(init=False)
    map_upkeep: MapUpkeep = field(init=False)
    map_body: MapBody = field(init=False)
    duplicate_upkeep: DuplicateUpkeep = field(init=False)
    rankings: Rankings = field(init=False)
    sound_tags: TagIndex = field(init=False)
    counts: Counts = field(init=False)
    upkeep: Upkeep = field(init=False)
    smart_lists: SmartLists = field(init=False)
    scrobbler: Scrobbler = field(init=False)
    library_playlists: LibraryPlaylists = field(init=False)
    backups: BackupJob = field(init=False)
    release_check: ReleaseCheckJob = field(init=False)
    releases: ReleaseOffers = field(init=False)
    remote_workers: RemoteWorkers = field(init=False)
    remote_feeder: RemoteFeeder = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.log_lines = LogReader(settings.redis)
        self.machine = MachineFeed(settings, self.dispatcher, self.log_lines)
        self.metrics = MetricsFeed(
            Sources(
                settings,
                self.database,
                self.storage,
                self.dispatcher,
                self.request_counts,
                self._certificate_end,
                self._remote_figures,
            )
        )
        self.transcoded_cache = TranscodedCache(settings.transcoded_cache, settings.transcoded_cache_mb * MIB)
        self.open_requests = OpenRequests(self.accounts)
        self.vectors = SimilarityIndex(self.database.reader)
        self.map_upkeep = MapUpkeep(self.database, self.dispatcher)
        self.duplicate_upkeep = DuplicateUpkeep(self.database, self.dispatcher)
        self.rankings = Rankings(self.vectors)
        self.sound_tags = TagIndex(self.database)
        self.map_body = MapBody(self.database, self.sound_tags)
        self.counts = Counts(self.database)
        self.backups = BackupJob(settings, self.database, self.accounts.database)
        self.release_check = ReleaseCheckJob(self.database, self.dispatcher, self.file_reader, self.transcoders)
        self.releases = ReleaseOffers(settings)
        self.remote_workers = RemoteWorkers(
            self.accounts.database,
            Authority(settings.authority_folder, settings.worker_proxy_certificates),
            settings.allowed_workers_folder,
            settings.worker_proxy_port,
        )
        self.remote_feeder = RemoteFeeder(
            self.database, self.remote_workers, self._tracks_sent_here, self.dispatcher.queue_length
        )
        self.upkeep = Upkeep(self.accounts.database)
        self.smart_lists = SmartLists(self.accounts.database, BySound(self._similar_tracks, self._tagged_tracks))
        self.scrobbler = Scrobbler(self.settings, self.accounts.database, self.accounts.key)
        self.library_playlists = LibraryPlaylists(
            self.accounts.database, self.settings.music, self.settings.tag_encoding
        )

    def _tracks_sent_here(self) -> set[int]:
        return cast("set[int]", self.dispatcher.vector_feeder.outstanding())

    def _certificate_end(self) -> float | None:
        return self.certificate.end if self.certificate else None

    def _remote_figures(self) -> RemoteFigures:
        workers = self.remote_workers.all()
        return RemoteFigures(
            joined=len(workers),
            present=sum(worker["is_present"] for worker in workers),
            suspended=sum(worker["suspended_at"] is not None for worker in workers),
            leases=leases.count_all(self.database.reader()),
            vectors_brought=self.remote_workers.vectors_brought,
        )

    def _similar_tracks(self, track_id: int) -> list[int]:
        found = self.vectors.nearest(self.database.reader(), track_id, MAX_SIMILAR_TRACKS)
        return [similar_id for similar_id, _ in found or ()]

    def _tagged_tracks(self, tag: str) -> list[int]:
        return [track_id for track_id, _ in self.sound_tags.tracks([tag])]

    async def sign_in(self, begin: Callable[[], T]) -> T:
        """Return what a check of a password returns. Such checks have one thread, in which they wait for each other.

        Anybody may try passwords. In the threads that answer all other requests, they would hold those up.
        """
        return await asyncio.get_running_loop().run_in_executor(self.sign_ins, begin)

    def tasks_finished(self, feeder: QueueFeeder, ids: Sequence[Hashable]) -> None:
        """Note that tasks of a queue are done, and have it refilled before it is empty."""
        if feeder.mark_done(ids):
            self.request_refill()


async def get_services(request: Request) -> Any:
    """Return the services of the application that got the request."""
    # FastAPI would call a plain function in a thread, for each request.
    return request.app.state.services


Shared = Annotated[Services, Depends(get_services)]
