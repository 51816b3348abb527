"""The beginnings of MP3 and FLAC streams that tell how long the sound is."""

import math
import struct

from soniquebay.transcoding.formats import MP3_BIT_RATES_KBITS

MP3_FRAME_SAMPLES = 1152
MP3_DELAY_SAMPLES = 576  # that LAME puts before the sound; decoders add 529 and know that

_MP3_RATES_HZ = (44_100, 48_000, 32_000)
_MONO = 0xC0
_SIDE_INFORMATION_BYTES = {False: 32, True: 17}  # by whether it is mono
_INFO_BYTES = 156  # from "Info" to the checksum
_ALL_FIELDS = 0x0F
_STREAMINFO_BYTES = 34
_LAST_BLOCK = 0x80
_TOTAL_SAMPLES = slice(10, 18)
_TOTAL_SAMPLES_BITS = 36


def flac_header(streaminfo: bytes, samples: int | None) -> bytes:
    """Return what stands before the frames of a FLAC stream (RFC 9639, section 8), with the number of its samples."""
    block = bytearray(streaminfo[:_STREAMINFO_BYTES])
    if samples is not None and samples < 1 << _TOTAL_SAMPLES_BITS:
        (field,) = struct.unpack(">Q", block[_TOTAL_SAMPLES])
        block[_TOTAL_SAMPLES] = struct.pack(">Q", field >> _TOTAL_SAMPLES_BITS << _TOTAL_SAMPLES_BITS | samples)
    return b"fLaC" + bytes([_LAST_BLOCK]) + len(block).to_bytes(3, "big") + bytes(block)


def mp3_frames(samples: int) -> int:
    """Return how many frames LAME makes of so many samples."""
    return math.ceil(samples / MP3_FRAME_SAMPLES) + 1


def mp3_info_frame(first_frame: bytes, samples: int) -> bytes:
    """Return the silent frame before an MP3 stream of constant bit rate ("Info", as LAME writes it).

    It states the number of frames and bytes, and how many samples the encoder has added at the beginning and the end.
    `first_frame` is the stream's own first one, `samples` how many the sound has without these additions.
    """
    rate = _MP3_RATES_HZ[first_frame[2] >> 2 & 3]
    bit_rate = MP3_BIT_RATES_KBITS[(first_frame[2] >> 4) - 1] * 1000
    is_mono = first_frame[3] & _MONO == _MONO
    side_information = _SIDE_INFORMATION_BYTES[is_mono]
    least = 4 + side_information + _INFO_BYTES
    # Of few bits the frame would be too short for the whole field, whose end players look for at a fixed place.
    own = next(
        n for n, kbits in enumerate(MP3_BIT_RATES_KBITS) if kbits * 1000 >= bit_rate and _size(kbits, rate) >= least
    )
    size = _size(MP3_BIT_RATES_KBITS[own], rate)
    frames = mp3_frames(samples)
    padding = frames * MP3_FRAME_SAMPLES - MP3_DELAY_SAMPLES - samples
    total = size + frames * 144 * bit_rate // rate
    header = bytes([first_frame[0], first_frame[1], (own + 1) << 4 | first_frame[2] & 0x0C, first_frame[3]])
    places = bytes(n * 256 // 100 for n in range(100))  # of each hundredth of the time among the bytes
    info = b"Info" + struct.pack(">III", _ALL_FIELDS, frames, min(total, 0xFFFFFFFF)) + places + bytes(4)
    encoder = b"LAME3.100" + bytes([0x01, 0]) + bytes(8) + bytes([0, min(bit_rate // 1000, 255)])
    gaps = (MP3_DELAY_SAMPLES << 12 | padding).to_bytes(3, "big")
    stated = encoder + gaps + bytes(4) + struct.pack(">I", min(total, 0xFFFFFFFF)) + bytes(2)
    frame = header + bytes(side_information) + info + stated
    frame += _crc16(frame).to_bytes(2, "big")
    return frame + bytes(size - len(frame))


def _size(kbits: int, rate: int) -> int:
    return 144 * kbits * 1000 // rate


def _crc16(data: bytes) -> int:
    """Return the CRC-16 with the polynomial 0x8005, reflected, by which the tag checks itself."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
