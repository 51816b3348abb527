"""The transcoder itself on real files: what comes out sounds as what went in and is as long. And its process."""

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from mutagen.mp3 import MP3, BitrateMode

from soniquebay.audio.reading.read import read_file
from soniquebay.transcoding.errors import EXIT_UNDECODABLE
from soniquebay.transcoding.formats import Format, Job, estimated_bytes, padding, usable_bit_rate
from tests.support.sounds import delay, level, pitch, samples_of, stairs, start_transcoder, transcoded, write

FORMATS: list[Format] = ["opus", "mp3", "aac", "flac"]
SECONDS = 4.2321  # no whole number of frames in any format


def job(format: Format, bit_rate: int | None = None, **more: object) -> Job:
    return Job(format, usable_bit_rate(format, bit_rate), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def flac(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("sounds") / "a.flac", stairs(SECONDS, 44100), 44100, "flac")


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_sounds_as_the_source_and_has_no_gaps(flac: Path, format: Format) -> None:
    samples, rate = samples_of(transcoded(flac, job(format)))
    source, source_rate = samples_of(flac)
    length = round(source.shape[1] * rate / source_rate)
    # Resampling may add one; FFmpeg's reader of fragments does not cut the last frame of AAC.
    assert length <= samples.shape[1] <= length + {"opus": 1, "aac": 1024}.get(format, 0)
    assert len(samples) == 2
    for second in range(4):
        assert abs(pitch(samples, rate, second + 0.1, second + 0.9) - (500 + 100 * second)) < 2
    assert abs(level(samples[:1, :length]) - level(source[:1])) < 0.2
    assert abs(level(samples[1:, :length]) - level(source[1:])) < 0.2
    # The change of tone after a second is where it was: no delay of the encoder is heard.
    for before, after in ((0.85, 0.99), (1.01, 1.15)):
        assert abs(pitch(samples, rate, before, after) - (500 if after < 1 else 600)) < 8
    if format == "flac":
        assert np.array_equal(samples, source)


def test_the_samples_are_in_time_with_those_of_the_source(flac: Path) -> None:
    source, _ = samples_of(flac)
    for format in ("mp3", "aac"):
        samples, _ = samples_of(transcoded(flac, job(format)))
        assert delay(samples, source) == 0


def test_mp3_and_flac_tell_their_length_at_the_beginning(flac: Path, tmp_path: Path) -> None:
    length = samples_of(flac)[0].shape[1]
    stream = transcoded(flac, job("flac"))
    assert struct.unpack(">Q", stream[18:26])[0] & (1 << 36) - 1 == length
    (tmp_path / "a.mp3").write_bytes(transcoded(flac, job("mp3", 128)))
    info: Any = MP3(tmp_path / "a.mp3").info
    assert (round(info.bitrate, -3), info.bitrate_mode) == (128000, BitrateMode.CBR)
    # mutagen takes off the delay and the padding.
    assert abs(info.length - length / 44100) < 0.001
    assert abs(read_file(str(tmp_path / "a.mp3")).sound.duration - length / 44100) < 0.06


@pytest.mark.parametrize("rate", [32000, 44100, 48000])
@pytest.mark.parametrize("samples", [1, 1151, 1152, 1153, 2304, 90_000])
def test_what_the_header_of_mp3_says_is_what_follows(tmp_path: Path, rate: int, samples: int) -> None:
    path = write(tmp_path / "a.wav", stairs(3, rate, channels=1)[:, :samples], rate, "pcm_s16le")
    for bit_rate in (32, 320):
        stream = transcoded(path, job("mp3", bit_rate))
        at = stream.index(b"Info")
        _, frames, size = struct.unpack(">III", stream[at + 4 : at + 16])
        with av.open(str(path_of(tmp_path, stream))) as container:
            packets = [packet for packet in container.demux(audio=0) if packet.size]
        assert (len(packets), abs(len(stream) - size) < 4) == (frames, True)
        assert samples_of(stream)[0].shape[1] == samples


def path_of(folder: Path, stream: bytes) -> Path:
    (folder / "stream").write_bytes(stream)
    return folder / "stream"


@pytest.mark.parametrize("format", ["opus", "mp3", "aac"])
def test_the_bit_rate_is_kept_and_the_length_is_not_more_than_estimated(tmp_path: Path, format: Format) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 20 * 44100))
    for sound in (noise, stairs(20, 44100)):
        path = write(tmp_path / "a.wav", sound, 44100, "pcm_s16le")
        for bit_rate in (32, 192, 320):
            plain = transcoded(path, job(format, bit_rate))
            constant = transcoded(path, job(format, bit_rate, is_constant=True))
            assert 0.6 < len(plain) / (bit_rate * 125 * 20) < 1.2
            estimate = estimated_bytes(job(format, bit_rate), 20)
            assert estimate is not None
            assert (0.6 if format == "aac" else 0.9) * estimate < len(constant) <= estimate, bit_rate
            samples, rate = samples_of(constant + padding(format, estimate - len(constant)))
            assert abs(samples.shape[1] / rate - 20) < 0.03


SOURCES = [
    ("a.wav", "pcm_u8", "u8", 44100, 2),
    ("a.wav", "pcm_s24le", "s32", 96000, 2),
    ("a.wav", "pcm_f32le", "flt", 48000, 1),
    ("a.aiff", "pcm_s16be", "s16", 44100, 2),
    ("a.flac", "flac", "s32", 96000, 2),
    ("a.flac", "flac", "s16", 48000, 6),
    ("a.flac", "flac", "s16", 22050, 1),
    ("a.flac", "flac", "s16", 8000, 1),
    ("a.m4a", "alac", "s16", 44100, 2),
    ("a.m4a", "aac", "fltp", 44100, 2),
    ("a.wv", "wavpack", "fltp", 44100, 2),
    ("a.tta", "tta", "s16", 44100, 2),
    ("a.wma", "wmav2", "fltp", 44100, 2),
    ("a.ac3", "ac3", "fltp", 48000, 6),
    ("a.mka", "flac", "s16", 44100, 2),
    ("a.ogg", "vorbis", "fltp", 44100, 2),
    ("a.opus", "libopus", "flt", 48000, 2),
    ("a.mp3", "libmp3lame", "fltp", 44100, 2),
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: "-".join(map(str, s[1:])))
def test_every_source_is_transcoded(tmp_path: Path, source: tuple[str, str, str, int, int]) -> None:
    name, codec, sample_format, rate, channels = source
    path = write(tmp_path / name, stairs(3, rate, channels), rate, codec, sample_format)
    for format in FORMATS:
        samples, to_rate = samples_of(transcoded(path, job(format)))
        assert len(samples) == (channels if format == "flac" else min(channels, 2))
        assert abs(samples.shape[1] / to_rate - 3) < 0.08, format
        assert to_rate == {"opus": 48000, "flac": rate}.get(format, to_rate)
        assert to_rate in {8000, 22050, 32000, 44100, 48000, 96000}
        assert abs(pitch(samples, to_rate, 1.2, 1.8) - 600) < 3
        assert -16 < level(samples[:1]) < -6.5, format


def test_24_bits_stay_24_bits(tmp_path: Path) -> None:
    for name, codec in (("a.flac", "flac"), ("a.wav", "pcm_s24le"), ("a.m4a", "alac")):
        path = write(tmp_path / name, stairs(1, 44100), 44100, codec, "s32")
        stream = transcoded(path, job("flac"))
        assert np.array_equal(samples_of(stream)[0], samples_of(path)[0]), name
        with av.open(str(path_of(tmp_path, stream))) as container:
            assert container.streams.audio[0].codec_context.format.name == "s32"


OFFSETS = [s for s in SOURCES if s[1] != "pcm_u8" and s[3] >= 44100]


@pytest.mark.parametrize("source", OFFSETS, ids=lambda s: "-".join(map(str, s[1:])))
def test_an_offset_leaves_out_as_much(tmp_path: Path, source: tuple[str, str, str, int, int]) -> None:
    name, codec, sample_format, rate, channels = source
    path = write(tmp_path / name, stairs(8, rate, channels), rate, codec, sample_format)
    for start in (0.5, 5.25):
        samples, to_rate = samples_of(transcoded(path, job("flac", start_seconds=start)))
        assert abs(samples.shape[1] / to_rate - (8 - start)) < 0.08
        expected = samples_of(transcoded(path, job("flac")))[0][:, round(start * to_rate) :]
        # The time stamps of Windows Media are those of packets of several frames.
        assert abs(delay(samples, expected)) <= (2048 if codec == "wmav2" else 0)


def test_parts_of_a_file_are_cut_where_the_sheet_says_and_join_without_a_gap(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", stairs(7, 44100), 44100, "flac")
    starts = [0.0, 157 / 75, 301 / 75]
    ends = [starts[1], starts[2], None]
    pieces = []
    for start, end in zip(starts, ends, strict=True):
        stream = transcoded(path, job("flac", start_seconds=start, seconds=None if end is None else end - start))
        pieces.append(samples_of(stream)[0])
    assert [piece.shape[1] for piece in pieces[:2]] == [157 * 588, 144 * 588]
    assert np.array_equal(np.concatenate(pieces, axis=1), samples_of(path)[0])


@pytest.mark.parametrize("format", FORMATS)
def test_a_gain_changes_the_level(flac: Path, format: Format) -> None:
    plain, _ = samples_of(transcoded(flac, job(format)))
    for gain in (-6.0, 3.5):
        louder, _ = samples_of(transcoded(flac, job(format, gain_db=gain)))
        assert abs(level(louder) - level(plain) - gain) < 0.1
        assert louder.shape == plain.shape


@pytest.mark.parametrize(
    ("name", "codec", "sample_format"),
    [("a.flac", "flac", "s16"), ("a.m4a", "alac", "s16"), ("a.wv", "wavpack", "fltp"), ("a.mp3", "libmp3lame", "fltp")],
)
def test_a_file_that_is_damaged_in_the_middle_is_played_around_the_damage(
    tmp_path: Path, name: str, codec: str, sample_format: str
) -> None:
    path = write(tmp_path / name, stairs(6, 44100), 44100, codec, sample_format)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 9000] = np.random.default_rng(1).bytes(9000)
    path.write_bytes(data)
    samples, rate = samples_of(transcoded(path, job("mp3")))
    assert 4.5 < samples.shape[1] / rate < 6.1
    assert abs(pitch(samples, rate, 1.2, 1.8) - 600) < 3
    assert abs(pitch(samples[:, ::-1], rate, 0.2, 0.8) - 1000) < 3


def test_a_file_that_ends_early_is_played_to_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", stairs(6, 44100), 44100, "flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for format in FORMATS:
        samples, rate = samples_of(transcoded(path, job(format)))
        assert 2 < samples.shape[1] / rate < 4


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("text.flac", b"not music at all, but text", "Invalid data"),
        ("empty.mp3", b"", "Invalid data"),
        ("broken.flac", b"fLaC" + os.urandom(4000), ""),
        ("list.mp3", b"#EXTM3U\n/etc/passwd\n", "Invalid data"),
    ],
)
def test_a_file_without_music_is_told(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    process = start_transcoder(tmp_path / name, job("mp3"))
    out, text = process.communicate(timeout=60)
    assert (process.returncode, out) == (EXIT_UNDECODABLE, b"")
    assert reason in text.decode() and b"Traceback" not in text


def test_a_file_without_an_audio_stream_is_told(tmp_path: Path) -> None:
    path = tmp_path / "video.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))
    process = start_transcoder(path, job("mp3"))
    assert process.communicate(timeout=60)[1] == b"it has no audio stream"
    assert process.returncode == EXIT_UNDECODABLE


def test_tags_that_a_demuxer_stumbles_over_are_left_out_on_request(flac: Path, tmp_path: Path) -> None:
    data = flac.read_bytes()
    path = tmp_path / "a.flac"
    # A comment block that states to be longer than it is.
    path.write_bytes(data[:4] + bytes([data[4] & 0x7F]) + data[5:42] + b"\x84\x7f\xff\xff" + data[42:])
    for without, code in ((False, EXIT_UNDECODABLE), (True, 0)):
        process = start_transcoder(path, job("flac", without_metadata=without))
        stream, _ = process.communicate(timeout=60)
        assert process.returncode == code
    assert samples_of(stream)[0].shape[1] > 3 * 44100


@pytest.mark.parametrize("format", FORMATS)
def test_the_process_makes_the_same_stream(flac: Path, format: Format) -> None:
    process = start_transcoder(flac, job(format))
    stream, reason = process.communicate(timeout=60)
    assert (process.returncode, reason) == (0, b"")
    assert stream == transcoded(flac, job(format))


def status(process: subprocess.Popen[bytes]) -> dict[str, str]:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


@pytest.fixture
def long(tmp_path: Path) -> Path:
    return write(tmp_path / "long.flac", stairs(120, 44100), 44100, "flac")


def test_it_waits_for_the_reader_gives_way_and_has_given_up_what_it_does_not_need(long: Path) -> None:
    process = start_transcoder(long, job("flac"))
    assert process.stdout is not None
    try:
        process.stdout.read(150_000)
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        assert [line.split()[3:5] for line in limits.splitlines() if "open files" in line] == [["0", "0"]]
        assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 5
        assert Path(f"/proc/{process.pid}/oom_score_adj").read_text() == "1000\n"
        state = status(process)
        assert state["NoNewPrivs"] == "1"
        assert int(state["VmHWM"].split()[0]) < 100_000
        written = int(Path(f"/proc/{process.pid}/io").read_text().split("wchar: ")[1].split()[0])
        assert 150_000 < written < 400_000
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("format", FORMATS)
def test_it_ends_when_nobody_reads_any_more(long: Path, format: Format) -> None:
    process = start_transcoder(long, job(format))
    assert process.stdout is not None
    process.stdout.read(1)
    process.stdout.close()
    assert process.wait(5) == 0


def test_it_ends_with_the_process_that_has_started_it(long: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tests.support.sounds import start_transcoder, Job;"
        "p = start_transcoder(Path(sys.argv[1]), Job('flac')); p.stdout.read(1);"
        "print(p.pid, flush=True); time.sleep(60)"
    )

    parent = subprocess.Popen([sys.executable, "-c", code, str(long)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = Path("/proc", parent.stdout.readline().strip())
    assert child.exists()
    os.kill(int(child.name), signal.SIGSTOP)  # else it would notice that nobody reads any more
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    for _ in range(50):
        if not child.exists() or "Z (zombie)" in (child / "status").read_text():
            return

        time.sleep(0.02)
    raise AssertionError("it lives on")
