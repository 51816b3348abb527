"""The length of a file whose header states none, by FFmpeg's demuxers (PyAV): packets are looked at, not decoded."""

# FFmpeg's names of the demuxers that may be opened. Among the others are those of playlists, which open further files.
DEMUXERS = "aac,ac3,aiff,ape,asf,dsf,dts,eac3,flac,iff,matroska,mov,mp3,mpc,mpc8,ogg,tta,w64,wav,wv"


def demuxed_duration(path: str) -> float:
    """Return the seconds from the first to the end of the last packet of sound; 0.0 if there is none."""
    import av  # it is large, and hardly ever needed here

    first: float | None = None
    end = 0.0
    try:
        with av.open(path, metadata_errors="replace", options={"format_whitelist": DEMUXERS}) as container:
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
