"""FFmpeg's demuxers (PyAV), and the length of a file whose header states none: packets are looked at, not decoded."""

from io import RawIOBase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import InputContainer

# FFmpeg's names of the demuxers that may be opened. Among the others are those of playlists, which open further files.
_DEMUXERS = "aac,ac3,aiff,ape,asf,dsf,dts,eac3,flac,iff,matroska,mov,mp3,mpc,mpc8,ogg,tta,w64,wav,wv"


def open_demuxed(file: str | RawIOBase) -> "InputContainer":
    """Open a path (Python's file-system string) or a file. Raises ``av.FFmpegError``."""
    import av  # it is large, and hardly ever needed where files are read

    if not isinstance(file, str):
        file.seek(0)  # it may have been opened before
    return av.open(file, "r", metadata_errors="replace", options={"format_whitelist": _DEMUXERS})


def demuxed_duration(path: str | RawIOBase) -> float:
    """Return the seconds from the first to the end of the last packet of sound; 0.0 if there is none."""
    import av  # as above

    first: float | None = None
    end = 0.0
    try:
        with open_demuxed(path) as container:
            if not container.streams.audio:
                return 0.0
            for packet in container.demux(container.streams.audio[0]):
                if packet.pts is None or packet.time_base is None:
                    continue
                start = float(packet.pts * packet.time_base)
                first = start if first is None else first
                end = max(end, start + float((packet.duration or 0) * packet.time_base))
    except (av.FFmpegError, OSError, ValueError, OverflowError):
        pass  # up to here it is music
    return end - first if first is not None else 0.0
