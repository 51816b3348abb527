"""Transcoding one open file: decoding, cutting, converting and encoding, frame by frame."""

import io
from fractions import Fraction

import av

from soniquebay.audio.reading.demuxed import open_demuxed
from soniquebay.transcoding.encoding import Write, encode
from soniquebay.transcoding.errors import UndecodableSoundError
from soniquebay.transcoding.formats import Job
from soniquebay.transcoding.sample_format import convert, sample_format_for
from soniquebay.transcoding.source import Source

_DAMAGED = "the file is damaged"
_ERROR_WITHOUT_TEXT = "Error number"  # how FFmpeg's message begins for an error that it cannot describe


def transcode(file: io.RawIOBase, job: Job, write: Write) -> None:
    """Write the sound of a file, as a job says, piece by piece.

    Raises `UndecodableSoundError` when there is none, ``OSError`` when the file cannot be read, ``MemoryError`` when it
    needs more memory than there is, and what `write` raises.
    """
    try:
        source = Source(open_demuxed(file))
        sample_format = sample_format_for(job.format, source)
        frames = convert(source.frames(Fraction(job.start_seconds)), job, sample_format)
        encode(frames, job, sample_format, _samples(source, job, sample_format.sample_rate), write)
    except (OSError, MemoryError):  # some of FFmpeg's errors, too: those of the system
        raise
    except (av.FFmpegError, ValueError, OverflowError) as error:
        text = str(getattr(error, "strerror", None) or _DAMAGED)
        raise UndecodableSoundError(_DAMAGED if _ERROR_WITHOUT_TEXT in text else text) from error


def _samples(source: Source, job: Job, sample_rate: int) -> int | None:
    """Return how many samples there will be at a rate; None if the file does not state its length."""
    start = Fraction(job.start_seconds)
    stated = None if source.seconds is None else max(source.seconds - start, Fraction(0))
    if job.seconds is None:
        seconds = stated
    else:
        seconds = Fraction(job.seconds) if stated is None else min(Fraction(job.seconds), stated)
    return None if seconds is None else round((start + seconds) * sample_rate) - round(start * sample_rate)
