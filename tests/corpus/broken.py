"""A music folder of files and names that are known to break scanners, made from real audio with a fixed seed."""

import os
import random
import socket
from pathlib import Path

from soniquebay.audio.file_names import is_audio
from tests.corpus import archives
from tests.support.audio_files import CODECS, tone

SEED = 20
CUT_BYTES = {"0": 0, "1": 1, "10": 10, "100": 100, "1000": 1000}  # lengths to which files are cut
HUGE_FILE_BYTES = 100_000_000
# Odd file names. Each file is the same valid tone without tags, so its title is made from the name.
ODD_NAMES = (
    b"latin1 caf\xe9.ogg",
    b"\xff\xfe\x80.ogg",
    b"n" * 251 + b".ogg",
    "ü".encode() * 125 + b"x.ogg",
    b"two\nlines\r.ogg",
    b"bell\x07 escape\x1b[31m\x7f.ogg",
    b"quote\"s and 'apostrophes' `x`.ogg",
    b"back\\slash \\xe9 \\\\.ogg",
    "\u202egnp.\u05e9\u05dc\u05d5\u05dd.ogg".encode(),
    "\U0001f3b5 \U0001f469\u200d\U0001f3a4.ogg".encode(),
    "e\u0301 decomposed.ogg".encode(),
    b"%s%n{0}${HOME}$(reboot).ogg",
    b"<script>alert(1)</script>.ogg".replace(b"/", b"_"),
    b"-rf --help.ogg",
    b" .ogg",
    b"\xed\xa0\x80 surrogate.ogg",
)


class Corpus:
    """The folder `root`, and as bytes every path in it that a scan has to account for."""

    def __init__(self, root: Path, *, full: bool) -> None:
        """Fill an empty folder with every file (`full`), or with a sample that is quick to scan."""
        self.root = root
        self.paths: set[bytes] = set()
        self._sources = root.with_name("sources")
        self._sources.mkdir()
        self._random = random.Random(SEED)  # noqa: S311 - the same in each run
        self._write_mutagen_files(1 if full else 3)
        self._write_damaged_files(24 if full else 2, CUT_BYTES if full else {"1": 1, "1000": 1000})
        self._write_odd_names()
        self._write_odd_kinds()

    def regular(self) -> list[Path]:
        """Return the regular files in a fixed order."""
        return [Path(os.fsdecode(path)) for path in sorted(self.paths) if os.path.isfile(path)]  # noqa: PTH113 - a path may be too long for Path

    def _write(self, path: Path | str, data: bytes) -> None:
        Path(path).write_bytes(data)
        self.paths.add(os.fsencode(path))

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir()
        return folder

    def _write_mutagen_files(self, every: int) -> None:
        folder = self._folder("mutagen")
        for file in archives.files()[::every]:
            # Files of unknown formats get a name that scanners read, as misnamed files are common.
            self._write(folder / (file.name if is_audio(file.name) else f"{file.name}.mp3"), file.read_bytes())

    def _write_damaged_files(self, flipped: int, cuts: dict[str, int]) -> None:
        folder = self._folder("damaged")
        for suffix in CODECS:
            tags = {"title": "T", "artist": "A", "album": "B", "genre": "folk", "tracknumber": "1"}
            data = tone(self._sources / f"whole{suffix}", 1.0, **tags, picture=True).read_bytes()
            sizes = {**cuts, "half": len(data) // 2, "all but one": len(data) - 1}
            for name, size in sizes.items():
                self._write(folder / f"cut {name}{suffix}", data[:size])
            for number in range(flipped):
                self._write(folder / f"flipped {number}{suffix}", self._flip(data, number))

    def _flip(self, data: bytes, number: int) -> bytes:
        changed = bytearray(data)
        # Every other file is damaged in its headers: damaged samples hardly ever trouble a parser.
        length = len(data) if number % 2 else min(len(data), 600)
        for _ in range(2 ** (number % 6)):
            changed[self._random.randrange(length)] = self._random.randrange(256)
        return bytes(changed)

    def _write_odd_names(self) -> None:
        folder = os.fsencode(self._folder("names"))
        data = tone(self._sources / "plain.ogg", 0.5).read_bytes()
        for name in ODD_NAMES:
            self._write(os.fsdecode(folder + b"/" + name), data)

    def _write_odd_kinds(self) -> None:
        folder = self._folder("kinds")
        data = tone(self._sources / "short.flac", 0.5).read_bytes()
        self._write(folder / "empty.mp3", b"")
        silent = tone(self._sources / "silent.wav", 0.1).read_bytes()
        offset = silent.index(b"data")
        self._write(folder / "no duration.wav", silent[:offset] + b"data\0\0\0\0")
        self._write(folder / "text.ogg", b"not music\n" * 100)
        for suffix in (".mp3", ".flac", ".wav", ".m4a"):
            with (folder / f"zeroes{suffix}").open("wb") as file:
                file.truncate(HUGE_FILE_BYTES)
            self.paths.add(os.fsencode(folder / f"zeroes{suffix}"))
        os.mkfifo(folder / "pipe.mp3")
        with socket.socket(socket.AF_UNIX) as sock:
            descriptor = os.open(folder, os.O_RDONLY)
            sock.bind(f"/proc/self/fd/{descriptor}/socket.mp3")  # the address of a socket has at most 107 bytes
            os.close(descriptor)
        (folder / "dangling.mp3").symlink_to("missing.mp3")
        (folder / "itself.mp3").symlink_to("itself.mp3")
        (folder / "device.mp3").symlink_to("/dev/zero")
        for name in ("pipe", "socket", "dangling", "itself", "device"):
            self.paths.add(os.fsencode(folder / f"{name}.mp3"))
        (folder / "folder.mp3").mkdir()
        self._write(folder / "folder.mp3" / "inside.flac", data)
        (folder / "folder.mp3" / "up").symlink_to("..")  # a loop
        self._nest_beyond_path_limit(folder)

    def _nest_beyond_path_limit(self, folder: Path) -> None:
        """Nest folders until their path is longer than PATH_MAX; the first such folder is a failure of the scan."""
        parent = os.open(folder, os.O_RDONLY)
        path, name = os.fsencode(folder), b"d" * 250
        while len(path) < 4096:
            path += b"/" + name
            os.mkdir(name, dir_fd=parent)
            child = os.open(name, os.O_RDONLY, dir_fd=parent)
            os.close(parent)
            parent = child
        os.close(parent)
        self.paths.add(path)
