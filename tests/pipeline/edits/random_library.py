"""A library at random: albums, boxes, compilations, images with cue sheets, loose files, and what breaks scanners."""

import os
import random
from pathlib import Path

from tests.pipeline.edits.random_tags import TITLES, Tags, album_tags, track_tags
from tests.support.audio_files import png
from tests.support.song_files import song, untagged

COMMON = (".mp3", ".flac", ".ogg", ".opus", ".m4a")
RARE = (".wma", ".wv", ".tta", ".aac", ".mka", ".mp2", ".ac3", ".spx", ".ape", ".mpc", ".wav", ".aiff", ".dsf", ".dff")
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255))
PICTURE_NAMES = ("cover.jpg", "Folder.JPG", "front.png", "artist.png", "back.jpg", "scan 3.png", "cd1.jpg")
FOLDER_NAMES = (
    "Ada North", "Bo South", "The Dee", "Hits", "Live", "Sommer", "Sömmer", "So\u0308mmer", "東京事変", "Box", "x" * 60,
    os.fsdecode(b"caf\xe9"), "100% [sic] \\ *?", "CD1", "Disc 2 - Bonus", ".hidden", "Scans",
)  # fmt: skip
_IMAGE_SECONDS = 4.0


def random_picture(chance: random.Random) -> bytes:
    """Return a picture of one of few colours, or seldom a broken one."""
    return png(chance.choice(COLOURS)) if chance.random() < 0.9 else b"\x89PNG\r\n\x1a\n broken"


def random_suffix(chance: random.Random) -> str:
    return chance.choice(COMMON if chance.random() < 0.8 else RARE)


def random_sheet(chance: random.Random, audio: str) -> bytes:
    """Return a cue sheet of a file; seldom one that names no file of the folder, or contradicts itself."""
    lines = [f'PERFORMER "{chance.choice(("Ada North", "Bo South & Gil"))}"', f'TITLE "{chance.choice(TITLES)} Album"',
             f'FILE "{audio if chance.random() < 0.9 else "gone.wav"}" WAVE']  # fmt: skip
    for number in range(1, chance.choice((2, 3, 4)) + 1):
        second = number - 1 if chance.random() < 0.97 else 90
        lines += [f"  TRACK {number:02} AUDIO", f'    TITLE "Part {number} {chance.choice(TITLES)}"',
                  f"    INDEX 01 00:{second:02}:00"]  # fmt: skip
    return "\r\n".join(lines).encode(chance.choice(("utf-8", "utf-8-sig", "cp1252")), "replace")


def random_lyrics(chance: random.Random) -> bytes:
    return f"[00:00.10]{chance.choice(('Erdbeermund', 'la la', 'nothing else'))}\n[00:00.50]oh\n".encode()


def write_song(chance: random.Random, path: Path, tags: Tags) -> None:
    """Write a song; some with a picture, of old ID3, or in a code page that it does not state."""
    picture = random_picture(chance) if chance.random() < 0.2 and path.suffix not in {".aac", ".spx"} else None
    if path.suffix in {".dsf", ".dff"}:
        picture = None
    version = chance.choice((3, 4))
    song(path, picture=picture, id3_version=version, **tags)
    if path.suffix == ".mp3" and chance.random() < 0.05:
        _state_latin_1(path)


def _state_latin_1(path: Path) -> None:
    """Replace the tags by such in Windows-1251 that are marked as ISO-8859-1."""
    title = b"\0" + "Песня о лете".encode("cp1251")
    frame = b"TIT2" + len(title).to_bytes(4, "big") + b"\0\0" + title
    path.write_bytes(b"ID3\3\0\0" + bytes([0, 0, 0, len(frame)]) + frame + untagged(".mp3"))


def new_folder(chance: random.Random, root: Path) -> Path:
    """Return the path of a new folder, up to three levels below the root."""
    names = [chance.choice(FOLDER_NAMES) for _ in range(chance.choice((1, 2, 2, 3)))]
    folder = root.joinpath(*names)
    return folder if not folder.exists() else folder / f"{chance.randrange(10**6)}"


def add_album(chance: random.Random, root: Path) -> Path:
    """Add an album of some kind in a new folder; return the folder."""
    folder = new_folder(chance, root)
    kind = chance.choice((_plain, _plain, _plain, _box, _mixed, _image, _untagged, _two_formats, _odd))
    kind(chance, folder)
    if chance.random() < 0.35:
        _write(folder / chance.choice(PICTURE_NAMES), random_picture(chance))
    return folder


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _plain(chance: random.Random, folder: Path) -> None:
    album, suffix = album_tags(chance), random_suffix(chance)
    for number in range(1, chance.choice((3, 6, 10)) + 1):
        write_song(chance, folder / f"{number:02}{suffix}", track_tags(chance, album, number))
        if chance.random() < 0.05:
            _write(folder / f"{number:02}.lrc", random_lyrics(chance))


def _box(chance: random.Random, folder: Path) -> None:
    album, suffix = album_tags(chance), random_suffix(chance)
    in_tags = chance.random() < 0.5
    for disc in (1, 2, 3)[: chance.choice((2, 3))]:
        for number in (1, 2, 3):
            tags = track_tags(chance, album, number, disc if in_tags else None)
            write_song(chance, folder / f"CD{disc}" / f"{number}{suffix}", tags)
        if chance.random() < 0.3:
            _write(folder / f"CD{disc}" / "cover.jpg", random_picture(chance))


def _mixed(chance: random.Random, folder: Path) -> None:
    for number in range(1, 8):
        tags = track_tags(chance, album_tags(chance), number)
        write_song(chance, folder / f"{number} {chance.choice(TITLES)}{random_suffix(chance)}".replace("/", "_"), tags)


def _image(chance: random.Random, folder: Path) -> None:
    suffix = chance.choice((".flac", ".wv"))
    sheet = random_sheet(chance, chance.choice((f"Image{suffix}", "Image.wav", "IMAGE.WAV")))
    beside = chance.random() < 0.6
    within = {} if beside or suffix != ".flac" else {"cuesheet": sheet.decode("utf-8-sig", "replace")}
    song(folder / f"Image{suffix}", seconds=_IMAGE_SECONDS, **album_tags(chance), **within)
    if beside:
        _write(folder / "Image.cue", sheet)


def _untagged(chance: random.Random, folder: Path) -> None:
    for number in range(1, 5):
        suffix = random_suffix(chance)
        song(folder / f"{number:02} - {chance.choice(TITLES).replace('?', '')}{suffix}")


def _two_formats(chance: random.Random, folder: Path) -> None:
    album = album_tags(chance)
    for number in range(1, 5):
        tags = track_tags(chance, album, number)
        for suffix, name in ((".flac", "FLAC"), (".mp3", "MP3")):
            write_song(chance, folder / name / f"{number}{suffix}", tags)


def _odd(chance: random.Random, folder: Path) -> None:
    """Broken files, names that are not UTF-8, what is left out, and pictures of single tracks."""
    write_song(chance, folder / os.fsdecode(b"na\xefve.mp3"), track_tags(chance, album_tags(chance), 1))
    _write(folder / "empty.mp3", b"")
    _write(folder / "garbage.flac", b"fLaC" + chance.randbytes(3000))
    _write(folder / "cut.ogg", untagged(".ogg")[:3000])
    _write(folder / "no music.ogg", b"text")
    _write(folder / "old.ra", b".ra\xfd")
    _write(folder / "._a.mp3", bytes.fromhex("00051607").ljust(500, b"\0"))
    song(folder / chance.choice(("@eaDir", "#recycle", ".stversions")) / "a.mp3", title="Left out")
    for colour in chance.sample(COLOURS, 2):
        song(folder / f"single {colour}.mp3", title=f"Single {colour}", artist="Singler", album="Singles",
             picture=png(colour))  # fmt: skip
    song(folder / "loose.m4a", title="Loose", artist="Loner")
    _write(folder / "loose.jpg", random_picture(chance))


def make(chance: random.Random, root: Path, files: int) -> None:
    """Make a library of at least so many files, some of them in the root itself."""
    root.mkdir(parents=True)
    for number in range(3):
        write_song(chance, root / f"root {number}.mp3", track_tags(chance, album_tags(chance), number))
    while sum(path.is_file() for path in root.rglob("*")) < files:
        add_album(chance, root)
