"""Tags and pictures of real files in every format."""

import os
from pathlib import Path

import pytest

from soniquebay.audio import artwork
from soniquebay.audio.file_names import AUDIO_SUFFIXES, UNSUPPORTED_SUFFIXES, is_audio
from soniquebay.audio.picture_format import media_type
from soniquebay.audio.picture_names import AlbumNames
from soniquebay.audio.pictures import Picture
from soniquebay.audio.reading.embedded import embedded_pictures
from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.read import read_file
from soniquebay.library.catalogue.interpret import interpret
from tests.support.audio_files import CODECS, png, tag, tone

MBID = "0f6e32a1-0000-4000-8000-00000000000a"
TAGGED = [suffix for suffix in CODECS if suffix != ".aac"]


@pytest.mark.parametrize("suffix", TAGGED)
def test_the_tags_of_every_format_are_read(tmp_path: Path, suffix: str) -> None:
    given = {"title": "Tïtle", "artist": "Ärtist", "album": "Album", "albumartist": "Host", "tracknumber": "3"}
    more = {"date": "1999-05-01", "genre": "Folk", "mb_track": MBID, "mb_album": MBID, "mb_artist": MBID}
    file = tone(tmp_path / f"x{suffix}", **given, **more)
    content = read_file(str(file))
    tags = interpret(content.tags, "/x")
    assert tags.artist is not None
    assert tags.album_artist is not None
    credits = (tags.artist.text, tags.album_artist.text)
    assert (tags.title, credits, tags.album) == ("Tïtle", ("Ärtist", "Host"), "Album")
    assert (tags.track_no, tags.date, tags.genres) == (3, "1999-05-01", ("Folk",))
    assert (tags.mbid, tags.album_mbid, tags.artist.parts[0].mbid) == (MBID, MBID, MBID)
    assert content.sound.duration == pytest.approx(2.0, abs=0.1)
    assert not content.has_picture


def test_a_raw_aac_file_has_its_name_as_title_and_a_duration(tmp_path: Path) -> None:
    file = tone(tmp_path / "My song.aac")
    content = read_file(str(file))
    tags = interpret(content.tags, str(file))
    assert (tags.title, tags.artist, content.sound.format) == ("My song", None, "AAC")
    assert content.sound.duration == pytest.approx(2.0, abs=0.2)


def test_a_numeric_id3_genre_is_translated_to_its_name(tmp_path: Path) -> None:
    assert read_file(str(tone(tmp_path / "x.mp3", genre="(17)"))).tags["genre"] == ["Rock"]


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 4000, b"ID3\x04\0\0\0\0\x0f\x7f" + b"x" * 300, b"fLaC" + b"\xff" * 99]
)
def test_a_file_that_is_not_audio_is_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.mp3"
    file.write_bytes(content)
    with pytest.raises(UnreadableAudioError, match=r"\w"):
        read_file(str(file))


def test_a_missing_file_is_refused_with_the_system_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudioError, match="No such file"):
        read_file(str(tmp_path / "gone.flac"))


@pytest.mark.parametrize("suffix", TAGGED)
def test_an_embedded_picture_is_found(tmp_path: Path, suffix: str) -> None:
    file = tone(tmp_path / f"x{suffix}")
    assert embedded_pictures(str(file)) == []
    tag(file, picture=True)
    assert embedded_pictures(str(file)) == [png()]
    assert read_file(str(file)).has_picture


def test_the_kind_of_a_folder_picture_is_told_by_its_content(tmp_path: Path) -> None:
    def shown() -> Picture | None:
        tracks = [str(tmp_path / "1.flac")]
        return artwork.first_picture(artwork.album_candidates(artwork.Folders(), tracks, AlbumNames()))

    (tmp_path / "cover.jpg").write_bytes(b"no picture at all")
    assert shown() is None
    os.mkfifo(tmp_path / "cover.png")  # opening it would block for ever
    (tmp_path / "Folder.JPG").write_bytes(png())
    picture = shown()
    assert picture is not None
    assert picture.media_type == "image/png"
    assert media_type(b"<html>") is None


def test_only_known_suffixes_are_audio() -> None:
    assert all(map(is_audio, ("a.mp3", "a.b.FLAC", "x.Opus")))
    assert not any(map(is_audio, (".mp3", "mp3", "a.jpg", "a.mp3.part", "")))


@pytest.mark.parametrize("suffix", [*CODECS, ".dsf", ".dff", ".ape", ".mpc", ".mp+", ".spx", ".weba", ".w64", ".asf"])
def test_every_format_that_is_read_is_audio_by_its_name(suffix: str) -> None:
    assert is_audio(f"x{suffix}")
    assert is_audio(f"X{suffix.upper()}")


def test_what_looks_like_audio_and_is_not_read_is_told_apart() -> None:
    assert UNSUPPORTED_SUFFIXES.keys().isdisjoint(AUDIO_SUFFIXES)
    named = ".ra .rm .mid .mod .xm .amr .voc .au .caf .aa .aax .m4p .wvx .ofr .shn .tak .mlp .dts .it .s3m"
    for suffix in named.split():
        assert UNSUPPORTED_SUFFIXES[suffix]
        assert not is_audio(f"x{suffix}")
