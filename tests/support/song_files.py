"""Songs of every format for whole libraries: one encoded tone for each format, with tags as Picard writes them."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from tests.support import picard, rare_audio
from tests.support.audio_files import tag

# What PyAV does not encode. Monkey's Audio and Musepack have no sound, so the analysis cannot decode them.
_MADE_BY_HAND: dict[str, Callable[[], bytes]] = {
    ".dsf": lambda: rare_audio.dsf(0.5),
    ".dff": lambda: rare_audio.dsdiff(0.5),
    ".ape": rare_audio.monkeys_audio,
    ".mpc": rare_audio.musepack,
    ".spx": rare_audio.speex,
}


@cache
def untagged(suffix: str, seconds: float = 1.0) -> bytes:
    """Return a tone without tags in the format of a suffix."""
    return _MADE_BY_HAND[suffix]() if suffix in _MADE_BY_HAND else rare_audio.tone_bytes(suffix, seconds)


def song(
    path: Path,
    *,
    picture: bytes | None = None,
    id3_version: int = 4,
    seconds: float = 1.0,
    **tags: str | int | Iterable[str],
) -> Path:
    """Write a song with these tags, named as Picard names them, in the format of the suffix; return its path.

    `picture`: a PNG. A file that is there is replaced. Matroska has the first value of each tag alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(untagged(path.suffix, seconds))
    values = {name: [str(value)] if isinstance(value, str | int) else list(value) for name, value in tags.items()}
    if path.suffix == ".mka":
        tag(path, picture=picture or False, **{name: first for name, (first, *_) in values.items()})
        return path
    if values:
        picard.write(path, values, id3_version)
    if picture:
        tag(path, picture=picture)
    return path
