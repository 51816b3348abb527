"""Whether two acoustic fingerprints are of one recording: their bits agree once one is shifted against the other."""

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.acoustic_fingerprint import BITS, STEP_SECONDS, segments_of

MAX_SHIFT_SECONDS = 2.5  # of silence before the beginning
_MAX_DIFFERENT = 0.25  # of the bits; of unlike sounds half of them differ
_MAX_DIFFERENT_OF_SEGMENT = 0.36
_MAX_SHIFT_STEPS = round(MAX_SHIFT_SECONDS / STEP_SECONDS)
_SLACK_STEPS = 2  # by which a segment may lie elsewhere than the shift says: a seek is not exact in every format
_MIN_STEPS = 10  # that have to overlap
_Segment = tuple[float, NDArray[np.float32]]  # where it begins in seconds, and its bits as -1 and 1


def is_one_recording(first: bytes, second: bytes) -> bool:
    """Return whether two tracks are one recording, by what `audio.acoustic_fingerprint` makes of them."""
    ours, theirs = _signs(first), _signs(second)
    if len(ours) == len(theirs) > 1:
        # One segment tells unlike sounds apart, at a fifth of the cost.
        curve = _curve(ours[len(ours) // 2], theirs[len(theirs) // 2])
        if curve is None or np.nanmin(curve) > _MAX_DIFFERENT_OF_SEGMENT:
            return False
    mean, worst = _different(ours, theirs)
    return mean <= _MAX_DIFFERENT and worst <= _MAX_DIFFERENT_OF_SEGMENT


def different_bits(first: bytes, second: bytes) -> tuple[float, float]:
    """Return the share of bits that differ, as the mean over the segments and in the worst segment.

    The second one is shifted so that the mean is smallest. One shift holds for the whole track: in another tempo, no
    shift fits all segments. Both are 1.0 where too little overlaps.
    """
    return _different(_signs(first), _signs(second))


def _different(ours: list[_Segment], theirs: list[_Segment]) -> tuple[float, float]:
    curves = [curve for one in ours for other in theirs if (curve := _curve(one, other)) is not None]
    if not curves:
        return 1.0, 1.0
    shares = np.stack(curves)
    is_compared = np.isfinite(shares)
    counts = is_compared.sum(axis=0)
    needed = (max(len(ours), len(theirs)) + 1) // 2
    means = np.where(is_compared, shares, 0).sum(axis=0) / np.maximum(counts, 1)
    means = np.where(counts >= needed, means, 1.0)
    best = int(np.argmin(means))
    worst = np.where(is_compared, shares, 0)[:, best].max() if counts[best] >= needed else 1.0
    return float(means[best]), float(worst)


def _signs(data: bytes) -> list[_Segment]:
    return [(start, bits.astype(np.float32) * 2 - 1) for start, bits in segments_of(data) if len(bits) >= _MIN_STEPS]


def _curve(first: _Segment, second: _Segment) -> NDArray[np.float64] | None:
    """Return the share of bits that differ at each shift from -MAX_SHIFT to MAX_SHIFT; NaN where too little overlaps.

    None if that is so at every shift.
    """
    (start, ours), (other_start, theirs) = first, second
    between = round((start - other_start) / STEP_SECONDS)
    least = max(_MIN_STEPS, min(len(ours), len(theirs)) // 2)
    reach = _MAX_SHIFT_STEPS + _SLACK_STEPS
    if between + reach < least - len(ours) or between - reach > len(theirs) - least:
        return None
    offsets = np.arange(between - reach, between + reach + 1)
    sums, counts = _diagonals(ours @ theirs.T, offsets)
    shares = np.where(counts >= least, (1 - sums / (BITS * np.maximum(counts, 1))) / 2, np.nan)
    if not np.isfinite(shares).any():
        return None
    around = np.lib.stride_tricks.sliding_window_view(np.where(np.isfinite(shares), shares, 2.0), 2 * _SLACK_STEPS + 1)
    best = around.min(axis=1)
    return np.where(best <= 1, best, np.nan)


def _diagonals(
    products: NDArray[np.float32], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the sums and the lengths of diagonals; both are 0 for an offset beyond the matrix."""
    rows, columns = products.shape
    # Row by row further to the right, so that each diagonal is a column.
    slanted = np.zeros((rows, rows + columns), np.float32)
    slanted[:, :columns] = products[::-1]
    sums = slanted.ravel()[: rows * (rows + columns - 1)].reshape(rows, -1).sum(axis=0)
    places = offsets + rows - 1
    is_inside = (places >= 0) & (places < sums.size)
    counts = np.minimum(np.minimum(rows, columns), np.minimum(places + 1, sums.size - places))
    return np.where(is_inside, sums[places.clip(0, sums.size - 1)], 0), np.where(is_inside, counts, 0)
