"""The analysis of a track: it is decoded once and transformed once, for its vector, tempo and musical key."""

from dataclasses import dataclass

from soniquebay.audio.decode import decode_segments
from soniquebay.audio.features import feature_vector
from soniquebay.audio.musical_key import estimate_key
from soniquebay.audio.spectra import Float32Array, compute_spectra
from soniquebay.audio.tempo import estimate_tempo


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result of the analysis of one track."""

    vector: Float32Array  # (VECTOR_SIZE,), raw feature values
    bpm: float | None  # beats per minute
    musical_key: str | None  # one of MUSICAL_KEYS, as "A minor"


def analyse(path: str, start: float = 0.0, seconds: float | None = None) -> Analysis:
    """Return the vector, tempo and musical key of an audio file, or of a range of it in seconds; tags play no part.

    `path` is Python's file-system string. Without `seconds` the range goes to the end of the file. Raises
    `decode.UndecodableAudioError` when no samples come out of the file, and its subclass
    `decode.UnavailableAudioError` when the file cannot be read.
    """
    segments = [compute_spectra(samples) for samples in decode_segments(path, start, seconds)]
    return Analysis(
        vector=feature_vector(segments),
        bpm=estimate_tempo([segment.mel_power for segment in segments]),
        musical_key=estimate_key([segment.chroma for segment in segments]),
    )
