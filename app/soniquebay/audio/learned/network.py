"""The network MSD_musicnn, computed by products of matrices.

It is by Pons and Serra: "musicnn: Pre-trained convolutional neural networks for music audio tagging", 2019. Its first
layers are convolutions over the spectrum, of which only the maximum over the frequencies is kept. Those for timbre see
seven frames and many bands, those for time see one band and up to two seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from soniquebay.audio.learned.log_mel import BANDS, PATCH_FRAMES
from soniquebay.audio.learned.weights import MIDDLE_TAPS, Front, Middle, Weights, load_weights
from soniquebay.audio.spectra import Float32Array

_BLOCK_FRAMES = 16  # frames that a product of the layers for time computes at once


@dataclass(frozen=True, slots=True)
class Heard:
    """What the network makes of a track: the means over its patches, float32."""

    values: Float32Array  # (200,), of the last layer but one
    tags: Float32Array  # (50,), probability of each of `sound_tags.SOUND_TAGS`


def hear(patches: Float32Array) -> Heard:
    """Return what the network makes of the patches of a track, (n, PATCH_FRAMES, BANDS).

    Raises `model_file.MissingModelError` when the file of the model is not there.
    """
    weights = load_weights()
    spectra = weights.input(patches)
    front = np.concatenate(list(_fronts(weights, spectra)), axis=2)
    first = _middle(weights.middles[0], front)
    second = first + _middle(weights.middles[1], first)
    third = second + _middle(weights.middles[2], second)
    channels = np.concatenate([front, first, second, third], axis=2)
    pooled = np.concatenate([channels.max(axis=1), channels.mean(axis=1)], axis=1)
    values = weights.dense_norm(np.maximum(pooled @ weights.dense + weights.dense_bias, 0))
    tags = 1 / (1 + np.exp(-(values @ weights.output + weights.output_bias)))
    return Heard(values.mean(axis=0), tags.mean(axis=0))


def _fronts(weights: Weights, spectra: Float32Array) -> Iterator[Float32Array]:
    """Yield the outputs of the first layers, (n, PATCH_FRAMES, filters) each."""
    for front in weights.fronts:
        is_timbre = front.kernel.shape[1] > 1
        best = _timbre(front, spectra) if is_timbre else _time(front, spectra)
        yield front.norm(np.maximum(best * front.sign + front.bias, 0))


def _timbre(front: Front, spectra: Float32Array) -> Float32Array:
    """Return the maximum over the places in frequency of a filter of some frames and many bands.

    For each place one product has all frames of the filter beside each other; their sum, each shifted by one frame
    against the one before, is the convolution. The patches lie one behind the other, with zeros between them.
    """
    taps, width, filters = front.kernel.shape
    n, step, edge = spectra.shape[0], PATCH_FRAMES + taps - 1, taps // 2
    bands = np.ascontiguousarray(np.pad(spectra, ((0, 0), (edge, edge), (0, 0))).reshape(-1, BANDS).T)
    kernel = np.ascontiguousarray(front.kernel.transpose(0, 2, 1).reshape(-1, width))  # (taps * filters, width)
    end = bands.shape[1] - taps + 1
    best = np.full((filters, bands.shape[1]), -np.inf, np.float32)
    products = np.empty((taps * filters, bands.shape[1]), np.float32)
    total = np.empty((filters, end), np.float32)
    for place in range(BANDS - width + 1):
        np.matmul(kernel, bands[place : place + width], out=products)
        np.add(products[:filters, :end], products[filters : 2 * filters, 1 : end + 1], out=total)
        for tap in range(2, taps):
            total += products[tap * filters : (tap + 1) * filters, tap : end + tap]
        np.maximum(best[:, :end], total, out=best[:, :end])
    return best.reshape(filters, n, step)[:, :, :PATCH_FRAMES].transpose(1, 2, 0)  # without what lies over a seam


def _time(front: Front, spectra: Float32Array) -> Float32Array:
    """Return the maximum over the bands of a filter of many frames and one band."""
    taps, _, filters = front.kernel.shape
    n, blocks = spectra.shape[0], -(-PATCH_FRAMES // _BLOCK_FRAMES)
    before, size = (taps - 1) // 2, _BLOCK_FRAMES + taps - 1
    after = blocks * _BLOCK_FRAMES - PATCH_FRAMES + taps - 1 - before
    padded = np.pad(spectra, ((0, 0), (before, after), (0, 0)))
    shifted = _shifted(front)
    best = np.empty((n, blocks * _BLOCK_FRAMES, filters), np.float32)
    for start in range(0, blocks * _BLOCK_FRAMES, _BLOCK_FRAMES):
        part = np.ascontiguousarray(padded[:, start : start + size].transpose(1, 0, 2)).reshape(size, -1)
        products = (shifted @ part).reshape(_BLOCK_FRAMES, filters, n, BANDS).max(axis=3)
        best[:, start : start + _BLOCK_FRAMES] = products.transpose(2, 0, 1)
    return best[:, :PATCH_FRAMES]


def _shifted(front: Front) -> Float32Array:
    """Return the filters at each place of a block, (_BLOCK_FRAMES * filters, _BLOCK_FRAMES + taps - 1)."""
    taps, _, filters = front.kernel.shape
    rows = np.zeros((_BLOCK_FRAMES, filters, _BLOCK_FRAMES + taps - 1), np.float32)
    for place, row in enumerate(rows):
        row[:, place : place + taps] = front.kernel[:, 0].T
    return rows.reshape(-1, rows.shape[2])


def _middle(layer: Middle, channels: Float32Array) -> Float32Array:
    """Return a convolution along time with its normalisation, (n, PATCH_FRAMES, channels) to the same with filters."""
    edge = MIDDLE_TAPS // 2
    padded = np.pad(channels, ((0, 0), (edge, edge), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, MIDDLE_TAPS, axis=1).transpose(0, 1, 3, 2)
    products = windows.reshape(-1, layer.kernel.shape[0]) @ layer.kernel
    return layer.norm(np.maximum(products.reshape(*channels.shape[:2], -1) + layer.bias, 0))
