"""ReplayGain: what tags state, what was measured instead, and what is applied."""

from typing import Any

import pytest

from soniquebay.library import loudness, queries, replay_gain
from soniquebay.library.browsing import bulk, details
from soniquebay.library.database import Database
from soniquebay.library.loudness import Measurement
from soniquebay.library.missing_tracks import mark_missing, mark_returned
from soniquebay.library.replay_gain import Gain
from tests.unit.songs import file, insert


@pytest.mark.parametrize(
    ("tags", "gain", "expected"),
    [
        ({}, "track", 0),
        ({"replaygain_track_gain": -7.5, "replaygain_album_gain": -6.0}, "track", -7.5),
        ({"replaygain_track_gain": -7.5, "replaygain_album_gain": -6.0}, "album", -6.0),
        ({"replaygain_track_gain": -7.5}, "album", -7.5),
        ({"replaygain_track_gain": 7.5}, "track", 0),
        ({"replaygain_track_gain": 4.0, "replaygain_track_peak": 0.5}, "track", 4.0),
        ({"replaygain_track_gain": 9.0, "replaygain_track_peak": 0.5}, "track", 6.02),
        ({"replaygain_track_gain": -1.0, "replaygain_track_peak": 1.4125}, "track", -3.0),
        ({"replaygain_track_gain": 9.0, "replaygain_track_peak": 0.0}, "track", 0),
        ({"replaygain_track_gain": -3.0, "replaygain_track_peak": 32767.0}, "track", -3.0),
        ({"replaygain_track_gain": -900.0}, "track", -30),
        ({"replaygain_track_gain": 900.0, "replaygain_track_peak": 0.00001}, "track", 30),
        ({"r128_track_gain": -8.0}, "track", -3.0),
        ({"r128_track_gain": -8.0, "replaygain_track_gain": -2.0}, "track", -2.0),
    ],
)  # fmt: skip
def test_replay_gain_never_clips(tags: dict[str, Any], gain: Any, expected: float) -> None:
    assert abs(replay_gain.applied_db(replay_gain.stated(tags), gain) - expected) < 0.01


def waiting(db: Database, tracks: loudness.MeasuredTracks = "untagged") -> list[int]:
    return [row["id"] for row in loudness.unmeasured_tracks(db.reader(), 10, tracks)]


def counted(db: Database, tracks: loudness.MeasuredTracks = "untagged") -> tuple[int, int, int]:
    """Return how many tracks wait, are measured, and could not be."""
    return (loudness.count_waiting(db.reader(), tracks), *loudness.count_measured(db.reader()))


def store(db: Database, track_id: int, lufs: float | None, peak: float = 0.5, silence: float = 0.0) -> None:
    with db.transaction() as connection:
        assert loudness.store(connection, track_id, Measurement(lufs, peak, silence, 0.0))


def fail(db: Database, track_id: int, *, retry_later: bool) -> None:
    with db.transaction() as connection:
        assert loudness.store(connection, track_id, None, "no sound", retry_later=retry_later)


def gains(db: Database, track_id: int) -> replay_gain.Gains:
    (row,) = bulk.tracks(db.reader(), [track_id])
    full = details.full_track(db.reader(), track_id)
    assert full is not None
    assert full["replay_gain"] == row["replay_gain"]
    found: replay_gain.Gains = row["replay_gain"]
    return found


def test_tracks_whose_tags_state_no_gain_wait_to_be_measured(db: Database) -> None:
    insert(
        db,
        file("/plain"),
        file("/gain", replaygain_track_gain="-3 dB"),
        file("/r128", r128_track_gain="-512"),
        file("/album", replaygain_album_gain="-3 dB"),
        file("/nonsense", replaygain_track_gain="loud"),
    )
    assert (waiting(db, "off"), waiting(db), waiting(db, "all")) == ([], [1, 4, 5], [1, 4, 5, 2, 3])
    store(db, 1, -14.0)
    fail(db, 4, retry_later=False)
    assert (waiting(db), waiting(db, "all")) == ([5], [5, 2, 3])
    assert [counted(db, tracks) for tracks in ("off", "untagged", "all")] == [(0, 1, 1), (1, 1, 1), (3, 1, 1)]
    with db.transaction() as connection:
        mark_missing(connection, ["/plain", "/album", "/nonsense"])
    assert counted(db, "all") == (2, 0, 0)


def test_a_file_with_other_sound_or_tags_is_measured_again(db: Database) -> None:
    insert(db, file("/a"), file("/b"))
    store(db, 1, -14.0)
    fail(db, 2, retry_later=False)
    insert(db, file("/a", genre="Folk"), file("/b", genre="Folk"))  # read again, with the same stamp
    assert waiting(db) == []
    insert(db, file("/a", size=2), file("/b", replaygain_track_gain="-3 dB", size=2))
    assert (waiting(db), waiting(db, "all")) == ([1], [1, 2])
    assert gains(db, 1)["track"] == Gain(-4.0, 0.5, is_measured=True)  # until it is measured


def test_a_file_that_was_unavailable_is_measured_again_when_a_scan_sees_it(db: Database) -> None:
    insert(db, file("/a"), file("/b"))
    fail(db, 1, retry_later=True)
    fail(db, 2, retry_later=False)
    assert [known[4] for known in queries.known_files(db.reader(), "/")] == [1, 0]
    with db.transaction() as connection:
        mark_returned(connection, ["/a", "/b"])
    assert waiting(db) == [1]
    with db.transaction() as connection:
        mark_missing(connection, ["/a"])
    assert waiting(db) == []


def test_what_is_no_measurement_is_refused(db: Database) -> None:
    insert(db, file("/a"))
    for lufs, peak, silence in ((-71.0, 0.5, 0.0), (-14.0, -0.5, 0.0), (-14.0, float("nan"), 0.0), (-14.0, 0.5, -1.0)):
        with pytest.raises(ValueError, match=r"is no|does not last"), db.transaction() as connection:
            loudness.store(connection, 1, Measurement(lufs, peak, silence, 0.0))
    with db.transaction() as connection:
        assert not loudness.store(connection, 99, Measurement(-14.0, 0.5, 0.0, 0.0))
    assert waiting(db) == [1]


def test_a_gain_of_the_tags_wins(db: Database) -> None:
    insert(
        db, file("/a", replaygain_track_gain="-7 dB", replaygain_track_peak="0.9"), file("/b", r128_track_gain="-512")
    )
    store(db, 1, -14.0)
    store(db, 2, -14.0)
    assert gains(db, 1) == {"track": Gain(-7.0, 0.9, is_measured=False)}
    assert gains(db, 2) == {"track": Gain(3.0, None, is_measured=False)}


def test_the_gain_of_an_album_is_that_of_its_tracks_together(db: Database) -> None:
    """Ten seconds at -10 LUFS and thirty at -20, of which twenty are silent: the mean energy of half and half."""
    insert(
        db,
        file("/a", album="X", artist="A", duration=10.0),
        file("/b", album="X", artist="A", duration=30.0),
        file("/silent", album="X", artist="A", duration=5.0),
    )
    store(db, 1, -10.0, 0.9)
    store(db, 2, -20.0, 0.4, silence=20.0)
    assert gains(db, 1) == {"track": Gain(-8.0, 0.9, is_measured=True)}
    store(db, 3, None, 0.0, silence=5.0)
    together = Gain(-5.4, 0.9, is_measured=True)  # -12.6 LUFS
    assert gains(db, 2) == {"track": Gain(2.0, 0.4, is_measured=True), "album": together}
    assert gains(db, 3) == {"album": together}
    album = details.full_album(db.reader(), 1)
    assert album is not None
    fields = ("replaygain_album_gain", "replaygain_album_peak", "replaygain_is_measured")
    assert [album[name] for name in fields] == [-5.4, 0.9, True]
    with db.transaction() as connection:
        mark_missing(connection, ["/b", "/silent"])
    assert gains(db, 1)["album"] == Gain(-8.0, 0.9, is_measured=True)


def test_the_gain_of_an_album_in_the_tags_is_not_said_to_be_measured(db: Database) -> None:
    insert(db, file("/a", album="X", artist="A", replaygain_album_gain="-7.1 dB"))
    store(db, 1, -10.0)
    album = details.full_album(db.reader(), 1)
    assert album is not None
    assert (album["replaygain_album_gain"], album["replaygain_is_measured"]) == (-7.1, False)
    assert gains(db, 1)["album"] == Gain(-7.1, None, is_measured=False)
