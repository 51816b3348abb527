"""Decoding around damage."""

from pathlib import Path

import numpy as np
import pytest

from soniquebay.audio.decode import SAMPLE_RATE_HZ, decode_segments
from tests.support.audio_files import tone


@pytest.mark.parametrize("name", ["a.flac", "a.m4a", "a.mp3", "a.ogg", "a.opus", "a.wv"])
def test_a_file_that_is_damaged_in_the_middle_is_decoded_around_the_damage(tmp_path: Path, name: str) -> None:
    path = tone(tmp_path / name, seconds=6)
    whole = sum(segment.shape[1] for segment in decode_segments(str(path)))
    content = bytearray(path.read_bytes())
    middle, count = len(content) // 2, len(content) // 20
    content[middle : middle + count] = np.random.default_rng(1).bytes(count)
    path.write_bytes(content)
    kept = sum(segment.shape[1] for segment in decode_segments(str(path)))
    assert 0.6 * whole < kept <= whole + SAMPLE_RATE_HZ / 10


def test_damage_of_alac_costs_the_damaged_part_alone(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="ipod") as output:
        stream = output.add_stream("alac", rate=44100, layout="stereo")
        noise = np.random.default_rng(2).integers(-9000, 9000, (1, 2 * 6 * 44100), dtype=np.int16)
        for start in range(0, noise.shape[1], 8192):
            frame = av.AudioFrame.from_ndarray(noise[:, start : start + 8192], format="s16", layout="stereo")
            frame.sample_rate = 44100
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40_000] = np.random.default_rng(1).bytes(40_000)
    path.write_bytes(content)
    assert 4.5 < sum(segment.shape[1] for segment in decode_segments(str(path))) / SAMPLE_RATE_HZ < 6.1
