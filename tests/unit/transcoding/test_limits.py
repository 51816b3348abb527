"""The limits of a transcoder's process: real files reach them."""

import asyncio
import os
import struct
import sys
from pathlib import Path

import pytest

from soniquebay.api import transcoders
from soniquebay.transcoding.confinement import MAX_MEMORY_MIB
from soniquebay.transcoding.formats import Job
from tests.support.sounds import samples_of, stairs, write

MIB = 1 << 20
SECONDS = 3


def start_with(**limits: int) -> tuple[str, ...]:
    """Return the command of a transcoder whose limits are others."""
    code = (
        "import os, sys; from soniquebay.transcoding import __main__ as program, confinement;"
        f"vars(confinement).update({limits});"
        "code = program.main(*sys.argv[1:]); sys.stderr.flush(); os._exit(code)"
    )
    return (sys.executable, "-S", "-P", "-c", code)


def stream_of(path: Path, job: Job) -> tuple[bytes, str]:
    """Return what the API gets from a transcoder, and the error that ends it."""
    return asyncio.run(_stream_of(path, job))


async def _stream_of(path: Path, job: Job) -> tuple[bytes, str]:
    stream = bytearray()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        async with transcoders.Transcoders().slot() as slot:
            transcoder = await slot.start(job, descriptor)
            while data := await transcoder.read():
                stream += data
    except transcoders.TranscoderError as error:
        return bytes(stream), f"{type(error).__name__}: {error}"
    finally:
        os.close(descriptor)
    return bytes(stream), ""


def alac_with_header_of(path: Path, header_bytes: int) -> Path:
    """Write ALAC in MP4 whose header of the decoder has so many bytes more, which FFmpeg reads into memory."""
    data = bytearray(write(path, stairs(SECONDS, 44100), 44100, "alac").read_bytes())
    at = 0
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"alac", b"alac"):
        at = data.index(name, at)
        (size,) = struct.unpack_from(">I", data, at - 4)
        struct.pack_into(">I", data, at - 4, size + header_bytes)
        end = at - 4 + size
        at += 4
    with path.open("wb") as file:
        file.write(data[:end])
        file.seek(header_bytes, os.SEEK_CUR)
        file.write(data[end:])
    return path


def test_a_file_that_needs_more_memory_than_allowed_is_refused_in_words(tmp_path: Path) -> None:
    stream, error = stream_of(alac_with_header_of(tmp_path / "a.m4a", 20 * MIB), Job("flac"))
    samples, rate = samples_of(stream)
    assert (error, samples.shape[1]) == ("", SECONDS * rate)
    refused = stream_of(alac_with_header_of(tmp_path / "b.m4a", (MAX_MEMORY_MIB + 8) * MIB), Job("flac"))
    assert refused == (b"", f"UndecodableError: it needs more than {MAX_MEMORY_MIB} MiB of memory")


def test_a_decoder_that_takes_too_much_processor_time_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.flac", stairs(240, 44100, 1), 44100, "flac")
    monkeypatch.setattr(transcoders, "COMMAND", start_with(MAX_CPU_SECONDS=1))
    stream, error = stream_of(path, Job("aac", 192))
    assert stream
    assert error == "TranscoderError: it was killed by signal 9"
