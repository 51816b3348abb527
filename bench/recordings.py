"""The same recording in several files, and near misses of it, made from real music, for the benchmark of duplicates."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.filter import Graph

from soniquebay.audio.spectra import Float32Array
from tests.support.audio_files import tag

RATE_HZ = 44_100
PIECE_SECONDS = 60.0  # all pieces have the same length, so no length tells two pieces apart
_OPUS_RATE_HZ = 48_000
_FADE_SECONDS = 10.0
_SAMPLE_FORMATS = {"flac": "s16", "libmp3lame": "s16p", "libopus": "s16", "aac": "fltp", "vorbis": "fltp"}


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which a piece is put into a file: what is done with its samples, and the encoder."""

    name: str
    suffix: str
    codec: str
    bit_rate: int | None = None
    options: dict[str, str] = field(default_factory=dict)
    change: Callable[[Float32Array, Float32Array], Float32Array] = lambda samples, other: samples


def _level(decibels: float) -> Callable[[Float32Array, Float32Array], Float32Array]:
    return lambda samples, other: samples * np.float32(10 ** (decibels / 20))


def _silence(before: float, after: float) -> Callable[[Float32Array, Float32Array], Float32Array]:
    widths = ((0, 0), (round(before * RATE_HZ), round(after * RATE_HZ)))
    return lambda samples, other: np.pad(samples, widths)


def _limited(samples: Float32Array, other: Float32Array) -> Float32Array:
    """Return the samples as after a loud remastering: 6 dB more, softly limited."""
    return np.tanh(samples * np.float32(2))


def _one_channel(samples: Float32Array, other: Float32Array) -> Float32Array:
    return np.repeat(samples[:1], 2, axis=0)


def _side_alone(samples: Float32Array, other: Float32Array) -> Float32Array:
    """Return the samples without what is in the middle, which takes a voice away."""
    side = (samples[:1] - samples[1:]) / 2
    return np.repeat(side, 2, axis=0)


def _overlaid(samples: Float32Array, other: Float32Array) -> Float32Array:
    """Return the samples with another part over their middle third, as a song with a voice beside the one without."""
    result = samples.copy()
    third = samples.shape[1] // 3
    part = other[:, :third].mean(axis=0)
    result[:, third : third + part.size] += 0.5 * part
    return result


def _overlaid_whole(samples: Float32Array, other: Float32Array) -> Float32Array:
    """Return the samples with a quiet other part over all of them."""
    length = min(samples.shape[1], other.shape[1])
    return samples[:, :length] + np.float32(0.35) * other[:, :length].mean(axis=0)


def _faded(samples: Float32Array, other: Float32Array) -> Float32Array:
    """Return the samples with a fade-out that ends 10 s earlier."""
    length = round(_FADE_SECONDS * RATE_HZ)
    result = samples[:, :-length].copy()
    result[:, -length:] *= np.linspace(1, 0, length, dtype=np.float32)
    return result


def _faded_in_place(samples: Float32Array, other: Float32Array) -> Float32Array:
    """Return the samples with a fade-out that ends 10 s earlier, and silence in place of the rest."""
    return np.pad(_faded(samples, other), ((0, 0), (0, round(_FADE_SECONDS * RATE_HZ))))


def _extended(samples: Float32Array, other: Float32Array) -> Float32Array:
    return np.concatenate([samples, samples[:, : samples.shape[1] // 3]], axis=1)


def _speed(samples: Float32Array, other: Float32Array) -> Float32Array:
    """Return the samples 2 % faster and higher."""
    at = np.arange(int(samples.shape[1] / 1.02)) * 1.02
    whole = np.arange(samples.shape[1])
    return np.stack([np.interp(at, whole, channel).astype(np.float32) for channel in samples])


def _tempo(samples: Float32Array, other: Float32Array) -> Float32Array:
    """Return the samples 2 % faster, at the same pitch, as a take of another day is."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE_HZ, format="fltp", layout="stereo", time_base=Fraction(1, RATE_HZ))
    tempo, sink = graph.add("atempo", "1.02"), graph.add("abuffersink")
    source.link_to(tempo)
    tempo.link_to(sink)
    graph.configure()
    parts: list[Float32Array] = []
    for frame in [*_frames(samples), None]:
        graph.push(frame)
        while True:
            try:
                pulled = graph.pull().to_ndarray()
            except (av.error.BlockingIOError, av.error.EOFError):
                break
            parts.append(pulled.reshape(-1, 2).T)  # atempo gives the channels in turn
    return np.concatenate(parts, axis=1)


def _tempo_of_one_length(samples: Float32Array, other: Float32Array) -> Float32Array:
    """Return another tempo and the same length: a bit of silence follows."""
    faster = _tempo(samples, other)
    return np.pad(faster, ((0, 0), (0, max(0, samples.shape[1] - faster.shape[1]))))


SAME = (
    Variant("FLAC", ".flac", "flac"),
    Variant("MP3 128", ".mp3", "libmp3lame", 128_000),
    Variant("MP3 320", ".mp3", "libmp3lame", 320_000),
    Variant("Opus 96", ".opus", "libopus", 96_000),
    Variant("AAC 128", ".m4a", "aac", 128_000),
    Variant("MP3 192, 8 dB quieter", ".mp3", "libmp3lame", 192_000, change=_level(-8)),
    Variant("FLAC, 4 dB louder", ".flac", "flac", change=_level(4)),
    Variant("FLAC, 0.5 s of silence before", ".flac", "flac", change=_silence(0.5, 0)),
    Variant("AAC, 0.5 s before and 1 s after", ".m4a", "aac", 192_000, change=_silence(0.5, 1.0)),
    Variant("MP3 VBR", ".mp3", "libmp3lame", options={"global_quality": "472", "flags": "+qscale"}),
    Variant("Ogg 160", ".ogg", "vorbis", 160_000),  # by FFmpeg's own encoder, which is no good one
)
DOUBTFUL = (
    Variant("MP3 64", ".mp3", "libmp3lame", 64_000),
    Variant("limited, 6 dB louder", ".flac", "flac", change=_limited),
    Variant("FLAC, 1.5 s of silence before", ".flac", "flac", change=_silence(1.5, 0)),
)
NEAR = (
    Variant("tempo + 2 %", ".flac", "flac", change=_tempo),
    Variant("tempo + 2 %, same length", ".flac", "flac", change=_tempo_of_one_length),
    Variant("speed + 2 %", ".flac", "flac", change=_speed),
    Variant("one channel", ".flac", "flac", change=_one_channel),
    Variant("side alone", ".flac", "flac", change=_side_alone),
    Variant("another part over a third", ".flac", "flac", change=_overlaid),
    Variant("another part over all", ".flac", "flac", change=_overlaid_whole),
    Variant("faded 10 s earlier", ".flac", "flac", change=_faded),
    Variant("faded 10 s earlier, same length", ".flac", "flac", change=_faded_in_place),
    Variant("extended by a third", ".flac", "flac", change=_extended),
)


def samples_of(file: Path, start: float = 0.0) -> Float32Array:
    """Return up to `PIECE_SECONDS` of a file, (2, samples) at `RATE_HZ`."""
    convert = av.AudioResampler("fltp", "stereo", RATE_HZ)
    wanted, parts, have = round(PIECE_SECONDS * RATE_HZ), [], 0
    with av.open(str(file), metadata_errors="replace") as read:
        read.seek(int(start * av.time_base))
        for frame in read.decode(audio=0):
            for out in convert.resample(frame):
                parts.append(out.to_ndarray())
                have += parts[-1].shape[1]
            if have >= wanted:
                break
    return np.asarray(np.concatenate(parts, axis=1)[:, :wanted], np.float32)


def make(file: Path, other: Path, folder: Path, name: str) -> dict[str, Path]:
    """Write all variants of a piece below a folder, unless they are there; return their files by their names."""
    made: dict[str, Path] = {}
    loaded: list[Float32Array] = []
    for number, variant in enumerate((*SAME, *DOUBTFUL, *NEAR)):
        made[variant.name] = target = folder / f"{name}-{number:02}{variant.suffix}"
        if target.exists():
            continue
        loaded = loaded or [samples_of(file), samples_of(other)]
        _write(target, variant, variant.change(*loaded))
        tag(target, title=f"{name} {variant.name}", artist=f"Artist {number}", album=f"Album {number}")
    return made


def _write(target: Path, variant: Variant, samples: Float32Array) -> None:
    rate = _OPUS_RATE_HZ if variant.codec == "libopus" else RATE_HZ
    container = {".m4a": "ipod"}.get(target.suffix, target.suffix[1:])
    part = target.with_suffix(f".part{target.suffix}")
    with av.open(str(part), "w", format=container) as write:
        options = {"strict": "experimental", **variant.options}
        out = write.add_stream(variant.codec, rate=rate, layout="stereo", options=options)
        if variant.bit_rate:
            out.bit_rate = variant.bit_rate
        out.format = av.AudioFormat(_SAMPLE_FORMATS[variant.codec])
        out.codec_context.open()
        convert = av.AudioResampler(out.format.name, "stereo", rate, frame_size=out.codec_context.frame_size or 4096)
        sent = 0
        for given in [*_frames(np.clip(samples, -1, 1)), None]:
            for frame in convert.resample(given):
                frame.pts, frame.time_base = sent, Fraction(1, rate)
                sent += frame.samples
                write.mux(out.encode(frame))
        write.mux(out.encode(None))
    part.rename(target)


def _frames(samples: Float32Array) -> Iterator[av.AudioFrame]:
    for start in range(0, samples.shape[1], 4096):
        part = np.ascontiguousarray(samples[:, start : start + 4096], np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        frame.rate, frame.pts, frame.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
        yield frame
