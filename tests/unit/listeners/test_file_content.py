"""What a playlist file says: its name, and its locations or rules."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soniquebay.listeners import file_content, rules
from soniquebay.listeners.file_content import FileContent
from soniquebay.listeners.playlist_files import MAX_FILE_BYTES, NotAPlaylistError

LOVED = b'"all": [{"is": {"loved": true}}]'


@pytest.mark.parametrize(
    ("path", "data", "name", "locations"),
    [
        (b"/m/Mix.m3u", b"a.mp3", "Mix", [b"a.mp3"]),
        (b"/m/Mix.M3U8", b"#PLAYLIST:Other\na.mp3", "Other", [b"a.mp3"]),
        (b"/m/A.B.pls", b"[playlist]\nFile1=a.mp3", "A.B", [b"a.mp3"]),
        (b"/m/\xcc\xe8\xf0.m3u", b"", "Мир", []),
        (b"/m/Mix.m3u", b"#PLAYLIST: \x01\x02 \n", "Mix", []),
        ("/m/\u200b.m3u".encode(), b"", "?", []),
    ],
)
def test_lists(path: bytes, data: bytes, name: str, locations: list[bytes]) -> None:
    assert file_content.read(path, data, "cp1251") == FileContent(name, "", None, locations)


@pytest.mark.parametrize(
    ("data", "name", "comment"),
    [
        (b"{%s}", "Rules", ""),
        (b'\xef\xbb\xbf{"name": " Best ", "comment": "of // all /* */", %s}', "Best", "of // all /* */"),
        (b'// of "me"\n{ /* it\'s\n */ "name": "http://x", %s } // end', "http://x", ""),
        (b'{"name": "a\\u200bb", "comment": "\\"//", %s}', "ab", '"//'),
    ],
)
def test_rules_may_have_comments(data: bytes, name: str, comment: str) -> None:
    found = file_content.read(b"/m/Rules.nsp", data % LOVED)
    assert (found.name, found.comment, found.locations) == (name, comment, [])
    assert json.loads(found.rules or "")["all"] == [{"is": {"loved": True}}]
    assert rules.read((found.rules or "").encode())


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        (b"/m/a.nsp", b"{", "no JSON"),
        (b"/m/a.nsp", b'{"all": [{"is": {"colour": "red"}}]}', "no field colour"),
        (b"/m/a.nsp", b"[" * 100_000, "no JSON"),
        (b"/m/a.nsp", b'{"name": "\\ud800", %s}' % LOVED, "cannot be stored"),
        (b"/m/a.nsp", b" " * (MAX_FILE_BYTES + 1), "larger than 8 MiB"),
        (b"/m/a.m3u", b"\0", "not text"),
        (b"/m/a.m3u8", b"#EXTM3U\n#EXT-X-VERSION:3\nx.ts", "HLS"),
    ],
)
def test_what_is_no_playlist_is_told(path: bytes, data: bytes, reason: str) -> None:
    with pytest.raises(NotAPlaylistError, match=reason):
        file_content.read(path, data)


@given(st.sampled_from([b"/a.m3u", b"/a.pls", b"/a.nsp", b"/\xff.nsp", b"/.nsp"]), st.binary(), st.booleans())
def test_any_bytes_are_read_or_refused(path: bytes, data: bytes, is_rules: bool) -> None:
    try:
        found = file_content.read(path, b'{"name": "%s", %s}' % (data, LOVED) if is_rules else data)
    except NotAPlaylistError:
        return
    assert found.name
    assert found.name.isprintable()
    assert found.comment.encode() is not None
