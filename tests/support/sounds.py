"""Sounds whose every second can be told from the others, in files of any format, and what a stream sounds like."""

import io
import os
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from soniquebay.api.transcoders import COMMAND, environment
from soniquebay.transcoding.formats import Job
from soniquebay.transcoding.transcode import transcode

Samples = NDArray[np.float64]  # (channels, samples), full scale is 1


def stairs(seconds: float, rate: int, channels: int = 2, level: float = 0.5) -> Samples:
    """Return a tone that is 100 Hz higher in each second, 500 Hz in the first; the right channel is half as loud."""
    t = np.arange(round(seconds * rate)) / rate
    tone = level * np.sin(2 * np.pi * (500 + 100 * np.floor(t)) * t)
    return np.stack([tone / (1 + n % 2) for n in range(channels)])


def write(path: Path, samples: Samples, rate: int, codec: str, sample_format: str = "s16", **options: str) -> Path:
    """Encode samples to a file."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(samples)]
    container = {".m4a": "ipod", ".aac": "adts"}.get(path.suffix)
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental", **options})
        if codec == "wmav2":
            stream.bit_rate = 128_000
        if sample_format in {"s16", "s32"}:
            kind = np.int16 if sample_format == "s16" else np.int32
            packed = np.round(samples.T * np.iinfo(kind).max).astype(kind).reshape(1, -1)
            if sample_format == "s32":
                packed &= ~0xFF  # 24 bits
            stream.format = av.AudioFormat({"alac": sample_format + "p"}.get(codec, sample_format))
        else:
            packed = samples.T.astype(np.float32).reshape(1, -1)
            sample_format = "flt"
        frame = av.AudioFrame.from_ndarray(packed, format=sample_format, layout=layout)
        frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def samples_of(sound: Path | bytes) -> tuple[Samples, int]:
    """Return the decoded samples of a file or a stream, and their rate."""
    parts = []
    rate = 0
    with av.open(io.BytesIO(sound) if isinstance(sound, bytes) else str(sound)) as container:
        for frame in container.decode(audio=0):
            rate = frame.sample_rate
            data = frame.to_ndarray()
            if not frame.format.is_planar:
                data = data.reshape(-1, frame.layout.nb_channels).T
            parts.append(data / (1 if data.dtype.kind == "f" else float(np.iinfo(data.dtype).max)))
    return np.concatenate(parts, axis=1), rate


def pitch(samples: Samples, rate: int, begin: float, end: float) -> float:
    """Return the strongest frequency (Hz) between two times (seconds)."""
    part = samples[0, round(begin * rate) : round(end * rate)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(part.size)))
    return float(np.argmax(spectrum) * rate / part.size)


def level(samples: Samples) -> float:
    """Return how loud samples are, in dB of full scale."""
    return float(20 * np.log10(np.sqrt(np.mean(samples**2))))


def start_transcoder(path: Path, job: Job) -> subprocess.Popen[bytes]:
    """Start the transcoder as the API does."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return subprocess.Popen(
            [*COMMAND, job.to_json(), str(descriptor), str(os.getpid())],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=(descriptor,), env=environment(),
        )  # fmt: skip
    finally:
        os.close(descriptor)


def transcoded(path: Path, job: Job) -> bytes:
    """Return the stream that the transcoder makes of a file, in this process."""
    stream = bytearray()
    with io.FileIO(path) as file:
        transcode(file, job, stream.extend)
    return bytes(stream)


def delay(samples: Samples, expected: Samples) -> int:
    """Return by how many samples something is later than expected, from -16384 to 16384."""
    size = 1 << 16
    spectrum = np.fft.rfft(samples[0, :size], size) * np.conj(np.fft.rfft(expected[0, :size], size))
    best = int(np.argmax(np.fft.irfft(spectrum, size)))
    return best if best < size // 2 else best - size
