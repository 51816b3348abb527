"""The plays that wait for other services, and the accounts there, without HTTP."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library.enrichment import MAX_RETRY_AFTER_SECONDS, MIN_BACKOFF_SECONDS
from soniquebay.listeners import plays, scrobble_accounts, scrobbles, users
from soniquebay.listeners.device_key import DeviceKey
from soniquebay.listeners.heard import MAX_NAME_CHARACTERS, Heard, from_json, read_heard
from soniquebay.listeners.scrobbles import Service
from tests.unit.listeners.libraries import Kept
from tests.unit.songs import ID_A, ID_B, file

KEY = DeviceKey(b"k" * 32)
RELEASE, GROUP, RECORDING = (f"{n * 8}-0000-4000-8000-000000000000" for n in "123")
SHORT, PLAIN, ODD, UNKNOWN = 2, 3, 4, 5


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    made = Kept(tmp_path)
    long = "ü" * (MAX_NAME_CHARACTERS + 9)
    made.scan([
        file("/r/1", title="Song", artist="Ada feat. Bob", artists=["Ada", "Bob"], mb_artist=[ID_A, ID_B],
             album="Album", album_artist="Both", track_no=7, duration=61.26, mb_recording=RECORDING, mb_album=RELEASE,
             mb_release_group=GROUP),
        file("/r/2", title="Short", artist="Ada", duration=30.0),
        file("/r/3", title="Plain", artist="Ada", duration=200),
        file("/r/4", title=long, artist="A\tB", duration=200, mb_recording="not an id"),
        file("/r/5", title="Whose", duration=200),
    ])  # fmt: skip
    return made


def connect(kept: Kept, service: Service, name: str | None = "ada", **more: Any) -> None:
    fields = {"state": "connected", "secrets": {"token": f"secret of {service}"}, **more}
    with kept.listeners.transaction() as db:
        scrobble_accounts.save(db, KEY, kept.user(), service, name=name, **fields)


def play(kept: Kept, track_id: int, at: float, user: int | None = None) -> bool:
    played = plays.read_played(kept.listeners.reader(), track_id)
    with kept.listeners.transaction() as db:
        return plays.record(db, user or kept.user(), played, at, "app")


def waiting(kept: Kept, service: Service) -> list[tuple[float, str]]:
    found = scrobbles.next_batch(kept.listeners.reader(), kept.user(), service)
    return [(waits.played_at, waits.heard.title) for waits in found]


def state(kept: Kept, service: Service = "lastfm") -> dict[str, Any]:
    return scrobble_accounts.of_user(kept.listeners.reader(), kept.user())[service]


def test_services_are_told_what_the_files_say(kept: Kept) -> None:
    heard = read_heard(kept.listeners.reader(), 1)
    assert heard is not None
    assert (heard.title, heard.artist, heard.album, heard.album_artist) == ("Song", "Ada feat. Bob", "Album", "Both")
    assert (heard.track_no, heard.duration, heard.artist_mbids) == (7, 61.26, (ID_A, ID_B))
    assert (heard.recording_mbid, heard.release_mbid, heard.release_group_mbid) == (RECORDING, RELEASE, GROUP)
    assert from_json(heard.to_json()) == heard


def test_what_services_would_refuse_is_not_told(kept: Kept) -> None:
    odd = read_heard(kept.listeners.reader(), ODD)
    assert odd is not None
    assert (odd.artist, len(odd.title), odd.recording_mbid) == ("A B", MAX_NAME_CHARACTERS, None)
    assert read_heard(kept.listeners.reader(), UNKNOWN) is None
    assert read_heard(kept.listeners.reader(), 999) is None


def test_a_play_waits_for_each_connected_service(kept: Kept) -> None:
    assert play(kept, 1, 100)
    connect(kept, "listenbrainz")
    connect(kept, "lastfm", None, state="approval")  # it was never connected
    assert play(kept, 1, 200)
    assert (waiting(kept, "listenbrainz"), waiting(kept, "lastfm")) == ([(200, "Song")], [])
    connect(kept, "lastfm")
    connect(kept, "lastfm", None, state="approval")  # it is connected anew
    assert play(kept, PLAIN, 150)
    assert not play(kept, PLAIN, 150)
    assert play(kept, UNKNOWN, 160)
    assert play(kept, SHORT, 170)
    assert waiting(kept, "listenbrainz") == [(150, "Plain"), (170, "Short"), (200, "Song")]
    assert waiting(kept, "lastfm") == [(150, "Plain")]
    assert play(kept, PLAIN, 180, kept.user("Bob"))
    assert state(kept)["waiting"] == 1


def test_a_play_that_fails_leaves_nothing_that_waits(kept: Kept) -> None:
    connect(kept, "listenbrainz")
    played = plays.read_played(kept.listeners.reader(), 1)
    with pytest.raises(ZeroDivisionError), kept.listeners.transaction() as db:
        plays.record(db, kept.user(), played, 5, "app")
        raise ZeroDivisionError
    assert waiting(kept, "listenbrainz") == []


def test_what_waits_outlives_the_library(kept: Kept) -> None:
    connect(kept, "listenbrainz")
    play(kept, 1, 100)
    kept.lose_library()
    assert waiting(kept, "listenbrainz") == [(100, "Song")]


def test_the_oldest_make_room(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrobbles, "MAX_WAITING", 3)
    connect(kept, "lastfm")
    for at in (50, 10, 40, 20, 30):
        play(kept, PLAIN, at)
    assert [at for at, _ in waiting(kept, "lastfm")] == [30, 40, 50]
    assert (state(kept)["dropped"], state(kept)["dropped_reason"]) == (2, "more than 3 plays were waiting")


def test_what_is_too_old_for_a_service_is_dropped_with_a_reason(kept: Kept) -> None:
    connect(kept, "lastfm")
    connect(kept, "listenbrainz")
    now, day = time.time(), 86400.0
    for at in (100.0, now - 15 * day, now - 13 * day):
        play(kept, PLAIN, at)
    with kept.listeners.transaction() as db:
        scrobbles.drop_old(db, kept.user(), "lastfm", now)
        scrobbles.drop_old(db, kept.user(), "listenbrainz", now)
    assert [at for at, _ in waiting(kept, "lastfm")] == [now - 13 * day]
    assert (state(kept)["dropped"], "14 days" in state(kept)["dropped_reason"]) == (2, True)
    assert [at for at, _ in waiting(kept, "listenbrainz")] == [now - 15 * day, now - 13 * day]
    assert "2002" in state(kept, "listenbrainz")["dropped_reason"]


def test_a_batch_is_what_a_service_takes_at_once(kept: Kept) -> None:
    connect(kept, "lastfm")
    for at in range(60):
        play(kept, PLAIN, at)
    batch = scrobbles.next_batch(kept.listeners.reader(), kept.user(), "lastfm")
    assert [waits.played_at for waits in batch] == list(range(50))
    with kept.listeners.transaction() as db:
        scrobbles.delete(db, batch)
    assert [at for at, _ in waiting(kept, "lastfm")] == list(range(50, 60))


def test_secrets_are_encrypted_with_the_key_of_the_machine(kept: Kept) -> None:
    connect(kept, "lastfm", secrets={"api_key": "the key", "secret": "the shared secret", "session": "a session key"})
    found = scrobble_accounts.find(kept.listeners.reader(), KEY, kept.user(), "lastfm")
    assert found is not None and found.secrets["session"] == "a session key"
    other = scrobble_accounts.find(kept.listeners.reader(), DeviceKey(b"o" * 32), kept.user(), "lastfm")
    assert other is not None and other.secrets == {}
    for path in kept.folder.glob("listeners.db*"):
        assert b"a session key" not in path.read_bytes()
    reason = "'a session key' of 'the key' is bad"
    assert scrobble_accounts.hidden(reason, {**found.secrets, "token": ""}) == "'…' of '…' is bad"


def due(kept: Kept, now: float) -> list[str]:
    return [account.service for account in scrobble_accounts.due(kept.listeners.reader(), KEY, now)]


def test_after_a_failure_a_service_is_left_alone_for_longer_and_longer(kept: Kept) -> None:
    connect(kept, "lastfm")
    assert due(kept, 1000) == []
    play(kept, PLAIN, 5)
    assert due(kept, 1000) == ["lastfm"]
    for failures in (1, 2, 3):
        [account] = scrobble_accounts.due(kept.listeners.reader(), KEY, 1000 * failures)
        with kept.listeners.transaction() as db:
            scrobble_accounts.note_failure(db, account, "secret of lastfm", 0, 1000 * failures)
        back_off = MIN_BACKOFF_SECONDS * 2 ** (failures - 1)
        assert (state(kept)["retry_at"], state(kept)["problem"]) == (1000 * failures + back_off, "…")
        assert due(kept, 1000 * failures + back_off - 1) == []
        assert due(kept, 1000 * failures + back_off) == ["lastfm"]
    [account] = scrobble_accounts.due(kept.listeners.reader(), KEY, 9000)
    with kept.listeners.transaction() as db:
        scrobble_accounts.note_failure(db, account, "x", 7777, 9000)
    assert state(kept)["retry_at"] == 9000 + 7777
    # The clock was far ahead when that was written.
    assert due(kept, 9000 + 7777 - MAX_RETRY_AFTER_SECONDS - 1) == ["lastfm"]
    with kept.listeners.transaction() as db:
        scrobble_accounts.note_sent(db, account, 12345)
    assert (state(kept)["retry_at"], state(kept)["problem"], state(kept)["sent_at"]) == (None, None, 12345)


def test_an_account_that_is_to_be_renewed_keeps_what_waits(kept: Kept) -> None:
    connect(kept, "lastfm")
    play(kept, PLAIN, 5)
    [account] = scrobble_accounts.due(kept.listeners.reader(), KEY, 9)
    with kept.listeners.transaction() as db:
        scrobble_accounts.note_renewal(db, account, "not known")
    play(kept, PLAIN, 6)
    assert (state(kept)["state"], state(kept)["problem"], state(kept)["waiting"]) == ("renewal", "not known", 2)
    assert due(kept, 9) == []
    connect(kept, "lastfm")
    assert (state(kept)["state"], state(kept)["problem"], due(kept, 9)) == ("connected", None, ["lastfm"])
    with kept.listeners.transaction() as db:
        scrobble_accounts.note_renewal(db, account, "an answer to the token from before")
    assert state(kept)["state"] == "connected"


def test_an_account_ends_with_its_plays(kept: Kept) -> None:
    def rows() -> list[int]:
        db: sqlite3.Connection = kept.listeners.reader()
        return [db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("scrobble_accounts", "scrobbles")]

    connect(kept, "lastfm")
    connect(kept, "listenbrainz")
    play(kept, PLAIN, 5)
    assert rows() == [2, 2]
    with kept.listeners.transaction() as db:
        assert scrobble_accounts.remove(db, kept.user(), "lastfm")
        assert not scrobble_accounts.remove(db, kept.user(), "lastfm")
    assert rows() == [1, 1]
    with kept.listeners.transaction() as db:
        users.remove(db, kept.user())
    assert rows() == [0, 0]


def test_a_heard_track_needs_no_more_than_title_and_artist() -> None:
    assert from_json(Heard("T", "A").to_json()) == Heard("T", "A")
