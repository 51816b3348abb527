"""Real music for the retrieval benchmark: Debian packages, unpacked, stripped of names and tags, in one format.

`tuning` is what the features were developed on; `held-out` was not looked at until they were fixed. A track's artist
and album are those of its tags, or those that the package documents; a track without both is left out.
"""

import subprocess
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import mutagen

SHORTEST = 30.0  # seconds; below are jingles and sounds
_AUDIO = {".ogg", ".mp3", ".flac", ".opus", ".wav"}
_ENCODERS = {"flac": ("flac", "s16"), "mp3": ("libmp3lame", "s16p")}


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package of music; `artist` and `album` where its files do not say them."""

    name: str
    artist: str | None = None
    album: str | None = None
    within: str = ""  # part of the path of what counts


@dataclass(frozen=True, slots=True)
class Piece:
    """A track of the corpus, under its number, and what it is by its publisher."""

    file: Path
    artist: str
    album: str


SETS = {
    "tuning": (
        Package("wesnoth-1.16-music"),
        Package("singularity-music"),
        Package("supertux-data", album="SuperTux", within="/music/"),
        Package("hyperrogue-music", within="/music/"),
        Package("colobot-common-sounds", within="/music/"),
        Package("marsshooter-data"),
        Package("amoebax-data"),
        Package("wizznic-data"),
        Package("pushover-data", "Roberto Lorenz", "Pushover"),
        Package("gunroar-data", "Kenta Cho", "Gunroar"),
        Package("mu-cade-data", "Kenta Cho", "Mu-cade"),
        Package("noiz2sa-data", "Kenta Cho", "Noiz2sa"),
        Package("parsec47-data", "Kenta Cho", "PARSEC47"),
        Package("torus-trooper-data", "Kenta Cho", "Torus Trooper"),
        Package("tumiki-fighters-data", "Kenta Cho", "Tumiki Fighters"),
    ),
    "held-out": (
        Package("naev-data", within="/music/"),
        Package("widelands-data", album="Widelands", within="/music/"),
        Package("openclonk-data"),
        Package("davegnukem-data", album="Dave Gnukem"),
        Package("enigma-data"),
        Package("warzone2100-music", "LupusMechanicus", "Aftermath", within="/aftermath_soundtrack/"),
        Package("warzone2100-music", "Martin Severn", "Warzone 2100", within="/original_soundtrack/"),
        Package("warzone2100-music", "LupusMechanicus", "Legacy", within="/legacy_soundtrack/"),
        Package("ardentryst", "Jordan Trudgett", "Ardentryst", within="/Music/"),
        Package("drascula-music", album="Drascula"),
        Package("seahorse-adventures", "tim", "Seahorse Adventures"),
    ),
}


def make(chosen: str, folder: Path, form: str = "flac") -> list[Piece]:
    """Return the pieces of a set below `folder`, fetched and encoded unless they are there."""
    found = [piece for package in SETS[chosen] for piece in files_of(package, folder / "packages")]
    target = folder / f"{chosen}-{form}"
    target.mkdir(parents=True, exist_ok=True)
    # Numbered in an order that says nothing of the artist.
    found.sort(key=lambda item: hash_of(item[0].name))
    pieces = [Piece(target / f"{i:04}.{form}", *labels) for i, (_, *labels) in enumerate(found)]
    waiting = [(source, piece.file, form) for (source, *_), piece in zip(found, pieces, strict=True)]
    with ProcessPoolExecutor() as pool:
        reasons = list(pool.map(encode, *zip(*waiting, strict=True)))
    for (source, *_), reason in zip(waiting, reasons, strict=True):
        if reason:
            print(f"left out: {source.name}: {reason}")
    return [piece for piece, reason in zip(pieces, reasons, strict=True) if not reason]


def hash_of(name: str) -> int:
    """Return a number of a name, the same in every run."""
    return int.from_bytes(name.encode()[::-1], "big") % 1_000_003


def files_of(package: Package, folder: Path) -> list[tuple[Path, str, str]]:
    """Return the files of a package, fetched below `folder` unless they are there, with artist and album of each."""
    found = []
    for file in sorted(unpacked(package.name, folder).rglob("*")):
        if file.suffix.lower() not in _AUDIO or file.is_symlink() or package.within not in str(file):
            continue
        audio = mutagen.File(file, easy=True)
        if audio is None or audio.info.length < SHORTEST:
            continue
        artist = package.artist or _plain(audio, "artist")
        album = package.album or _plain(audio, "album")
        if artist or album:
            found.append((file, artist, album))
    return found


def _plain(audio: mutagen.FileType, name: str) -> str:
    text = unicodedata.normalize("NFKD", (audio.get(name) or [""])[0])
    return "".join(c for c in text if not unicodedata.combining(c)).strip()


def unpacked(name: str, folder: Path) -> Path:
    """Download a package and unpack it, without installing it."""
    target = folder / name
    if not target.exists():
        downloads = folder / "download"
        downloads.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-q", "download", name], cwd=downloads, check=True)
        (archive,) = downloads.glob(f"{name}_*.deb")
        part = folder / f"{name}.part"
        subprocess.run(["dpkg", "-x", archive, part], check=True)
        part.rename(target)
        archive.unlink()
    return target


def encode(source: Path, target: Path, form: str) -> str | None:
    """Write the first audio stream of a file without its tags, at its own rate, in stereo; returns why it cannot."""
    try:
        if not target.exists():
            _encode(source, target, form)
    except av.FFmpegError as error:
        return str(error.strerror)
    return None


def _encode(source: Path, target: Path, form: str) -> None:
    codec, sample = _ENCODERS[form]
    part = target.with_suffix(".part")
    with av.open(str(source), metadata_errors="replace") as read, av.open(str(part), "w", format=form) as write:
        stream = read.streams.audio[0]
        rate = stream.codec_context.sample_rate
        rate = rate if rate in {32000, 44100, 48000} else 44100
        out = write.add_stream(codec, rate=rate, layout="stereo", options={"b": "192k"} if form == "mp3" else {})
        convert = av.AudioResampler(sample, "stereo", rate, frame_size=out.codec_context.frame_size or 4096)
        sent = 0
        for decoded in _frames(read, stream):
            for frame in convert.resample(decoded):
                frame.pts, frame.time_base = sent, Fraction(1, rate)
                sent += frame.samples
                write.mux(out.encode(frame))
        write.mux(out.encode(None))
    part.rename(target)


def _frames(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame | None]:
    for packet in container.demux(stream):
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()
    yield None
