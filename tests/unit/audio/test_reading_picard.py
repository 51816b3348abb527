"""Tags as Picard writes them come out the same in every format."""

from pathlib import Path

import pytest

from soniquebay.audio.reading.read import read_file
from tests.support import picard, rare_audio
from tests.support.rare_audio import tone_bytes

# Picard's names: the canonical ones.
CANONICAL = {
    "titlesort": "title_sort", "artistsort": "artist_sort", "albumsort": "album_sort", "albumartist": "album_artist",
    "albumartistsort": "album_artist_sort", "discsubtitle": "disc_subtitle", "originaldate": "original_date",
    "composersort": "composer_sort", "djmixer": "dj_mixer", "catalognumber": "catalog_number",
    "releasetype": "release_type", "releasestatus": "release_status", "releasecountry": "release_country",
    "movementnumber": "movement_number", "movementtotal": "movement_total", "musicbrainz_recordingid": "mb_recording",
    "musicbrainz_trackid": "mb_track", "musicbrainz_albumid": "mb_album", "musicbrainz_artistid": "mb_artist",
    "musicbrainz_releasegroupid": "mb_release_group", "musicbrainz_albumartistid": "mb_album_artist",
    "musicbrainz_workid": "mb_work", "tracknumber": "track", "totaltracks": "track_total", "discnumber": "disc",
    "totaldiscs": "disc_total",
}  # fmt: skip
PERFORMERS = ["Pia Nist (piano)", "Vo Calist (lead vocals)", "Second Voice (lead vocals)"]
# What Picard writes nowhere in a format.
ABSENT = {
    "mp4": {"writer", "arranger", "original_date", "performer"},
    "asf": {"writer", "arranger", "performer", "track_total", "movement", "movement_number", "movement_total"},
    "ape": {"original_date"},
}
FILES = {
    **dict.fromkeys((".mp3", ".mp2", ".wav", ".aiff", ".tta", ".aac"), ("id3", tone_bytes)),
    **dict.fromkeys((".flac", ".ogg", ".opus"), ("vorbis", tone_bytes)),
    ".m4a": ("mp4", tone_bytes),
    ".wma": ("asf", tone_bytes),
    ".wv": ("ape", tone_bytes),
    ".ac3": ("ape", tone_bytes),
    ".dsf": ("id3", lambda _: rare_audio.dsf()),
    ".dff": ("id3", lambda _: rare_audio.dsdiff()),
    ".ape": ("ape", lambda _: rare_audio.monkeys_audio()),
    ".mpc": ("ape", lambda _: rare_audio.musepack()),
    ".spx": ("vorbis", lambda _: rare_audio.speex()),
}


def expected(system: str) -> dict[str, list[str]]:
    tags = {CANONICAL.get(name, name): values for name, values in picard.RELEASE.items() if "performer" not in name}
    tags["performer"] = PERFORMERS
    if system in {"id3", "ape", "mp4"}:
        tags["track"], tags["disc"] = ["3/12"], ["2/3"]
        del tags["track_total"], tags["disc_total"]
    if system == "id3":
        tags["movement_number"] = ["2/4"]
        del tags["movement_total"]
    if system == "asf":
        tags["disc"] = ["2/3"]
        del tags["disc_total"]
    return {name: values for name, values in tags.items() if name not in ABSENT.get(system, ())}


@pytest.mark.parametrize("suffix", list(FILES))
def test_what_picard_writes_is_read_under_its_canonical_name(tmp_path: Path, suffix: str) -> None:
    system, make = FILES[suffix]
    file = tmp_path / f"x{suffix}"
    file.write_bytes(make(suffix))
    picard.write(file, picard.RELEASE)
    content = read_file(str(file))
    assert content.tags == expected(system)
    assert content.sound.duration == pytest.approx(1.0, abs=0.1)
    assert not content.doubtful_text


def test_an_id3v23_tag_of_picard_differs_in_what_that_version_cannot_say(tmp_path: Path) -> None:
    file = tmp_path / "x.mp3"
    file.write_bytes(tone_bytes(".mp3"))
    picard.write(file, picard.RELEASE, id3_version=3)
    wanted = expected("id3")
    # Several values of a frame are joined, an original date is a year, and some frames do not exist.
    joined = {name: ["/".join(values)] for name, values in wanted.items() if name not in {"producer", "performer"}}
    joined["original_date"] = ["1999"]
    read = read_file(str(file)).tags
    for name in ("disc_subtitle", "mood", "title_sort", "artist_sort", "album_sort"):
        assert read.pop(name, joined[name]) == joined.pop(name)
    assert read.pop("producer") == wanted["producer"]
    assert set(read.pop("performer")) == set(PERFORMERS)
    assert read == joined
