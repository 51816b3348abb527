"""Tags as MusicBrainz Picard writes them, by its published mapping ("Tag Mapping", an appendix of its guide).

The keys of `RELEASE` are Picard's own names; "performer:<instrument>" is one, too.
"""

from pathlib import Path
from typing import Any

from mutagen import id3
from mutagen.aiff import AIFF
from mutagen.apev2 import APENoHeaderError, APEv2
from mutagen.asf import ASF
from mutagen.dsdiff import DSDIFF
from mutagen.dsf import DSF
from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4FreeForm
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis
from mutagen.trueaudio import TrueAudio
from mutagen.wave import WAVE

Picard = dict[str, list[str]]

_IDS = [f"0f6e32a1-0000-4000-8000-{number:012x}" for number in range(12)]
RELEASE: Picard = {
    "title": ["Duet – Første Sang"],
    "titlesort": ["Duet"],
    "artist": ["Änne Quill & Bo Søuth"],
    "artists": ["Änne Quill", "Bo Søuth"],
    "artistsort": ["Quill, Änne & Søuth, Bo"],
    "album": ["Together 一緒に"],
    "albumsort": ["Together"],
    "albumartist": ["Änne Quill"],
    "albumartistsort": ["Quill, Änne"],
    "tracknumber": ["3"],
    "totaltracks": ["12"],
    "discnumber": ["2"],
    "totaldiscs": ["3"],
    "discsubtitle": ["Night"],
    "date": ["2004-05-21"],
    "originaldate": ["1999-10-01"],
    "genre": ["Folk, World, & Country", "Jazz"],
    "mood": ["calm"],
    "language": ["nor"],
    "composer": ["Cy West", "Dee East"],
    "composersort": ["West, Cy", "East, Dee"],
    "lyricist": ["Lyra"],
    "writer": ["Wri Ter"],
    "conductor": ["Con Ductor"],
    "remixer": ["Remi Xer"],
    "producer": ["Pro Ducer", "Second Producer"],
    "engineer": ["Engi Neer"],
    "mixer": ["Mix Er"],
    "arranger": ["Arran Ger"],
    "djmixer": ["DJ Mix"],
    "performer:piano": ["Pia Nist"],
    "performer:lead vocals": ["Vo Calist", "Second Voice"],
    "label": ["Label One", "Label Two"],
    "catalognumber": ["L1-001", "L2-001"],
    "barcode": ["0123456789012"],
    "isrc": ["NOABC0400001"],
    "releasetype": ["album", "live"],
    "releasestatus": ["official"],
    "releasecountry": ["NO"],
    "media": ["CD"],
    "work": ["The Work"],
    "movement": ["Andante"],
    "movementnumber": ["2"],
    "movementtotal": ["4"],
    "bpm": ["120"],
    "key": ["Am"],
    "compilation": ["1"],
    "replaygain_track_gain": ["-6.50 dB"],
    "replaygain_track_peak": ["0.987654"],
    "replaygain_album_gain": ["-7.00 dB"],
    "replaygain_album_peak": ["1.000000"],
    "musicbrainz_recordingid": [_IDS[0]],
    "musicbrainz_trackid": [_IDS[1]],
    "musicbrainz_albumid": [_IDS[2]],
    "musicbrainz_releasegroupid": [_IDS[3]],
    "musicbrainz_artistid": [_IDS[4], _IDS[5]],
    "musicbrainz_albumartistid": [_IDS[4]],
    "musicbrainz_workid": [_IDS[6]],
}

_ID3_FRAMES = {
    "title": "TIT2", "titlesort": "TSOT", "artist": "TPE1", "artistsort": "TSOP", "album": "TALB", "albumsort": "TSOA",
    "albumartist": "TPE2", "albumartistsort": "TSO2", "discsubtitle": "TSST", "date": "TDRC", "originaldate": "TDOR",
    "genre": "TCON", "mood": "TMOO", "language": "TLAN", "composer": "TCOM", "composersort": "TSOC",
    "lyricist": "TEXT", "conductor": "TPE3", "remixer": "TPE4", "label": "TPUB", "isrc": "TSRC", "media": "TMED",
    "movement": "MVNM", "bpm": "TBPM", "key": "TKEY", "compilation": "TCMP",
}  # fmt: skip
_ID3_ROLES = {"producer": "producer", "engineer": "engineer", "mixer": "mix", "arranger": "arranger"}
_ID3_ROLES |= {"djmixer": "DJ-mix"}
_FREE_TEXTS = {
    "artists": "Artists", "writer": "Writer", "catalognumber": "CATALOGNUMBER", "barcode": "BARCODE", "work": "WORK",
    "releasetype": "MusicBrainz Album Type", "releasestatus": "MusicBrainz Album Status",
    "releasecountry": "MusicBrainz Album Release Country", "musicbrainz_trackid": "MusicBrainz Release Track Id",
    "musicbrainz_albumid": "MusicBrainz Album Id", "musicbrainz_releasegroupid": "MusicBrainz Release Group Id",
    "musicbrainz_artistid": "MusicBrainz Artist Id", "musicbrainz_albumartistid": "MusicBrainz Album Artist Id",
    "musicbrainz_workid": "MusicBrainz Work Id", "replaygain_track_gain": "REPLAYGAIN_TRACK_GAIN",
    "replaygain_track_peak": "REPLAYGAIN_TRACK_PEAK", "replaygain_album_gain": "REPLAYGAIN_ALBUM_GAIN",
    "replaygain_album_peak": "REPLAYGAIN_ALBUM_PEAK",
}  # fmt: skip
_VORBIS = {
    "movement": "MOVEMENTNAME", "movementnumber": "MOVEMENT", "musicbrainz_recordingid": "MUSICBRAINZ_TRACKID",
    "musicbrainz_trackid": "MUSICBRAINZ_RELEASETRACKID",
}  # fmt: skip
_APE = {
    "albumartist": "Album Artist", "remixer": "MixArtist", "date": "Year", "discsubtitle": "DiscSubtitle",
    "djmixer": "DJMixer", "catalognumber": "CatalogNumber", "releasetype": "MUSICBRAINZ_ALBUMTYPE",
    "releasestatus": "MUSICBRAINZ_ALBUMSTATUS",
} | _VORBIS  # fmt: skip
_MP4 = {
    "title": "\xa9nam", "titlesort": "sonm", "artist": "\xa9ART", "artistsort": "soar", "album": "\xa9alb",
    "albumsort": "soal", "albumartist": "aART", "albumartistsort": "soaa", "date": "\xa9day", "genre": "\xa9gen",
    "composer": "\xa9wrt", "composersort": "soco", "work": "\xa9wrk", "movement": "\xa9mvn",
}  # fmt: skip
_MP4_FREE = _FREE_TEXTS | {
    "artists": "ARTISTS", "discsubtitle": "DISCSUBTITLE", "mood": "MOOD", "language": "LANGUAGE",
    "lyricist": "LYRICIST", "conductor": "CONDUCTOR", "remixer": "REMIXER", "producer": "PRODUCER",
    "engineer": "ENGINEER", "mixer": "MIXER", "djmixer": "DJMIXER", "label": "LABEL", "isrc": "ISRC",
    "media": "MEDIA", "key": "initialkey", "musicbrainz_recordingid": "MusicBrainz Track Id",
}  # fmt: skip
_NOT_IN_MP4 = {"writer", "arranger", "originaldate", "movementnumber", "movementtotal", "bpm", "compilation"}
_ASF = {
    "title": "Title", "titlesort": "WM/TitleSortOrder", "artist": "Author", "artists": "WM/ARTISTS",
    "artistsort": "WM/ArtistSortOrder", "album": "WM/AlbumTitle", "albumsort": "WM/AlbumSortOrder",
    "albumartist": "WM/AlbumArtist", "albumartistsort": "WM/AlbumArtistSortOrder", "tracknumber": "WM/TrackNumber",
    "discsubtitle": "WM/SetSubTitle", "date": "WM/Year", "originaldate": "WM/OriginalReleaseTime",
    "genre": "WM/Genre", "mood": "WM/Mood", "language": "WM/Language", "composer": "WM/Composer",
    "composersort": "WM/ComposerSortOrder", "lyricist": "WM/Writer", "conductor": "WM/Conductor",
    "remixer": "WM/ModifiedBy", "producer": "WM/Producer", "engineer": "WM/Engineer", "mixer": "WM/Mixer",
    "djmixer": "WM/DJMixer", "label": "WM/Publisher", "catalognumber": "WM/CatalogNo", "barcode": "WM/Barcode",
    "isrc": "WM/ISRC", "releasetype": "MusicBrainz/Album Type", "releasestatus": "MusicBrainz/Album Status",
    "releasecountry": "MusicBrainz/Album Release Country", "media": "WM/Media", "work": "WM/Work",
    "bpm": "WM/BeatsPerMinute", "key": "WM/InitialKey", "compilation": "WM/IsCompilation",
    "replaygain_track_gain": "REPLAYGAIN_TRACK_GAIN", "replaygain_track_peak": "REPLAYGAIN_TRACK_PEAK",
    "replaygain_album_gain": "REPLAYGAIN_ALBUM_GAIN", "replaygain_album_peak": "REPLAYGAIN_ALBUM_PEAK",
    "musicbrainz_recordingid": "MusicBrainz/Track Id", "musicbrainz_trackid": "MusicBrainz/Release Track Id",
    "musicbrainz_albumid": "MusicBrainz/Album Id", "musicbrainz_releasegroupid": "MusicBrainz/Release Group Id",
    "musicbrainz_artistid": "MusicBrainz/Artist Id", "musicbrainz_albumartistid": "MusicBrainz/Album Artist Id",
    "musicbrainz_workid": "MusicBrainz/Work Id",
}  # fmt: skip


def write(path: Path, tags: Picard, id3_version: int = 4) -> None:
    """Write some of the tags that Picard has to a file, in the way of the format that its suffix names."""
    if path.suffix in _ID3_FILES:
        audio = _ID3_FILES[path.suffix](path)
        if audio.tags is None:
            audio.add_tags()
        for frame in _id3_frames(tags):
            audio.tags.add(frame)
        if id3_version == 3:
            audio.tags.update_to_v23()
        audio.save(v2_version=id3_version, v23_sep="/")
    elif path.suffix == ".aac":  # as it has no tag system of its own
        raw = id3.ID3()
        for frame in _id3_frames(tags):
            raw.add(frame)
        raw.save(path, v1=0)
    elif path.suffix in _VORBIS_FILES:
        _write_vorbis(path, tags)
    elif path.suffix == ".m4a":
        _write_mp4(path, tags)
    elif path.suffix == ".wma":
        _write_asf(path, tags)
    else:
        _write_ape(path, tags)


_ID3_FILES: dict[str, Any] = {
    ".mp3": MP3, ".mp2": MP3, ".wav": WAVE, ".aiff": AIFF, ".dsf": DSF, ".dff": DSDIFF, ".tta": TrueAudio,
}  # fmt: skip
_VORBIS_FILES = {".flac": FLAC, ".ogg": OggVorbis, ".opus": OggOpus, ".spx": OggSpeex}


def _number_and_total(tags: Picard, number: str, total: str) -> str:
    return tags[number][0] + (f"/{tags[total][0]}" if total in tags else "")


def _pair(tags: Picard, number: str, total: str) -> list[tuple[int, int]]:
    return [(int(tags[number][0]), int(tags.get(total, ["0"])[0]))]


def _id3_frames(tags: Picard) -> list[id3.Frame]:
    frames: list[id3.Frame] = []
    people: list[list[str]] = []
    musicians: list[list[str]] = []
    for name, values in tags.items():
        if name in _ID3_FRAMES:
            frames.append(getattr(id3, _ID3_FRAMES[name])(encoding=3, text=values))
        elif name in _ID3_ROLES:
            people += [[_ID3_ROLES[name], value] for value in values]
        elif name.startswith("performer:"):
            musicians += [[name.partition(":")[2], value] for value in values]
        elif name in _FREE_TEXTS:
            frames.append(id3.TXXX(encoding=3, desc=_FREE_TEXTS[name], text=values))
    for frame, number, total in (
        (id3.TRCK, "tracknumber", "totaltracks"),
        (id3.TPOS, "discnumber", "totaldiscs"),
        (id3.MVIN, "movementnumber", "movementtotal"),
    ):
        if number in tags:
            frames.append(frame(encoding=3, text=_number_and_total(tags, number, total)))
    for recording in tags.get("musicbrainz_recordingid", ()):
        frames.append(id3.UFID(owner="http://musicbrainz.org", data=recording.encode()))
    frames += [id3.TIPL(encoding=3, people=people)] if people else []
    return [*frames, id3.TMCL(encoding=3, people=musicians)] if musicians else frames


def _with_instruments(tags: Picard) -> Picard:
    """Return the tags with "Name (instrument)" under "performer"."""
    plain = {name: values for name, values in tags.items() if not name.startswith("performer:")}
    performers = [
        f"{value} ({name.partition(':')[2]})"
        for name, values in tags.items()
        if name.startswith("performer:")
        for value in values
    ]
    return {**plain, "performer": performers} if performers else plain


def _write_vorbis(path: Path, tags: Picard) -> None:
    audio = _VORBIS_FILES[path.suffix](path)
    for name, values in _with_instruments(tags).items():
        audio[_VORBIS.get(name, name.upper())] = values
    for name, total in (("TRACKTOTAL", "totaltracks"), ("DISCTOTAL", "totaldiscs")):
        if total in tags:
            audio[name] = tags[total]
    audio.save()


def _write_ape(path: Path, tags: Picard) -> None:
    try:
        audio = APEv2(path)
    except APENoHeaderError:
        audio = APEv2()
    for name, values in _with_instruments(tags).items():
        if name not in {"tracknumber", "totaltracks", "discnumber", "totaldiscs", "originaldate"}:
            audio[_APE.get(name, name.title())] = values
    for name, number, total in (("Track", "tracknumber", "totaltracks"), ("Disc", "discnumber", "totaldiscs")):
        if number in tags:
            audio[name] = _number_and_total(tags, number, total)
    audio.save(path)


def _write_mp4(path: Path, tags: Picard) -> None:
    audio = MP4(path)
    for name, values in tags.items():
        if name in _MP4:
            audio[_MP4[name]] = values
        elif name in _MP4_FREE and name not in _NOT_IN_MP4:
            audio[f"----:com.apple.iTunes:{_MP4_FREE[name]}"] = [MP4FreeForm(value.encode()) for value in values]
    for key, number, total in (("trkn", "tracknumber", "totaltracks"), ("disk", "discnumber", "totaldiscs")):
        if number in tags:
            audio[key] = _pair(tags, number, total)
    for key, name in (("\xa9mvi", "movementnumber"), ("\xa9mvc", "movementtotal"), ("tmpo", "bpm")):
        if name in tags:
            audio[key] = [int(tags[name][0])]
    if "compilation" in tags:
        audio["cpil"] = tags["compilation"] == ["1"]
    audio.save()


def _write_asf(path: Path, tags: Picard) -> None:
    audio = ASF(path)
    for name, values in tags.items():
        if name in _ASF:
            audio[_ASF[name]] = values
    if "discnumber" in tags:
        audio["WM/PartOfSet"] = _number_and_total(tags, "discnumber", "totaldiscs")
    audio.save()
