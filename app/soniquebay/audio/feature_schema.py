"""The layout of a feature vector, and the names of musical keys, for code that stores and compares them.

This module imports neither a decoder nor numpy, so the API can use it without loading them.
"""

import math
import struct

FEATURE_VERSION = 3  # raise it when a change of the analysis changes the vectors: every track is then analysed again

MEL_BANDS = 64
ONSET_BANDS = 8
CEPSTRAL_COEFFICIENTS = 20
STEREO_BANDS = 16
AUTOCORRELATION_LAGS = 24
LEARNED_VALUES = 200
MODULATION_EDGES_HZ = (0.4, 0.8, 1.3, 2, 3, 4.5, 6.5, 10, 16, 21)  # of the bands of the modulation spectrum

# The groups of a vector in their order, each with its number of values; `features.py` computes them.
FEATURE_GROUPS = {
    "loudness": 3,  # log10 of the power, as the mean over the mel bands: mean, deviation, deviation of its change
    "crest_factor": 1,  # log of peak over level: low for music with a compressed dynamic range
    "mean_spectrum": MEL_BANDS // 2,  # long-term average of the log spectrum, without the loudness
    "mfcc_std": CEPSTRAL_COEFFICIENTS,  # how much the timbre varies
    "mfcc_delta_std": CEPSTRAL_COEFFICIENTS,  # how much it varies from frame to frame
    "side_share": STEREO_BANDS,  # stereo width: share of the side signal in the power of each band
    "side_share_std": STEREO_BANDS,
    "spectral_flatness": 8,  # noise or tone in four bands: mean and deviation
    "onset_strength": 2 * ONSET_BANDS,  # mean and deviation in each band
    "modulation_spectrum": ONSET_BANDS * (len(MODULATION_EDGES_HZ) - 1),  # at which rates the onsets of a band recur
    "onset_autocorrelation": AUTOCORRELATION_LAGS,  # at lags from 0.1 to 2 s
    "chroma_dft": 6,  # which intervals sound together, in whatever key
    "learned": LEARNED_VALUES,  # what a network that was trained to tag music makes of the sound, see audio/learned
}
VECTOR_SIZE = sum(FEATURE_GROUPS.values())
# How many values the vectors of each version have that can be compared. Each begins with all values of the one before,
# so an upgraded library is compared by these until all of its tracks are analysed again.
VECTOR_SIZES = {2: VECTOR_SIZE - LEARNED_VALUES, FEATURE_VERSION: VECTOR_SIZE}
OLDEST_VERSION = min(VECTOR_SIZES)

# Of each segment of an acoustic fingerprint: where it begins, in seconds; and the number of its steps, a byte each.
ACOUSTIC_FINGERPRINT_HEADER = struct.Struct("<fH")
MAX_ACOUSTIC_FINGERPRINT_BYTES = 1024  # the longest have some 400

PITCH_CLASSES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MUSICAL_KEYS = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in PITCH_CLASSES)


def is_acoustic_fingerprint(data: bytes) -> bool:
    """Tell whether the segments of an acoustic fingerprint fill these bytes exactly, and are as long as one can be."""
    if len(data) > MAX_ACOUSTIC_FINGERPRINT_BYTES:
        return False
    place = 0
    while place < len(data):
        if len(data) - place < ACOUSTIC_FINGERPRINT_HEADER.size:
            return False
        start, steps = ACOUSTIC_FINGERPRINT_HEADER.unpack_from(data, place)
        if not math.isfinite(start):
            return False
        place += ACOUSTIC_FINGERPRINT_HEADER.size + steps
    return place == len(data)
