"""Encoders, and what stands before and around their packets in a stream that cannot be rewound."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import chain

import av

from soniquebay.transcoding.formats import Job
from soniquebay.transcoding.headers import flac_header, mp3_info_frame
from soniquebay.transcoding.sample_format import SampleFormat

Write = Callable[[bytes], object]

_ENCODERS = {"opus": "libopus", "mp3": "libmp3lame", "aac": "aac", "flac": "flac"}
_OPTIONS: dict[str, dict[str, str]] = {
    # Three times as fast as LAME's default, and no difference is heard at these bit rates.
    "mp3": {"compression_level": "7"},
    # Unconstrained, a single tone takes twice the bit rate.
    "opus": {"application": "audio", "vbr": "constrained"},
    "flac": {"compression_level": "5"},
    "aac": {},
}
# A page or fragment is sent when it is complete, so none may last long.
_CONTAINERS = {
    # Without bitexact the stream gets a random number. Where no file can be opened, FFmpeg takes 0.2 s to make one.
    "opus": ("ogg", {"page_duration": "500000", "fflags": "+bitexact"}),
    # The header waits for the first packet, which tells what the encoder has put before the sound.
    "aac": ("ipod", {"movflags": "empty_moov+delay_moov+default_base_moof", "frag_duration": "500000"}),
}


def encode(
    frames: Iterable[av.AudioFrame], job: Job, sample_format: SampleFormat, samples: int | None, write: Write
) -> None:
    """Encode frames to the format of a job, and write the stream piece by piece.

    `samples` is how many the frames will have; None if that is not known. MP3 and FLAC tell it at their beginning, so
    that a player knows the length, and leaves out what an encoder adds.
    """
    if job.format in _CONTAINERS:
        _encode_in_container(frames, job, sample_format, write)
    else:
        _encode_plain(frames, job, sample_format, samples, write)


def _configure(context: av.AudioCodecContext, job: Job, sample_format: SampleFormat) -> None:
    options = dict(_OPTIONS[job.format])
    if job.format == "opus" and job.is_constant:
        options["vbr"] = "off"
    context.options = options
    context.thread_count = 1
    if job.bit_rate_kbits is not None:
        context.bit_rate = job.bit_rate_kbits * 1000
    context.sample_rate = sample_format.sample_rate
    context.format = av.AudioFormat(sample_format.name)
    context.layout = av.AudioLayout(sample_format.layout)
    context.time_base = Fraction(1, sample_format.sample_rate)


class _Pipe:
    """What PyAV writes to: a file that can neither be read nor rewound."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        self._write(bytes(data))
        return len(data)


def _encode_in_container(frames: Iterable[av.AudioFrame], job: Job, sample_format: SampleFormat, write: Write) -> None:
    name, options = _CONTAINERS[job.format]
    output = av.open(_Pipe(write), "w", format=name, options=options)
    stream = output.add_stream(_ENCODERS[job.format], rate=sample_format.sample_rate, layout=sample_format.layout)
    assert isinstance(stream, av.AudioStream)  # noqa: S101 - it was made by the name of an audio encoder
    _configure(stream.codec_context, job, sample_format)
    for frame in frames:
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
    output.close()  # not after an error, which another one would hide then


def _encode_plain(
    frames: Iterable[av.AudioFrame], job: Job, sample_format: SampleFormat, samples: int | None, write: Write
) -> None:
    """Write the packets one after the other: in MP3 and FLAC they need no container."""
    context = av.CodecContext.create(_ENCODERS[job.format], "w")
    assert isinstance(context, av.AudioCodecContext)  # noqa: S101 - as above
    _configure(context, job, sample_format)
    context.open()
    if job.format == "flac":
        write(flac_header(context.extradata or b"", samples))
    needs_info = job.format == "mp3" and samples is not None
    for frame in chain(frames, (None,)):
        for packet in context.encode(frame):
            if not packet.size:
                continue  # FLAC's last one has the encoder's final figures, which came too late
            data = bytes(packet)
            if needs_info:
                write(mp3_info_frame(data, samples or 0))
                needs_info = False
            write(data)
