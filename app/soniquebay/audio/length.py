"""The length of the sound that is in a file, by the time stamps of its last packets. Headers may state another one."""

from io import RawIOBase

import av

from soniquebay.audio.reading.demuxed import demuxed_duration, open_demuxed

# FFmpeg's demuxers whose packets have time stamps of their own, also after a seek. MP3, AAC, AC-3, WAV and Ogg are
# measured where they are read.
_STAMPED = frozenset({"aiff", "asf", "flac", "matroska", "mov", "tta", "wv"})
_TAIL_SECONDS = 3.0


def measured_length(path: str | RawIOBase) -> float | None:
    """Return the length of the file at `path` (Python's file-system string) in seconds, None if it cannot be told.

    Only the last seconds are read, unless there is nothing where the header says that they are.
    """
    try:
        with open_demuxed(path) as container:
            if not container.streams.audio or container.format.name.partition(",")[0] not in _STAMPED:
                return None
            length = _end_by_seeking(container)
    except (av.FFmpegError, OSError, ValueError, OverflowError):
        return None
    return length or demuxed_duration(path) or None


def _end_by_seeking(container: "av.container.InputContainer") -> float:
    """Return the seconds from the first to the last packet; 0.0 if no packet is found near the stated end."""
    stream = container.streams.audio[0]
    time_base = float(stream.time_base or 0)
    end = 0
    try:
        container.seek(max(0, int((container.duration or 0) - _TAIL_SECONDS * av.time_base)))
        for packet in container.demux(stream):
            if packet.pts is not None:
                end = max(end, packet.pts + (packet.duration or 0))
    except av.FFmpegError:
        pass  # the file ends within a packet
    return (end - (stream.start_time or 0)) * time_base if end else 0.0
