"""Playlists in files, of odd programs and systems."""

import codecs
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soniquebay.listeners import playlist_files, playlists
from soniquebay.listeners.playlist_files import NotAPlaylistError, PlaylistFile, find_tracks, parse, paths_of
from tests.unit.listeners.libraries import Kept
from tests.unit.songs import file

FOLDER, ROOTS = b"/srv/music/lists", [b"/srv/music"]


@pytest.mark.parametrize(
    ("data", "name", "locations"),
    [
        (b"a.mp3\nb/c.mp3\n", None, [b"a.mp3", b"b/c.mp3"]),
        (b"", None, []),
        (b"\r\n\r\n", None, []),
        (b"#EXTM3U\r\n#PLAYLIST: My mix \r\n#EXTINF:1,A - B\r\n  a.mp3  \r\n", "My mix", [b"a.mp3"]),
        (b"a.mp3\rb.mp3", None, [b"a.mp3", b"b.mp3"]),  # old Macs
        (codecs.BOM_UTF8 + "#EXTM3U\n#PLAYLIST:Ä\nä.mp3".encode(), "Ä", ["ä.mp3".encode()]),
        ("\ufeff#EXTM3U\r\n#PLAYLIST:Ä\r\nä.mp3\r\n".encode("utf-16-le"), "Ä", ["ä.mp3".encode()]),
        ("\ufeffä.mp3".encode("utf-16-be"), None, ["ä.mp3".encode()]),
        (b"#PLAYLIST:\xc4\n\xe4.mp3", "Ä", [b"\xe4.mp3"]),
        (b'"C:\\a b.mp3"', None, [b"C:\\a b.mp3"]),
        (b"http://radio.example/x\nHTTPS://x/y\nrtsp://z\na:b.mp3\nRe: x.mp3\n", None, [b"a:b.mp3", b"Re: x.mp3"]),
        (b"file:///a.mp3", None, [b"file:///a.mp3"]),
        (b"[playlist]\nFile2=b.mp3\nTitle1=x\nFILE1 = a.mp3\nfile10=c.mp3\nLength1=3\nNumberOfEntries=9\nVersion=2\n",
         None, [b"a.mp3", b"b.mp3", b"c.mp3"]),
        (b"\xef\xbb\xbf[Playlist]\r\nFile1=\r\nFile2=x=y.mp3\r\n", None, [b"x=y.mp3"]),
    ],
)  # fmt: skip
def test_what_a_file_says(data: bytes, name: str | None, locations: list[bytes]) -> None:
    found = parse(data)
    assert (found.name, found.locations) == (name, locations)


def test_streams_are_counted_and_what_is_no_playlist_is_told() -> None:
    assert parse(b"a.mp3\nhttp://x/y\nmms://z") == PlaylistFile(None, [b"a.mp3"], 2)
    many = b"a\n" * (playlists.MAX_ENTRIES + 1)
    for data, reason in (
        (b"ID3\0\0", "not text"), (b"#EXTM3U\n#EXT-X-VERSION:3\nx.ts", "HLS"), (many, "entries"),
        (b"x" * (playlist_files.MAX_FILE_BYTES + 1), "MiB"),
    ):  # fmt: skip
        with pytest.raises(NotAPlaylistError, match=reason):
            parse(data)
    assert parse("#PLAYLIST:Мир".encode("cp1251"), "cp1251").name == "Мир"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (b"a.mp3", b"/srv/music/lists/a.mp3"),
        (b"./a.mp3", b"/srv/music/lists/a.mp3"),
        (b"../A/a.mp3", b"/srv/music/A/a.mp3"),
        (b"A/a.mp3", b"/srv/music/A/a.mp3"),  # relative to the folder of music
        (b"/srv/music/A/a.mp3", b"/srv/music/A/a.mp3"),
        (b"/home/me/Music/A/a.mp3", b"/srv/music/A/a.mp3"),
        (b"..\\A\\a.mp3", b"/srv/music/A/a.mp3"),
        (b"C:\\Users\\me\\Music\\A\\a.mp3", b"/srv/music/A/a.mp3"),
        (b"C:/Music/A/a.mp3", b"/srv/music/A/a.mp3"),
        (b"\\A\\a.mp3", b"/srv/music/A/a.mp3"),
        (b"\\\\nas\\music\\A\\a.mp3", b"/srv/music/A/a.mp3"),
        (b"file:///srv/music/A/a%20b.mp3", b"/srv/music/A/a b.mp3"),
        (b"file:///C:/Music/A/%C3%A4.mp3", "/srv/music/A/ä.mp3".encode()),
        (b"FILE://localhost/srv/music/A/a%23.mp3", b"/srv/music/A/a#.mp3"),
        (b"file:/srv/music/A/a.mp3", b"/srv/music/A/a.mp3"),
        (b"file:///C:\\Music\\A\\a.mp3", b"/srv/music/A/a.mp3"),
        (b"A/100%25.mp3", b"/srv/music/A/100%.mp3"),
        (b"A/100%25.mp3", b"/srv/music/A/100%25.mp3"),
        (b"A/\xe4.mp3", "/srv/music/A/ä.mp3".encode()),
        (b"A/\xe4.mp3", b"/srv/music/A/\xe4.mp3"),
        ("A/ä.mp3".encode(), unicodedata.normalize("NFD", "/srv/music/A/ä.mp3").encode()),
        (b"A/back\\slash.mp3", b"/srv/music/A/back\\slash.mp3"),
        (b"../../../../etc/passwd", b"/etc/passwd"),  # only tracks are looked up by it
    ],
)
def test_which_paths_a_location_may_mean(location: bytes, path: bytes) -> None:
    assert path in paths_of(location, FOLDER, ROOTS)


@given(st.binary(max_size=200), st.sampled_from(["", "cp1251", "gbk"]))
def test_any_bytes_are_read(data: bytes, tag_encoding: str) -> None:
    try:
        found = parse(data, tag_encoding)
    except NotAPlaylistError:
        return
    for location in found.locations:
        candidates = paths_of(location, FOLDER, ROOTS, tag_encoding)
        assert 0 < len(candidates) <= playlist_files.MAX_PATHS_OF_ENTRY
        assert all(path.startswith(b"/") and b"/../" not in path for path in candidates)


def test_the_tracks_of_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(tmp_path)
    kept.scan([
        file("/srv/music/A/One.mp3", title="1"),
        file(unicodedata.normalize("NFD", "/srv/music/A/Zwölf.mp3"), title="2"),
        file("/srv/music/lists/One.mp3", title="3"), file("/srv/music/B/\\xe4.mp3", title="4"),
    ])  # fmt: skip

    def found(*locations: bytes) -> list[list[int]]:
        entries = [paths_of(location, FOLDER, ROOTS) for location in locations]
        return find_tracks(kept.listeners.reader(), entries)

    assert found(b"One.mp3", b"A/One.mp3", b"../a/ONE.mp3", b"none.mp3") == [[3], [1], [], []]
    assert found(b"D:\\x\\A\\ONE.MP3", "A/ZWÖLF.mp3".encode(), b"..\\A\\Zw\xf6lf.mp3") == [[1], [2], [2]]
    assert found(b"../B/\xe4.mp3", b"A/One.mp3", b"A/One.mp3") == [[4], [1], [1]]
    monkeypatch.setattr(playlist_files, "MAX_FILES_BELOW_FOLDER", 1)
    assert found(b"A/ONE.mp3", b"A/One.mp3", b"one.mp3") == [[], [1], [3]]
