"""What the learned model hears: its spectra, and that its quick form computes what the network is defined as."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from soniquebay.audio.decode import SAMPLE_RATE_HZ, Samples
from soniquebay.audio.learned import log_mel, model_file, network, weights
from soniquebay.audio.sound_tags import SOUND_TAGS
from soniquebay.audio.spectra import Float32Array

FRONT_TAPS = (7, 7, 128, 64, 32)
VALUES = 200


def noise(seconds: float, seed: int, level: float = 0.1) -> Samples:
    shape = (2, int(seconds * SAMPLE_RATE_HZ))
    return np.asarray(level * np.random.default_rng(seed).normal(size=shape), np.float32)


def tone(hertz: float, seconds: float = 6.0) -> Samples:
    one = np.sin(2 * np.pi * hertz * np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ)
    return np.asarray([0.3 * one, 0.3 * one], np.float32)


def test_each_of_five_segments_gives_its_middle() -> None:
    tones = (220, 500, 1100, 2500, 6000)
    patches = log_mel.patches([tone(hertz) for hertz in tones])
    assert patches.shape == (5, log_mel.PATCH_FRAMES, log_mel.BANDS)
    loudest = patches.mean(axis=1).argmax(axis=1)
    assert (np.diff(loudest) > 5).all()
    marked = [noise(6, 1, 0.001)] * 5
    marked[3] = marked[3].copy()
    marked[3][:, SAMPLE_RATE_HZ : SAMPLE_RATE_HZ + 1000] = 0.5  # before the middle three seconds
    marked[3][:, 3 * SAMPLE_RATE_HZ : 3 * SAMPLE_RATE_HZ + 10] = 0.5  # in their middle
    frames = log_mel.patches(marked).sum(axis=2)
    assert frames[3].argmax() == pytest.approx(log_mel.PATCH_FRAMES / 2, abs=2)
    assert frames[3, :50].max() < 1.1 * frames[2].max()


def test_the_spectra_are_those_of_the_training() -> None:
    """Compared with librosa's way at 16 kHz: white noise is the same sound at each rate."""
    ours = log_mel.patches([noise(6, seed) for seed in range(5)]).mean(axis=(0, 1))
    # The level of the middle signal of two independent channels, cut to 8 kHz.
    level = 0.1 * np.sqrt(0.5 * 16000 / SAMPLE_RATE_HZ)
    samples = np.random.default_rng(9).normal(size=16000 * 12) * level
    window = np.hanning(513)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(samples, 512)[::256] * window
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    hertz = np.arange(8001.0)
    edges = np.interp(np.linspace(0, mel_of(hertz)[-1], 98), mel_of(hertz), hertz)
    bins = np.fft.rfftfreq(512, 1 / 16000)
    filters = [
        np.interp(bins, [low, centre, high], [0, 1, 0]) * 2 / (high - low)
        for low, centre, high in zip(edges[:-2], edges[1:-1], edges[2:], strict=True)
    ]
    expected = np.log10(10000 * power @ np.transpose(filters) + 1).mean(axis=0)
    assert ours == pytest.approx(expected, abs=0.25)  # low bands have a bin or none at 16 kHz
    assert ours[12:] == pytest.approx(expected[12:], abs=0.1)


def mel_of(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear below 1000 Hz, which is 15 mel, and logarithmic above."""
    return np.where(hertz < 1000, hertz * 3 / 200, 15 + 27 * np.log(np.maximum(hertz, 1) / 1000) / np.log(6.4))


def test_the_level_is_left_as_it_is_and_silence_stays_silent() -> None:
    quiet = [noise(6, seed) for seed in range(5)]
    one, other = log_mel.patches(quiet), log_mel.patches([segment * np.float32(5) for segment in quiet])
    assert (other - one).mean() == pytest.approx(np.log10(5**2), abs=0.01)
    silent = log_mel.patches([np.zeros((2, SAMPLE_RATE_HZ), np.float32)])
    assert not silent.any()
    assert np.isfinite(network.hear(silent).values).all()


@pytest.mark.parametrize("seconds", [0.1, 1.0, 3.1, 20.0])
def test_a_short_track_gives_five_patches_too(seconds: float) -> None:
    patches = log_mel.patches([noise(seconds, 1)])
    assert patches.shape == (5, log_mel.PATCH_FRAMES, log_mel.BANDS)
    assert patches.min() >= 0
    assert patches.mean(axis=(1, 2)).std() < 0.1  # none is empty
    assert (np.abs(patches[0] - patches[4]).max() > 0.1) == (seconds > 3)


def test_segments_that_are_left_out_are_made_up_for_by_others() -> None:
    patches = log_mel.patches([tone(220), tone(6000)])
    is_high = patches.mean(axis=1).argmax(axis=1) > 50
    assert is_high.tolist() == [False, False, False, True, True]


def test_the_quick_form_computes_the_network() -> None:
    patches = log_mel.patches([tone(300) + noise(6, 1), noise(6, 2), tone(900), noise(1, 3), tone(2000)])
    heard = network.hear(patches)
    expected = [defined(patch) for patch in patches]
    assert heard.values.shape == (VALUES,)
    assert heard.tags.shape == (len(SOUND_TAGS),)
    assert heard.values == pytest.approx(np.mean([values for values, _ in expected], axis=0), abs=1e-4)
    assert heard.tags == pytest.approx(np.mean([tags for _, tags in expected], axis=0), abs=1e-5)
    assert heard.values.dtype == np.float32


def test_a_missing_model_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(model_file.MissingModelError, match="make model"):
        weights.load_weights(tmp_path / "weights.npz")


def defined(patch: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return values and tags of a patch, (frames, bands), layer by layer as the network is defined."""
    with np.load(model_file.PATH) as file:
        tensors = dict(file)
    live = np.split(tensors[weights.LIVE].astype(bool), np.cumsum([204, 204, 51, 51]))
    spectrum = normalised(tensors, 0, patch[..., None])[..., 0]
    front = []
    for i, taps in enumerate(FRONT_TAPS):
        name = f"conv2d_{i}" if i else "conv2d"
        kernel = tensors[f"{name}/kernel"][:, :, 0]
        whole = np.zeros((*kernel.shape[:2], live[i].size), np.float32)
        whole[:, :, live[i]] = kernel
        padded = np.pad(spectrum, (((taps - 1) // 2, taps // 2), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2])
        output = np.tensordot(windows, whole, axes=2) + tensors[f"{name}/bias"]
        front.append(normalised(tensors, 1 + i, np.maximum(output, 0)).max(axis=1))
    layers = [np.concatenate(front, axis=1)]
    for i in range(5, 8):
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(layers[-1], ((3, 3), (0, 0))), 7, axis=0)
        output = np.einsum("tck,kcf->tf", windows, tensors[f"conv2d_{i}/kernel"][:, :, 0], optimize=True)
        output = normalised(tensors, i + 1, np.maximum(output + tensors[f"conv2d_{i}/bias"], 0))
        layers.append(output if i == 5 else output + layers[-1])
    channels = np.concatenate(layers, axis=1)
    pooled = np.stack([channels.max(axis=0), channels.mean(axis=0)], axis=1).ravel()
    dense = normalised(tensors, 9, pooled) @ tensors["dense/kernel"] + tensors["dense/bias"]
    values = normalised(tensors, 10, np.maximum(dense, 0))
    return values, 1 / (1 + np.exp(-(values @ tensors["dense_1/kernel"] + tensors["dense_1/bias"])))


def normalised(tensors: weights.Tensors, number: int, values: Float32Array) -> Float32Array:
    name = f"batch_normalization_{number}" if number else "batch_normalization"
    mean, variance, gamma, beta = (
        tensors[f"{name}/{part}"] for part in ("moving_mean", "moving_variance", "gamma", "beta")
    )
    return (values - mean) / np.sqrt(variance + 1e-3) * gamma + beta
