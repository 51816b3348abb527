"""The weights of the network, from the file that `make model` writes, in the form in which it computes.

The file has the tensors of the training under their own names. Of the 561 filters of the first layers, 497 have no
weights left, so their outputs are constant. The file has the kernels of the others alone, and what the constants add to
later layers is added up here. The batch normalisations are folded here and not when the file is made: sums may differ
in their last bits between processors, and the file is to be the same on each.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.learned.log_mel import PATCH_FRAMES
from soniquebay.audio.learned.model_file import PATH, MissingModelError
from soniquebay.audio.spectra import Float32Array

LIVE = "live"  # name of the mask of the filters whose kernels are in the file, (561,)
FRONT_LAYERS = 5  # two look at timbre, three at time
MIDDLE_LAYERS = 3
MIDDLE_TAPS = 7

_EPSILON = 1e-3  # which the training added to variances

Tensors = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Affine:
    """What is left of a batch normalisation: a factor and a summand of each channel."""

    scale: Float32Array
    shift: Float32Array

    def __call__(self, values: Float32Array) -> Float32Array:
        """Return the normalised values; channels are along the last axis."""
        return np.asarray(values * self.scale + self.shift, np.float32)


@dataclass(frozen=True, slots=True)
class Front:
    """One of the first layers, with its living filters alone.

    Of each filter only the maximum over the frequencies is wanted, after a batch normalisation. Where that has a
    negative factor, the maximum is the minimum of what goes in; `sign` is -1 there, and the kernel has the other sign.
    """

    kernel: Float32Array  # (frames, bands, filters)
    sign: Float32Array  # (filters,)
    bias: Float32Array  # (filters,)
    norm: Affine


@dataclass(frozen=True, slots=True)
class Middle:
    """A convolution along time over all channels."""

    kernel: Float32Array  # (MIDDLE_TAPS * channels, filters)
    bias: Float32Array  # (filters,), or (PATCH_FRAMES, filters)
    norm: Affine


@dataclass(frozen=True, slots=True)
class Weights:
    """All layers."""

    input: Affine
    fronts: tuple[Front, ...]
    middles: tuple[Middle, ...]
    dense: Float32Array  # (2 * channels, 200), maxima before means
    dense_bias: Float32Array  # (200,)
    dense_norm: Affine
    output: Float32Array  # (200, 50)
    output_bias: Float32Array  # (50,)


@cache
def load_weights(path: Path = PATH) -> Weights:
    """Return the weights. Raises `MissingModelError` when there is no file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return _folded(dict(file))
    except FileNotFoundError as error:
        raise MissingModelError(path) from error


def _folded(tensors: Tensors) -> Weights:
    live = tensors[LIVE].astype(bool)
    fronts, silent = _fronts(tensors, live)
    middles = [
        Middle(tensors[f"{name}/kernel"][:, :, 0], tensors[f"{name}/bias"], _norm(tensors, 6 + i))
        for i, name in enumerate(_layer("conv2d", FRONT_LAYERS + i) for i in range(MIDDLE_LAYERS))
    ]
    first = middles[0]
    middles[0] = Middle(first.kernel[:, live], first.bias + _added_by_silent(silent, first.kernel), first.norm)
    before = _norm(tensors, 9)
    kernel = tensors["dense/kernel"].astype(np.float64)
    bias = tensors["dense/bias"] + before.shift @ kernel
    channels = (before.scale[:, None] * kernel).reshape(-1, 2, kernel.shape[1])  # maximum and mean of each side by side
    bias += silent @ channels[: live.size].sum(axis=1)
    kept = np.concatenate([channels[: live.size][live], channels[live.size :]])
    return Weights(
        input=_norm(tensors, 0),
        fronts=tuple(fronts),
        middles=tuple(Middle(_rows(m.kernel), m.bias, m.norm) for m in middles),
        dense=np.ascontiguousarray(kept.transpose(1, 0, 2).reshape(-1, kernel.shape[1]), np.float32),
        dense_bias=bias.astype(np.float32),
        dense_norm=_norm(tensors, 10),
        output=tensors["dense_1/kernel"],
        output_bias=tensors["dense_1/bias"],
    )


def _fronts(tensors: Tensors, live: NDArray[np.bool_]) -> tuple[list[Front], NDArray[np.float64]]:
    """Return the first layers, and the constant output of each filter: 0 for those that are alive, (561,)."""
    fronts, silent, start = [], np.zeros(live.size), 0
    for i in range(FRONT_LAYERS):
        name = _layer("conv2d", i)
        norm, bias = _norm(tensors, 1 + i), tensors[f"{name}/bias"]
        filters = slice(start, start + bias.size)
        start += bias.size
        alive = live[filters]
        silent[filters] = np.where(alive, 0, norm(np.maximum(bias, 0)))
        sign = np.where(norm.scale[alive] < 0, -1, 1).astype(np.float32)
        kernel = tensors[f"{name}/kernel"][:, :, 0] * sign
        fronts.append(Front(kernel, sign, bias[alive], Affine(norm.scale[alive], norm.shift[alive])))
    return fronts, silent


def _added_by_silent(silent: NDArray[np.float64], kernel: Float32Array) -> Float32Array:
    """Return what constant channels add to a convolution along time, (PATCH_FRAMES, filters).

    At both ends it is less: there the convolution meets zeros in place of the constants.
    """
    taps = np.einsum("c,kcf->kf", silent, kernel.astype(np.float64))
    inside = np.pad(np.ones(PATCH_FRAMES), MIDDLE_TAPS // 2)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(inside, MIDDLE_TAPS) @ taps, np.float32)


def _norm(tensors: Tensors, number: int) -> Affine:
    mean, variance, gamma, beta = (
        tensors[f"{_layer('batch_normalization', number)}/{name}"].astype(np.float64)
        for name in ("moving_mean", "moving_variance", "gamma", "beta")
    )
    scale = gamma / np.sqrt(variance + _EPSILON)
    return Affine(scale.astype(np.float32), (beta - mean * scale).astype(np.float32))


def _rows(kernel: Float32Array) -> Float32Array:
    return np.ascontiguousarray(kernel.reshape(-1, kernel.shape[-1]))


def _layer(kind: str, number: int) -> str:
    return f"{kind}_{number}" if number else kind
