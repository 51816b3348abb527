"""The analysis of a track: it is decoded and transformed once for all that is computed from its sound."""

from dataclasses import dataclass
from io import RawIOBase

from soniquebay.audio.acoustic_fingerprint import acoustic_fingerprint
from soniquebay.audio.decode import MAX_WHOLE_FILE_SECONDS, SAMPLE_RATE_HZ, Samples, decode_placed_segments
from soniquebay.audio.features import feature_vector
from soniquebay.audio.learned import log_mel, network
from soniquebay.audio.length import measured_length
from soniquebay.audio.musical_key import estimate_key
from soniquebay.audio.spectra import Float32Array, compute_spectra
from soniquebay.audio.tempo import estimate_tempo


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result of the analysis of one track."""

    vector: Float32Array  # (VECTOR_SIZE,), raw feature values
    bpm: float | None  # beats per minute
    bpm_confidence: float | None  # from 0 to 1, see tempo.Tempo; None without a tempo
    musical_key: str | None  # one of MUSICAL_KEYS, as "A minor"
    sound_tags: Float32Array  # probability of each of `sound_tags.SOUND_TAGS`
    acoustic_fingerprint: bytes  # some 330 bytes
    length: float | None  # seconds, as measured; None if it cannot be told, and for a range with an end


def analyse(path: str | RawIOBase, start: float = 0.0, seconds: float | None = None) -> Analysis:
    """Return what an audio file, or a range of it in seconds, sounds like; its tags play no part.

    `path` is Python's file-system string, or a file that can be read and has positions. Without `seconds` the range
    goes to the end of the file. Raises `decode.UndecodableAudioError` when no samples come out of the file, its
    subclass `decode.UnavailableAudioError` when the file cannot be read, and `model_file.MissingModelError` when the
    installation has no learned model.
    """
    placed = decode_placed_segments(path, start, seconds)
    decoded = [samples for _, samples in placed]
    segments = [compute_spectra(samples) for samples in decoded]
    heard = network.hear(log_mel.patches(decoded))
    tempo = estimate_tempo([segment.mel_power for segment in segments])
    return Analysis(
        vector=feature_vector(segments, heard.values),
        bpm=tempo.bpm if tempo else None,
        bpm_confidence=tempo.confidence if tempo else None,
        musical_key=estimate_key([segment.chroma for segment in segments]),
        sound_tags=heard.tags,
        acoustic_fingerprint=acoustic_fingerprint(zip((at for at, _ in placed), segments, strict=True)),
        length=_length(path, start, decoded) if seconds is None else None,
    )


def _length(path: str | RawIOBase, start: float, decoded: list[Samples]) -> float | None:
    length = measured_length(path)
    if length is not None:
        return length - start if length > start else None
    # A single segment that is shorter than it may be goes to the end.
    samples = decoded[0].shape[1]
    is_whole = len(decoded) == 1 and samples < int(MAX_WHOLE_FILE_SECONDS * SAMPLE_RATE_HZ)
    return samples / SAMPLE_RATE_HZ if is_whole else None
