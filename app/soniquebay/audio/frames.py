"""The decoded frames of a stream of sound, around what is damaged."""

from collections.abc import Iterator

import av


def decoded_frames(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    """Yield the frames from the present position of a container to the end.

    A damaged packet costs its own frames. What cannot be read raises ``OSError``, as FFmpeg's errors of the system do;
    these include ``av.error.InterruptedError`` and ``av.error.MemoryError``.
    """
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.error.InvalidDataError, av.error.PatchWelcomeError):
            return  # the demuxer finds no further packet: the frames so far are the music
        if packet is None:
            return
        try:
            frames = packet.decode()
        except (av.error.MemoryError, av.error.InterruptedError):
            raise
        except av.FFmpegError:  # damage makes decoders complain of all kinds of things
            continue  # only the few milliseconds of a damaged packet are lost, or a tag behind the sound
        yield from frames
