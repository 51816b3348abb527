"""A disk of many files for the emulated machine: pieces of real music in four formats, and broken ones among them."""

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av
import mutagen

from image import cache, music
from image.build_root import BuildRoot
from image.ui import Step
from tests.corpus import archives
from tests.support import audio_files

FORMATS = (".mp3", ".flac", ".opus", ".m4a")
SECONDS = 15  # of each piece: enough for a whole vector's worth of short parts
BROKEN = 0.06  # of all files
SEED = 4
_WORD = "piece"


@dataclass(frozen=True, slots=True)
class Disk:
    """An ext4 image: `good` files have to become tracks, `broken` ones tracks or listed failures."""

    path: Path
    good: int
    broken: int


def disk(count: int, tools: BuildRoot, current: Step) -> Disk:
    """Return a disk of `count` files, made once and kept in the cache folder."""
    source = music.debian_music(tools, current)
    broken = round(count * BROKEN)
    key = cache.digest(str(source), str(count), Path(__file__), archives.PINNED)

    def make(image: Path) -> None:
        tree = image.with_suffix(".tree")
        try:
            _pieces(source, tree, count - broken)
            _breakage(tree, broken)
            music.make(image, tree, tools, current)
        finally:
            cache.remove(tree)

    return Disk(cache.make("pieces", key, ".img", make), count - broken, broken)


def _pieces(source: Path, tree: Path, count: int) -> None:
    songs = sorted(source.rglob("*.ogg"))
    jobs = []
    for number, (song, start) in enumerate(islice(_places(songs), count)):
        name = f"{_WORD} {number:04}{FORMATS[number % len(FORMATS)]}"
        jobs.append((song, start, tree / song.stem / name, number))
    for folder in {target.parent for _, _, target, _ in jobs}:
        folder.mkdir(parents=True)
    with ProcessPoolExecutor() as pool:
        list(pool.map(_cut, jobs, chunksize=8))


def _places(songs: list[Path]) -> Iterator[tuple[Path, int]]:
    """Yield a song and a second of it, one piece of each song in turn, for ever further in."""
    lengths = {song: mutagen.File(song).info.length for song in songs}
    for turn in cycle(range(10_000)):
        for song in songs:
            start = turn * SECONDS
            # A short song gives its pieces again, shifted: no two are the same file.
            yield song, int(start % max(1, lengths[song] - SECONDS))


def _cut(job: tuple[Path, int, Path, int]) -> None:
    song, start, target, number = job
    container = {".m4a": "ipod"}.get(target.suffix)
    with av.open(str(song)) as read, av.open(str(target), "w", format=container) as write:
        stream = read.streams.audio[0]
        # Opus knows no other rate
        rate = 48_000 if target.suffix == ".opus" else stream.codec_context.sample_rate
        out = write.add_stream(audio_files.CODECS[target.suffix], rate=rate, layout="stereo")
        convert = av.AudioResampler(out.codec_context.format.name, "stereo", rate, frame_size=out.frame_size or 4096)
        read.seek(start * av.time_base)
        sent = 0
        for decoded in [*_first(read, SECONDS * stream.codec_context.sample_rate), None]:
            for frame in convert.resample(decoded):
                frame.pts, frame.time_base = sent, Fraction(1, rate)
                sent += frame.samples
                write.mux(out.encode(frame))
        write.mux(out.encode(None))
    plain = mutagen.File(song, easy=True)
    said = {name: (plain.get(name) or ["Unknown"])[0] for name in ("title", "artist", "album")}
    audio_files.tag(target, **said | {"title": f"{said['title']} ({_WORD} {number})"})


def _first(container: av.container.InputContainer, samples: int) -> Iterator[av.AudioFrame]:
    for frame in container.decode(audio=0):
        frame.pts = None
        yield frame
        samples -= frame.samples
        if samples <= 0:
            return


def _breakage(tree: Path, count: int) -> None:
    """Put odd files of mutagen's tests, cut and damaged pieces, noise and empty files among the good ones."""
    dice = random.Random(SEED)  # noqa: S311 - the same disk each time
    odd = [path for path in archives.files() if path.suffix in {*FORMATS, ".ogg", ".wav"}]
    whole = sorted(path for path in tree.rglob("*") if path.is_file())
    for number in range(count):
        folder = whole[dice.randrange(len(whole))].parent
        kind = number % 4
        if kind == 0 and odd:
            path = odd[number // 4 % len(odd)]
            content, suffix = path.read_bytes(), path.suffix
        else:
            path = whole[dice.randrange(len(whole))]
            content, suffix = path.read_bytes(), path.suffix
            if kind == 1:
                content = content[: dice.randrange(2000)]
            elif kind == 2:
                content = dice.randbytes(20_000)
            else:
                content = bytes(byte ^ (dice.random() < 0.01) * dice.randrange(1, 256) for byte in content)
        (folder / f"broken {number:03}{suffix}").write_bytes(content)
