"""Which names are those of companions, and which audio file a companion belongs to."""

import unicodedata
from collections.abc import Iterable

from soniquebay.audio.file_names import is_audio

CUE_SUFFIX, LYRICS_SUFFIX = ".cue", ".lrc"
_SUFFIXES = (CUE_SUFFIX, LYRICS_SUFFIX)


def is_companion(name: str) -> bool:
    """Tell whether a file of this name may belong to an audio file beside it."""
    return name[-4:].lower() in _SUFFIXES and len(name) > len(CUE_SUFFIX) and name[:2] != "._"


def is_cue_sheet(name: str) -> bool:
    """Tell whether a companion is a cue sheet."""
    return name[-4:].lower() == CUE_SUFFIX


def stem_of(name: str) -> str:
    """Return what two names have in common that differ only in their suffixes and in the case of their letters."""
    stem, dot, _ = name.rpartition(".")
    return _folded(stem if dot and stem else name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()  # macOS has names in the form NFD


def has_name_of(companion: str, audio: str) -> bool:
    """Tell whether a companion is called as an audio file is: "Song.lrc" or "Song.flac.lrc" beside "Song.flac"."""
    return stem_of(companion) in {stem_of(audio), _folded(audio)}


def named_files(name: str, folder: Iterable[str]) -> list[str]:
    """Return the audio files of a folder that a sheet means by a name, which may have another suffix or case.

    Sheets often name the WAV file that was compressed since. Only a name that stands in the folder is ever returned: a
    path means none.
    """
    audio = [file for file in folder if is_audio(file)]
    for same in (
        [file for file in audio if file == name],
        [file for file in audio if _folded(file) == _folded(name)],
        [file for file in audio if stem_of(file) == stem_of(name)],
    ):
        if same:
            return same
    return []
