"""A track analysed: decoded once, transformed once; its vector, tempo and key."""

from dataclasses import dataclass

from soniquebay.audio.decode import decode_segments
from soniquebay.audio.features import features
from soniquebay.audio.musical_key import musical_key
from soniquebay.audio.spectra import Array, spectra
from soniquebay.audio.tempo import tempo


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a track sounds like."""

    vector: Array  # (features.SIZE,)
    bpm: float | None  # beats a minute
    musical_key: str | None  # as "A minor"


def analyse(path: str) -> Analysis:
    """Analyse a file by its decoded samples alone; raises `decode.UndecodableAudioError`."""
    segments = [spectra(samples) for samples in decode_segments(path)]
    return Analysis(
        vector=features(segments),
        bpm=tempo([s.mel for s in segments]),
        musical_key=musical_key([s.chroma for s in segments]),
    )
