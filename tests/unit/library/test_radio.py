"""What a radio plays: no artist twice in a row, nothing that was heard, others each time."""

from itertools import pairwise

from soniquebay.library.similarity.radio import next_tracks

FOUND = [(track_id, 0.9 - track_id / 1000) for track_id in range(1, 101)]
ARTISTS = {track_id: frozenset([track_id % 7]) for track_id, _ in FOUND}


def test_no_artist_follows_himself_and_nothing_is_repeated() -> None:
    heard = [1, 2, 3]
    while len(heard) < 90:
        found = next_tracks(FOUND, ARTISTS, 10, None, heard)
        assert len(found) == 10
        assert not set(found) & set(heard)
        heard += found
    assert all(a % 7 != b % 7 for a, b in pairwise(heard[2:70]))
    assert next_tracks(FOUND, ARTISTS, 10, None, range(1, 101)) == []


def test_a_seed_repeats_what_chance_changes() -> None:
    assert next_tracks(FOUND, ARTISTS, 20, 5, []) == next_tracks(FOUND, ARTISTS, 20, 5, [])
    assert next_tracks(FOUND, ARTISTS, 20, 5, []) != next_tracks(FOUND, ARTISTS, 20, 6, [])


def test_the_nearest_are_played_rather_than_the_far() -> None:
    found = [(track_id, 0.9 if track_id <= 30 else 0.2) for track_id in range(1, 101)]
    assert max(next_tracks(found, ARTISTS, 20, 1, [])) <= 30


def test_an_artist_whom_nobody_resembles_follows_himself() -> None:
    artists = {track_id: frozenset([1]) for track_id, _ in FOUND}
    assert len(next_tracks(FOUND, artists, 20, 1, [50])) == 20
    assert len(next_tracks(FOUND, {}, 20, 1, [50])) == 20
