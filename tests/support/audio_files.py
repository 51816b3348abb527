"""Audio files for the tests: tones encoded with FFmpeg's libraries and tagged with mutagen, in every format."""

import base64
import math
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from mutagen.aiff import AIFF
from mutagen.apev2 import BINARY, APENoHeaderError, APEv2, APEValue
from mutagen.asf import ASF, ASFByteArrayAttribute
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TALB, TCON, TDRC, TIT2, TPE1, TPE2, TRCK, TXXX, UFID
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.trueaudio import TrueAudio
from mutagen.wave import WAVE

CODECS = {
    ".mp3": "libmp3lame",
    ".flac": "flac",
    ".ogg": "vorbis",
    ".opus": "libopus",
    ".m4a": "aac",
    ".aac": "aac",
    ".wav": "pcm_s16le",
    ".aiff": "pcm_s16be",
    ".mp2": "mp2",
    ".wv": "wavpack",
    ".tta": "tta",
    ".wma": "wmav2",
    ".ac3": "ac3",
    ".mka": "flac",
}
_SAMPLE_FORMATS = {".wv": "s16p", ".tta": "s16"}  # else these would have 8 bits
SAMPLE_RATE_HZ = 48000
_ID3_FILES = {".mp3": MP3, ".mp2": MP3, ".wav": WAVE, ".aiff": AIFF, ".tta": TrueAudio}
_VORBIS_IDS = {
    "mb_track": "musicbrainz_trackid",
    "mb_album": "musicbrainz_albumid",
    "mb_artist": "musicbrainz_artistid",
}


def png(colour: tuple[int, int, int] = (255, 0, 0)) -> bytes:
    """Return a PNG picture of one pixel, red unless another colour is named."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes([0, *colour]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def tone(
    path: Path, seconds: float = 2.0, frequency: float = 440.0, *, silent_from: float = math.inf, **tags: str
) -> Path:
    """Write a tone with overtones and a beat, in the format of the file's suffix and with these tags (see `tag`).

    From `silent_from` (seconds) on it is silent.
    """
    t = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    wave = sum(np.sin(2 * np.pi * frequency * k * t) / k for k in (1, 2, 3)) * (
        0.6 + 0.4 * np.sign(np.sin(4 * np.pi * t))
    )
    samples = np.where(t < silent_from, wave / np.abs(wave).max() * 20000, 0).astype(np.int16)
    container = {".aac": "adts", ".m4a": "ipod"}.get(path.suffix)
    with av.open(str(path), "w", format=container) as output:
        # PyAV's wheel has only FFmpeg's own Vorbis encoder, which counts as experimental.
        options = {"strict": "experimental"}
        stream = output.add_stream(CODECS[path.suffix], rate=SAMPLE_RATE_HZ, layout="stereo", options=options)
        if path.suffix in _SAMPLE_FORMATS:
            stream.format = av.AudioFormat(_SAMPLE_FORMATS[path.suffix])
        elif path.suffix == ".wma":
            stream.bit_rate = 128_000
        size = stream.codec_context.frame_size or 1024
        for start in range(0, samples.size, size):
            part = np.repeat(samples[start : start + size], 2).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout="stereo")
            frame.rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, start, Fraction(1, SAMPLE_RATE_HZ)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    if tags:
        tag(path, **tags)
    return path


def tag(path: Path, *, picture: bool | bytes = False, **tags: str) -> None:
    """Write tags: title, artist, album, albumartist, tracknumber, date, genre, mb_track, mb_album, mb_artist.

    `picture`: a PNG, or whether there is one.
    """
    kind = path.suffix
    picture = png() if picture is True else picture or b""
    if kind in _ID3_FILES:
        _tag_id3(path, tags, picture)
    elif kind == ".m4a":
        _tag_mp4(path, tags, picture)
    elif kind in {".wv", ".ac3", ".ape", ".mpc"}:
        _tag_ape(path, tags, picture)
    elif kind == ".wma":
        _tag_asf(path, tags, picture)
    elif kind == ".mka":
        _tag_matroska(path, tags, picture)
    elif kind != ".aac":
        _tag_vorbis(path, tags, picture)


def _tag_id3(path: Path, tags: dict[str, str], picture: bytes) -> None:
    audio = _ID3_FILES[path.suffix](path)
    if audio.tags is None:
        audio.add_tags()
    frames = {
        "title": TIT2,
        "artist": TPE1,
        "album": TALB,
        "albumartist": TPE2,
        "tracknumber": TRCK,
        "date": TDRC,
        "genre": TCON,
    }
    assert isinstance(audio.tags, ID3)
    for name, value in tags.items():
        if name in frames:
            audio.tags.add(frames[name](encoding=3, text=value))
    if "mb_track" in tags:
        audio.tags.add(UFID(owner="http://musicbrainz.org", data=tags["mb_track"].encode()))
    for name, description in (("mb_album", "MusicBrainz Album Id"), ("mb_artist", "MusicBrainz Artist Id")):
        if name in tags:
            audio.tags.add(TXXX(encoding=3, desc=description, text=tags[name]))
    if picture:
        audio.tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=picture))
    audio.save()


def _tag_mp4(path: Path, tags: dict[str, str], picture: bytes) -> None:
    audio = MP4(path)
    names = {
        "title": "\xa9nam",
        "artist": "\xa9ART",
        "album": "\xa9alb",
        "albumartist": "aART",
        "date": "\xa9day",
        "genre": "\xa9gen",
    }
    for name, value in tags.items():
        if name in names:
            audio[names[name]] = value
    if "tracknumber" in tags:
        audio["trkn"] = [(int(tags["tracknumber"]), 0)]
    for name, key in (("mb_track", "Track"), ("mb_album", "Album"), ("mb_artist", "Artist")):
        if name in tags:
            audio[f"----:com.apple.iTunes:MusicBrainz {key} Id"] = MP4FreeForm(tags[name].encode())
    if picture:
        audio["covr"] = [MP4Cover(picture, MP4Cover.FORMAT_PNG)]
    audio.save()


def _tag_vorbis(path: Path, tags: dict[str, str], picture: bytes) -> None:
    audio = {".flac": FLAC, ".ogg": OggVorbis, ".opus": OggOpus}[path.suffix](path)
    for name, value in tags.items():
        audio[_VORBIS_IDS.get(name, name)] = value
    if picture:
        image = Picture()
        image.type, image.mime, image.data = 3, "image/png", picture
        if isinstance(audio, FLAC):
            audio.add_picture(image)
        else:
            audio["metadata_block_picture"] = base64.b64encode(image.write()).decode()
    audio.save()


def _tag_ape(path: Path, tags: dict[str, str], picture: bytes) -> None:
    names = {"albumartist": "Album Artist", "tracknumber": "Track", "date": "Year"}
    try:
        audio = APEv2(path)
    except APENoHeaderError:
        audio = APEv2()
    for name, value in tags.items():
        audio[names.get(name, _VORBIS_IDS.get(name, name.title()))] = value
    if picture:
        audio["Cover Art (Front)"] = APEValue(b"cover.png\0" + picture, BINARY)
    audio.save(path)


def _tag_asf(path: Path, tags: dict[str, str], picture: bytes) -> None:
    names = {
        "title": "Title",
        "artist": "Author",
        "album": "WM/AlbumTitle",
        "albumartist": "WM/AlbumArtist",
        "tracknumber": "WM/TrackNumber",
        "date": "WM/Year",
        "genre": "WM/Genre",
        "mb_track": "MusicBrainz/Track Id",
        "mb_album": "MusicBrainz/Album Id",
        "mb_artist": "MusicBrainz/Artist Id",
    }
    audio = ASF(path)
    for name, value in tags.items():
        audio[names[name]] = value
    if picture:
        kind_and_size = struct.pack("<BI", 3, len(picture))
        texts = "image/png\0\0".encode("utf-16-le")
        audio["WM/Picture"] = ASFByteArrayAttribute(kind_and_size + texts + picture)
    audio.save()


def _tag_matroska(path: Path, tags: dict[str, str], picture: bytes) -> None:
    names = {"albumartist": "ALBUM_ARTIST", "tracknumber": "PART_NUMBER", "date": "DATE_RELEASED"}
    untagged = path.rename(path.with_suffix(".untagged"))
    with av.open(str(untagged)) as source, av.open(str(path), "w", format="matroska") as output:
        output.metadata.update(source.metadata)
        output.metadata.update({names.get(name, _VORBIS_IDS.get(name, name)): value for name, value in tags.items()})
        stream = output.add_stream_from_template(source.streams.audio[0])
        if picture:
            output.add_attachment("cover.png", "image/png", picture)
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    untagged.unlink()
