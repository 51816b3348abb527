"""A library of small tagged files in four formats, made once and kept: `python -m bench.library 10000`.

Each format is encoded a few times; every file is a copy of one of these, tagged by mutagen in its format's own way.
"""

import base64
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggvorbis import OggVorbis

from bench import names
from image import cache
from tests.support import audio_files

FORMATS = (".mp3", ".flac", ".ogg", ".m4a")
SECONDS = (1.0, 1.3, 1.6)  # one encoding each, so that a wrong duration shows
PICTURED = 10  # one album in so many has a picture in its files
MTIME = 1_700_000_000
CHUNK = 250  # files
Job = tuple[Path, Path, dict[str, str]]  # file, template, tags


@dataclass(frozen=True, slots=True)
class Expected:
    """What a scan has to find of one file."""

    path: str  # absolute
    title: str
    artist: str
    album: str
    duration: float  # seconds, of the tone that was encoded: codecs pad it by some hundredths


@dataclass(frozen=True, slots=True)
class Library:
    """A folder of music and what is in it."""

    root: Path
    tracks: list[Expected]


def library(count: int, kind: str = "zipf") -> Library:
    """Return a library of `count` files, made now if it is not in the cache; the same files for the same code.

    `kind`: one of `names.KINDS`.
    """
    sources = [Path(__file__), Path(names.__file__), Path(audio_files.__file__)]
    key = cache.digest(count, av.__version__, *sources)
    folder = cache.make(f"bench/{kind}-{count}", key, "", lambda partial: _build(partial, count, kind))
    lines = (folder / "expected.jsonl").read_text("utf-8").splitlines()
    music = folder / "music"
    tracks = [Expected(**{**entry, "path": str(music / entry["path"])}) for entry in map(json.loads, lines)]
    return Library(music, tracks)


def _build(folder: Path, count: int, kind: str) -> None:
    cache.require_free_space(1 + count * 40e3 / 2**30)
    music, templates = folder / "music", folder / "templates"
    templates.mkdir(parents=True)
    for suffix in FORMATS:
        for seconds in SECONDS:
            _encode(templates, suffix, seconds)
    jobs: list[Job] = []
    with (folder / "expected.jsonl").open("w", encoding="utf-8") as listing:
        for index, track in enumerate(names.tracks(count, kind)):
            suffix, seconds = FORMATS[track.album_index % 4], SECONDS[index % len(SECONDS)]
            kind = "pictured" if track.album_index // 4 % PICTURED == 0 else "plain"
            name = Path(track.artist, track.album, f"{track.number:02} {track.title}{suffix}")
            jobs.append((music / name, templates / f"{kind}-{seconds}{suffix}", _tags(track)))
            entry = {"path": str(name), "title": track.title, "artist": track.artist, "album": track.album}
            listing.write(json.dumps({**entry, "duration": seconds}, ensure_ascii=False) + "\n")
    for parent in {path.parent for path, _, _ in jobs}:
        parent.mkdir(parents=True)
    with ProcessPoolExecutor() as processes:
        done = 0
        for made in processes.map(_make, [jobs[i : i + CHUNK] for i in range(0, len(jobs), CHUNK)]):
            done += made
            print(f"\r{done} of {count} files", end="" if done < count else "\n", file=sys.stderr, flush=True)
    for path in [*music.rglob("*/"), music]:  # after their files, which touch them
        os.utime(path, (MTIME, MTIME))


def _encode(templates: Path, suffix: str, seconds: float) -> None:
    plain, pictured = (templates / f"{kind}-{seconds}{suffix}" for kind in ("plain", "pictured"))
    audio_files.tone(plain, seconds)
    pictured.write_bytes(plain.read_bytes())
    _embed(pictured, picture())


def _make(jobs: list[Job]) -> int:
    for path, template, tags in jobs:
        path.write_bytes(template.read_bytes())
        audio_files.tag(path, **tags)
        os.utime(path, (MTIME, MTIME))
    return len(jobs)


def _tags(track: names.Track) -> dict[str, str]:
    tags = {
        "title": track.title,
        "artist": track.artist,
        "album": track.album,
        "albumartist": track.artist,
        "tracknumber": str(track.number),
        "date": str(track.year),
        "genre": track.genre,
    }
    ids = dict(zip(("mb_track", "mb_album", "mb_artist"), track.ids, strict=True))
    return tags | {name: value for name, value in ids.items() if value}


def picture() -> bytes:
    """Return a JPEG of some 10 KB."""
    noise = np.random.default_rng(1).integers(0, 256, (20, 20, 3), np.uint8)
    frame = av.VideoFrame.from_ndarray(noise.repeat(12, axis=0).repeat(12, axis=1), format="rgb24")
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 240, 240, "yuvj420p", 1
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def _embed(path: Path, jpeg: bytes) -> None:
    image = Picture()
    image.type, image.mime, image.data = 3, "image/jpeg", jpeg
    if path.suffix == ".mp3":
        mp3 = MP3(path)
        assert mp3.tags is not None
        mp3.tags.add(APIC(encoding=3, mime=image.mime, type=3, desc="", data=jpeg))
        mp3.save()
    elif path.suffix == ".m4a":
        mp4 = MP4(path)
        mp4["covr"] = [MP4Cover(jpeg, MP4Cover.FORMAT_JPEG)]
        mp4.save()
    elif path.suffix == ".flac":
        flac = FLAC(path)
        flac.add_picture(image)
        flac.save()
    else:
        ogg = OggVorbis(path)
        ogg["metadata_block_picture"] = base64.b64encode(image.write()).decode()
        ogg.save()


def main() -> None:
    """Make the library of as many files as the argument says (10,000 without one)."""
    began = time.monotonic()
    made = library(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    artists, albums = {t.artist for t in made.tracks}, {(t.artist, t.album) for t in made.tracks}
    print(f"{len(made.tracks)} files, {len(albums)} albums, {len(artists)} artists in {made.root}")
    print(f"{time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
