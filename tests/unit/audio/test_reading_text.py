"""Text of tags: what stays, what goes, and the code pages that files do not state."""

from pathlib import Path

import pytest
from mutagen.id3 import ID3, TALB, TIT2, TPE1

from soniquebay.audio.reading.content import (
    MAX_LONG_VALUE_CHARACTERS,
    MAX_VALUE_CHARACTERS,
    MAX_VALUES,
    FileContent,
    content_of,
)
from soniquebay.audio.reading.raw import RawContent, RawTags, Sound, TagSystem
from soniquebay.audio.reading.read import read_file
from tests.support.rare_audio import tone_bytes

# Text of many languages in the code page that old taggers wrote it in.
WRONG_CODE_PAGES = [
    ("cp1251", "Кино", "Группа крови"),
    ("cp1251", "Мумий Тролль", "Это по любви"),
    ("cp1251", "АРИЯ", "УЛИЦА РОЗ"),
    ("cp1253", "Ελλάδα", "Μουσική"),
    ("koi8-r", "Аквариум", "Город золотой"),
    ("cp932", "宇多田ヒカル", "First Love"),
    ("cp932", "アニメ", "夜に駆ける"),
    ("cp932", "きゃりーぱみゅぱみゅ", "つけまつける"),
    ("gbk", "周杰伦", "青花瓷"),
    ("gbk", "王菲", "红豆"),
    ("big5", "張惠妹", "聽海"),
    ("cp949", "아이유", "좋은 날"),
]
# Text that ISO-8859-1 and Windows-1252 were made for.
RIGHT = [
    "Été à l'élégérée créée Noël",
    "L'Œuvre - cœur",
    "Größenwahn ÄÖÜ äöüß Straße",
    "Übergrößenträger",
    "¿Qué? ¡Olé! Ñandú señor",
    "Ação e coração, não",
    "Þú ert ágætis byrjun - Sigur Rós",
    "Ænima Ødegård Åse på Færøyene",
    "Jäääärne ääretu öö õun",
    "Hyvää yötä äiti",
    "ÄÄÄÄÄÄ!",
    "“Heroes” ‘Live’ – 1977…",
    "I’m Rock ’n’ Roll",
    "Zolc i Lodz, Krakow",
    "Bjork © 1997 ®",
    "99½ °C ±5 €",
    "Ça va où là",
]


def latin1(text: str, encoding: str) -> str:
    return text.encode(encoding).decode("latin-1")


def content(*, tag_encoding: str = "", **values: str) -> FileContent:
    """Return the content of a file with frames whose text is marked as ISO-8859-1."""
    tags = {key: [value] for key, value in values.items()}
    return content_of(RawContent("id3", tags, Sound("MP3", "MP3", 1.0), latin1=set(tags)), tag_encoding)


@pytest.mark.parametrize(("encoding", "artist", "title"), WRONG_CODE_PAGES)
def test_a_wrong_code_page_is_told_and_put_right_by_the_setting(encoding: str, artist: str, title: str) -> None:
    written = {"TPE1": latin1(artist, encoding), "TIT2": latin1(title, encoding)}
    assert content(**written).doubtful_text
    right = content(**written, tag_encoding=encoding)
    assert right.tags == {"artist": [artist], "title": [title]}
    assert not right.doubtful_text


@pytest.mark.parametrize("text", RIGHT)
def test_text_in_the_stated_code_page_is_not_doubted(text: str) -> None:
    read = content(TIT2=latin1(text, "cp1252"), TPE1="Plain")
    assert read.tags["title"] == [text]
    assert not read.doubtful_text


def test_short_texts_are_doubted_together() -> None:
    assert not content(TIT2=latin1("Мир", "cp1251")).doubtful_text  # as well "Ìèð"
    assert content(TIT2=latin1("Мир", "cp1251"), TALB=latin1("Я и ты", "cp1251")).doubtful_text


def test_utf8_that_is_marked_as_latin1_needs_no_setting() -> None:
    for encoding in ("", "cp1251"):
        read = content(TIT2=latin1("Ágætis Привет 夜", "utf-8"), tag_encoding=encoding)
        assert (read.tags["title"], read.doubtful_text) == (["Ágætis Привет 夜"], False)


def test_text_that_is_not_valid_in_the_set_code_page_stays() -> None:
    read = content(TIT2="caf\xe9", TPE1=latin1("夜に駆ける", "cp932"), tag_encoding="cp932")
    assert read.tags == {"title": ["café"], "artist": ["夜に駆ける"]}


def test_a_character_that_a_field_of_id3v1_cuts_is_left_out() -> None:
    field = ("夜に駆ける音楽家たちの歌" * 2).encode("cp932")[:30]
    cut = b"x" + field[:29]
    read = content(TIT2=cut.decode("latin-1"), tag_encoding="cp932")
    assert read.tags["title"] == [cut[:29].decode("cp932")]


def test_marked_frames_and_id3v1_of_a_real_file_are_put_right(tmp_path: Path) -> None:
    file = tmp_path / "x.mp3"
    v1 = b"TAG" + b"x".ljust(30, b"\0") * 2 + "Альбом".encode("cp1251").ljust(30, b"\0") + b"1996" + bytes(30) + b"\xff"
    file.write_bytes(tone_bytes(".mp3") + v1)
    tag = ID3()
    tag.add(TIT2(encoding=0, text=latin1("Группа крови", "cp1251")))
    tag.add(TPE1(encoding=3, text="Ïðèâåò"))  # what is marked as Unicode is as it is
    tag.save(file, v1=1)
    with file.open("r+b") as end:  # mutagen has rewritten the ID3v1 tag
        end.seek(-128, 2)
        end.write(v1)
    assert read_file(str(file)).doubtful_text
    read = read_file(str(file), "cp1251")
    assert (read.tags["title"], read.tags["artist"]) == (["Группа крови"], ["Ïðèâåò"])
    assert read.tags["album"] == ["Альбом"]
    assert read_file(str(file)).as_dict()["doubtful_text"] is True


def test_a_utf16_frame_with_letters_of_latin1_is_not_touched_by_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "x.mp3"
    file.write_bytes(tone_bytes(".mp3"))
    tag = ID3()
    tag.add(TALB(encoding=1, text="Ágætis byrjun"))
    tag.save(file)
    assert read_file(str(file), "cp1251").tags == {"album": ["Ágætis byrjun"]}


# --- cleaning -------------------------------------------------------------------------------------------------------


def vorbis(**values: list[str]) -> dict[str, list[str]]:
    return content_of(RawContent("vorbis", values, Sound("FLAC", "FLAC", 1.0))).tags


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # a joiner that Persian needs
        "👩\u200d🎤 🫠",
        "שלום \u200fעולם",
        "\u202eright to left",
        "private \ue000 use",
        "no\u00a0break",
        "e\u0301 decomposed",
    ],
)
def test_joiners_and_printable_characters_stay(text: str) -> None:
    assert vorbis(title=[text]) == {"title": [text]}


def test_only_control_characters_go() -> None:
    assert vorbis(title=["\ufeffa\0b\x07c\x9d\ud800d"]) == {"title": ["abcd"]}
    assert vorbis(title=["  one\r\ntwo\tthree \n"]) == {"title": ["one two three"]}
    assert vorbis(comment=[" one\r\ntwo\rthree\x0bfour\tfive\0 "]) == {"comment": ["one\ntwo\nthree\nfour\tfive"]}


def test_empty_values_are_none_and_make_room_for_the_next_name() -> None:
    assert vorbis(title=["", " ", "\0"], date=[" "], year=["2001"]) == {"date": ["2001"]}


def test_values_are_bounded() -> None:
    read = vorbis(title=["x" * 5000], artist=["a"] * 100, lyrics=["y" * 200_000])
    assert len(read["title"][0]) == MAX_VALUE_CHARACTERS
    assert len(read["artist"]) == MAX_VALUES
    assert len(read["lyrics"][0]) == MAX_LONG_VALUE_CHARACTERS


# --- values in forms of their own -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "key", "value", "percent"),
    [
        ("id3", "POPM:Windows Media Player 9 Series", "1/0", "20"),
        ("id3", "POPM:Windows Media Player 9 Series", "64/0", "40"),
        ("id3", "POPM:Windows Media Player 9 Series", "128/0", "60"),
        ("id3", "POPM:Windows Media Player 9 Series", "196/0", "80"),
        ("id3", "POPM:Windows Media Player 9 Series", "255/0", "100"),
        ("id3", "POPM:users@musicbrainz.org", "51/0", "20"),
        ("id3", "POPM:users@musicbrainz.org", "153/0", "60"),
        ("id3", "POPM:MusicBee", "186/3", "70"),
        ("id3", "POPM:", "0/0", None),
        ("id3", "TXXX:FMPS_Rating", "0.9", "90"),
        ("vorbis", "fmps_rating", "1", "100"),
        ("vorbis", "rating", "4", "80"),
        ("vorbis", "rating", "4.5", "90"),
        ("vorbis", "rating", "7", "70"),
        ("vorbis", "rating", "80", "80"),
        ("vorbis", "rating", "0.6", "60"),
        ("vorbis", "rating", "1", "20"),
        ("vorbis", "rating:users@musicbrainz.org", "1", "100"),
        ("vorbis", "rating", "196", "80"),
        ("vorbis", "rating", "loved", None),
        ("vorbis", "rating", "-1", None),
        ("vorbis", "rating", "1e9", None),
        ("ape", "rating", "3", "60"),
        ("mp4", "rate", "60", "60"),
        ("mp4", "----:com.apple.iTunes:RATING", "80", "80"),
        ("asf", "wm/shareduserrating", "99", "100"),
        ("asf", "wm/shareduserrating", "75", "80"),
        ("asf", "wm/shareduserrating", "1", "20"),
        ("asf", "wm/shareduserrating", "59", "60"),
        ("asf", "wm/shareduserrating", "0", None),
    ],
)
def test_ratings_of_all_scales_are_in_per_cent(system: TagSystem, key: str, value: str, percent: str | None) -> None:
    read = content_of(RawContent(system, {key: [value]}, Sound("x", "x", 1.0))).tags
    assert read.get("rating") == ([percent] if percent else None)


@pytest.mark.parametrize(
    ("system", "key", "values", "is_loved"),
    [
        ("id3", "TXXX:LOVE RATING", ["L"], True),
        ("id3", "TXXX:LOVE RATING", ["U", "l "], True),
        ("vorbis", "love rating", ["L"], True),
        ("ape", "Love Rating", ["L"], True),
        ("mp4", "----:com.apple.iTunes:LOVERATING", ["L"], True),
        ("asf", "MusicBee/LOVE RATING", ["L"], True),
        ("id3", "TXXX:LOVE RATING", ["B"], False),
        ("vorbis", "love rating", ["0"], False),
        ("vorbis", "love rating", [""], False),
    ],
)
def test_what_musicbee_calls_loved(system: TagSystem, key: str, values: list[str], is_loved: bool) -> None:
    read = content_of(RawContent(system, {key: values}, Sound("x", "x", 1.0))).tags
    assert read == ({"loved": ["1"]} if is_loved else {})


def test_of_several_ratings_the_first_that_is_one_is_taken() -> None:
    tags = {"POPM:a": ["0/4"], "POPM:b": ["196/9"], "PCNT": ["12"]}
    read = content_of(RawContent("id3", tags, Sound("x", "x", 1.0))).tags
    assert read == {"rating": ["80"], "play_count": ["12"]}
    assert vorbis(rating=["4", "5"]) == {"rating": ["80"]}


@pytest.mark.parametrize(
    ("value", "genres"),
    [
        ("17", ["Rock"]),
        ("(17)", ["Rock"]),
        ("(17)Rock", ["Rock"]),
        ("(17)(18)Refinement", ["Rock", "Techno", "Refinement"]),
        ("(4)Eurodisco", ["Disco", "Eurodisco"]),
        ("(RX)(CR)", ["Remix", "Cover"]),
        ("((odd)", ["(odd)"]),
        ("(unfinished", ["(unfinished"]),
        ("(255)", None),
        ("254", None),
        ("1984", ["1984"]),
        ("Folk, World, & Country", ["Folk, World, & Country"]),
    ],
)
def test_genres_of_all_forms(value: str, genres: list[str] | None) -> None:
    for system, key in (("id3", "TCON"), ("vorbis", "genre")):
        raw = RawContent(system, {key: [value]}, Sound("x", "x", 1.0))  # type: ignore[arg-type]
        assert content_of(raw).tags.get("genre") == genres


def test_people_of_all_forms() -> None:
    raw = {
        "TIPL": ["producer", "P", "mix", "M", "DJ-mix", "D", "arranger", "A", "engineer", "E", "odd"],
        "IPLS": ["guitar", "G", "Composer", "C"],
        "TMCL": ["piano", "Pi", "", "No Instrument", "voice", " "],
        "TCOM": ["Own Frame"],
    }
    assert content_of(RawContent("id3", raw, Sound("x", "x", 1.0))).tags == {
        "producer": ["P"], "mixer": ["M"], "dj_mixer": ["D"], "arranger": ["A"], "engineer": ["E"],
        "performer": ["G (guitar)", "Pi (piano)", "No Instrument"], "composer": ["Own Frame"],
    }  # fmt: skip
    assert vorbis(**{"performer": ["Joe (piano)"], "performer:bass": ["Bob"]}) == {
        "performer": ["Joe (piano)", "Bob (bass)"]
    }


def test_lyrics_with_time_stamps_are_synced_lyrics() -> None:
    timed, plain = "[ti:x]\n[00:01.00]one\n[00:02.5]two", "one [sic]\ntwo"
    assert vorbis(lyrics=[timed]) == {"synced_lyrics": [timed]}
    assert vorbis(lyrics=[plain, timed]) == {"lyrics": [plain], "synced_lyrics": [timed]}
    assert vorbis(syncedlyrics=[timed], unsyncedlyrics=[plain]) == {"lyrics": [plain], "synced_lyrics": [timed]}


def test_flags_and_pairs() -> None:
    for value, expected in (("1", ["1"]), ("true", ["1"]), ("0", None), ("no", None)):
        assert vorbis(compilation=[value]).get("compilation") == expected
    raw = {"trkn": ["3/0"], "disk": ["0/0"], "cpil": ["0"], "tmpo": ["0"]}
    assert content_of(RawContent("mp4", raw, Sound("x", "x", 1.0))).tags == {"track": ["3"]}


def test_names_have_no_case_and_a_rank() -> None:
    raw = {"TXXX:aCoUsTiD": ["no"], "TXXX:ReplayGain_Track_Gain": ["-1 dB"], "RVA2:track": ["-9.00 dB/0.5"]}
    assert content_of(RawContent("id3", raw, Sound("x", "x", 1.0))).tags == {
        "replaygain_track_gain": ["-1 dB"],
        "replaygain_track_peak": ["0.5"],
    }


def test_fallbacks_fill_in_names_and_not_values() -> None:
    raw = RawContent(
        "id3",
        {"TIT2": ["T"], "TPE1": ["A"]},
        Sound("x", "x", 1.0),
        fallbacks=(RawTags("ape", {"artist": ["B", "C"], "album": ["X"]}), RawTags("id3", {"TALB": ["Y"]})),
    )
    assert content_of(raw).tags == {"title": ["T"], "artist": ["A"], "album": ["X"]}


def test_the_stored_form_is_compact() -> None:
    read = FileContent({"title": ["T"], "artist": ["A", "B"]}, Sound("MP3", "MP3", 1.5, sample_rate=44100))
    assert read.as_dict() == {
        "tags": {"title": "T", "artist": ["A", "B"]},
        "sound": {"format": "MP3", "codec": "MP3", "duration": 1.5, "sample_rate": 44100},
    }
