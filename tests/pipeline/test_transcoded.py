"""Transcoded tracks over HTTP: real files, real processes, and what happens when one of them ends early."""

import math
import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from mutagen.flac import FLAC

from soniquebay.api.transcoders import MAX_TRANSCODERS
from tests.pipeline.test_playing import open_files, path_of, slow_stream, url_of
from tests.support.rare_audio import DSD_RATE_HZ, dsd_bits, dsdiff, dsf
from tests.support.sounds import delay, level, pitch, samples_of, stairs, write
from tests.support.stack import Stack, children, wait_until

SHEET = """PERFORMER "P"
TITLE "T"
FILE "whole.flac" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Second / half"
    INDEX 01 00:02:11
  TRACK 03 AUDIO
    TITLE "Third"
    INDEX 01 00:04:50
"""
SECONDS = 6.0
SAMPLES = Path(__file__).parents[1] / "support/samples"
RARE_SECONDS = 2.0
LEVEL_DB = 20 * math.log10(0.5 / math.sqrt(2))  # of the left channel of `stairs`
# What browsers do not play: title, media type, what is lost of the length (seconds), and of the level (dB).
NOT_PLAYED = [
    ("Apple.m4a", "audio/flac", 0.0, 0.01),
    ("Aiff.aiff", "audio/flac", 0.0, 0.01),
    ("Wavpack.wv", "audio/flac", 0.0, 0.01),
    ("Tta.tta", "audio/flac", 0.0, 0.01),
    ("Monkey.ape", "audio/flac", 0.0, 0.01),
    ("Dsf.dsf", "audio/flac", 0.0, 0.1),
    ("Dsdiff.dff", "audio/flac", 0.0, 0.1),
    ("Wma.wma", "audio/mpeg", 0.05, 0.5),
    ("Musepack.mpc", "audio/mpeg", 0.05, 0.5),
    ("Dolby.ac3", "audio/mpeg", 0.05, 0.5),
    ("Layer2.mp2", "audio/mpeg", 0.05, 0.5),
    ("Matroska.mka", "audio/flac", 0.0, 0.01),
    ("Adpcm.wav", "audio/mpeg", 0.05, 0.5),
]


def write_not_played(folder: Path) -> None:
    """Write a file of each format of `NOT_PLAYED`, `RARE_SECONDS` of `stairs`."""
    sound = stairs(RARE_SECONDS, 44100)
    for name, codec, sample_format in (
        ("Apple.m4a", "alac", "s16"),
        ("Aiff.aiff", "pcm_s16be", "s16"),
        ("Wavpack.wv", "wavpack", "fltp"),
        ("Tta.tta", "tta", "s16"),
        ("Wma.wma", "wmav2", "fltp"),
        ("Dolby.ac3", "ac3", "fltp"),
        ("Layer2.mp2", "mp2", "s16"),
        ("Matroska.mka", "flac", "s16"),
        ("Adpcm.wav", "adpcm_ms", "s16"),
    ):
        write(folder / name, sound, 44100, codec, sample_format)
    shutil.copy(SAMPLES / "stairs.ape", folder / "Monkey.ape")
    shutil.copy(SAMPLES / "stairs.mpc", folder / "Musepack.mpc")
    bits = dsd_bits(stairs(RARE_SECONDS, DSD_RATE_HZ))
    (folder / "Dsf.dsf").write_bytes(dsf(bits=bits))
    (folder / "Dsdiff.dff").write_bytes(dsdiff(bits=bits))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    music = tmp_path_factory.mktemp("music")
    sound = stairs(SECONDS, 44100)
    write(music / "Alac.m4a", sound, 44100, "alac")
    write(music / "Aac.m4a", sound, 44100, "aac", "fltp")
    (music / "rare").mkdir()
    write_not_played(music / "rare")
    loud = FLAC(write(music / "Flac.flac", sound, 44100, "flac"))
    loud["replaygain_track_gain"], loud["replaygain_track_peak"] = "-5.50 dB", "0.5"
    loud["replaygain_album_gain"], loud["replaygain_album_peak"] = "+12.00 dB", "0.5"
    loud.save()
    write(music / "whole.flac", sound, 44100, "flac")
    (music / "whole.cue").write_text(SHEET)
    write(music / "Long.flac", stairs(600, 44100, 1), 44100, "flac")
    broken = write(music / "Broken.flac", sound, 44100, "flac")
    hidden = write(music / "Hidden.flac", sound, 44100, "flac")
    running = Stack(music, tmp_path_factory.mktemp("data"))
    try:
        running.cli("scan", "--wait")
        broken.write_bytes(b"fLaC" + os.urandom(5000))
        data = hidden.read_bytes()
        # A comment block that states to be longer than it is: FFmpeg alone refuses it.
        hidden.write_bytes(data[:4] + bytes([data[4] & 0x7F]) + data[5:42] + b"\x84\x7f\xff\xff" + data[42:])
        yield running
    finally:
        running.stop()


def transcoders(stack: Stack) -> list[int]:
    """Return the ids of the transcoders that run, also of ended ones that nobody has waited for."""
    return [
        pid for pid in children(stack.program("api"))
        if b"soniquebay.transcoding" in Path(f"/proc/{pid}/cmdline").read_bytes() or is_zombie(pid)
    ]  # fmt: skip


class Listener:
    """Somebody who has heard the beginning of a stream."""

    def __init__(self, url: str) -> None:
        self._stream = slow_stream(url)
        self._chunks = self._stream.__enter__()
        assert next(self._chunks).startswith(b"OggS")

    def leave(self) -> None:
        self._stream.__exit__(None, None, None)


def is_zombie(pid: int) -> bool:
    return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


def play(stack: Stack, title: str, what: str = "stream", **params: Any) -> httpx.Response:
    return httpx.get(url_of(stack, stack.tracks()[title], what), params=params, timeout=30)


@pytest.mark.parametrize("name, media_type, lost_seconds, lost_db", NOT_PLAYED, ids=str)
def test_what_browsers_do_not_play_is_transcoded_unless_the_file_itself_is_asked_for(
    own: Stack, name: str, media_type: str, lost_seconds: float, lost_db: float
) -> None:
    track = next(t for t in own.tracks().values() if t["path"].endswith(f"rare/{name}"))
    url = url_of(own, track)
    answer = httpx.get(url, timeout=30)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.headers["accept-ranges"] == "none"
    assert "content-length" not in answer.headers
    assert abs(float(answer.headers["x-content-duration"]) - RARE_SECONDS) < 0.1
    samples, rate = samples_of(answer.content)
    assert abs(samples.shape[1] / rate - RARE_SECONDS) <= lost_seconds + 1 / rate
    for second in (0, 1):
        assert abs(pitch(samples, rate, second + 0.2, second + 0.8) - (500 + 100 * second)) < 3
    left, right = (level(samples[n : n + 1, : round(1.9 * rate)]) for n in (0, 1))
    assert abs(left - LEVEL_DB) < lost_db
    assert abs(left - right - 20 * math.log10(2)) < lost_db
    content = path_of(track).read_bytes()
    assert httpx.get(url, params={"format": "raw"}).content == content
    assert httpx.get(url_of(own, track, "download")).content == content
    wait_until(lambda: not transcoders(own) and not open_files(own), 5)


def test_what_browsers_play_is_sent_as_it_is(own: Stack) -> None:
    for title in ("Aac", "Flac"):
        answer = play(own, title)
        assert answer.content == path_of(own.tracks()[title]).read_bytes()
        assert answer.headers["accept-ranges"] == "bytes"
    assert play(own, "Flac", format="flac", gain="off").headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("format", "media_type"),
    [("opus", "audio/ogg; codecs=opus"), ("mp3", "audio/mpeg"), ("aac", "audio/mp4"), ("flac", "audio/flac")],
)
def test_a_format_a_bit_rate_and_an_offset_can_be_asked_for(own: Stack, format: str, media_type: str) -> None:
    for bit_rate in (64, 192):
        answer = play(own, "Alac", format=format, bit_rate=bit_rate, offset=1.5)
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
        assert abs(float(answer.headers["x-content-duration"]) - 4.5) < 0.01
        samples, rate = samples_of(answer.content)
        assert abs(samples.shape[1] / rate - 4.5) < 0.03
        assert abs(pitch(samples, rate, 0.6, 1.4) - 700) < 3
        if format != "flac":
            assert 0.5 < len(answer.content) / (bit_rate * 125 * 4.5) < 1.15


@pytest.mark.parametrize("format", ["opus", "mp3", "aac"])
def test_an_estimated_length_is_the_length_of_the_answer(own: Stack, format: str) -> None:
    answer = play(own, "Flac", format=format, bit_rate=128, estimate_length=True)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert 1 < len(answer.content) / (128 * 125 * SECONDS) < 1.2
    samples, rate = samples_of(answer.content)
    assert abs(samples.shape[1] / rate - SECONDS) < 0.03
    head = httpx.head(url_of(own, own.tracks()["Flac"]), params={"format": format, "bit_rate": 128,
                                                                 "estimate_length": True})  # fmt: skip
    assert head.headers["content-length"] == answer.headers["content-length"]


def test_head_starts_no_transcoder(own: Stack) -> None:
    track = own.tracks()["Alac"]
    answer = httpx.head(url_of(own, track))
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "audio/flac")
    assert "content-length" not in answer.headers
    assert not transcoders(own)
    assert not open_files(own)


def test_replay_gain_is_applied_on_request_and_does_not_clip(own: Stack) -> None:
    plain = level(samples_of(play(own, "Flac").content)[0])
    for gain, expected in (("track", -5.5), ("album", 6.02)):  # of +12 dB, as far as the peak allows
        samples, _ = samples_of(play(own, "Flac", gain=gain).content)
        assert abs(level(samples) - plain - expected) < 0.05
        assert np.abs(samples).max() <= 1
    assert play(own, "Alac", gain="track", format="aac").status_code == 200


def test_tracks_of_a_cue_sheet_are_cut_to_the_sample(own: Stack) -> None:
    whole, rate = samples_of(own.music / "whole.flac")
    pieces = []
    for title, seconds in (("First", 161 / 75), ("Second / half", 189 / 75), ("Third", 6 - 350 / 75)):
        answer = play(own, title)
        assert answer.headers["content-type"] == "audio/flac"
        assert abs(float(answer.headers["x-content-duration"]) - seconds) < 0.002
        pieces.append(samples_of(answer.content)[0])
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)
    samples, to_rate = samples_of(play(own, "Second / half", format="mp3", offset=0.5).content)
    assert to_rate == rate
    assert samples.shape[1] == 189 * 588 - 22050
    assert delay(samples, whole[:, 161 * 588 + 22050 :]) == 0
    answer = play(own, "Second / half", "download")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''02%20Second%20_%20half.flac"
    assert np.array_equal(samples_of(answer.content)[0], pieces[1])


def test_wrong_requests_are_refused(own: Stack) -> None:
    for wrong in ({"format": "wav"}, {"bit_rate": 5}, {"bit_rate": 5000}, {"offset": -1}, {"offset": "nan"},
                  {"gain": "loud"}, {"format": "raw", "offset": 2}, {"format": "raw", "gain": "track"}):  # fmt: skip
        assert play(own, "Flac", **wrong).status_code == 422, wrong
    assert play(own, "First", format="raw").status_code == 422
    assert play(own, "Flac", offset=9).status_code == 416


def test_a_file_that_cannot_be_decoded_is_told(own: Stack) -> None:
    answer = play(own, "Broken", format="mp3")
    assert answer.status_code == 422
    assert "cannot be transcoded" in answer.json()["detail"]
    answer = play(own, "Hidden", format="mp3")
    assert answer.status_code == 200
    assert samples_of(answer.content)[0].shape[1] > 5 * 44100
    assert not transcoders(own)


def test_a_listener_who_leaves_has_the_transcoder_ended_within_a_second(own: Stack) -> None:
    track = own.tracks()["Long"]
    with slow_stream(url_of(own, track) + "?format=flac&offset=1") as chunks:
        next(chunks)
        assert len(transcoders(own)) == 1
    wait_until(lambda: not transcoders(own), 1)
    assert not open_files(own)


@pytest.mark.parametrize("length", ["", "&estimate_length=true"])
def test_a_transcoder_that_is_killed_ends_the_answer_and_is_logged(own: Stack, length: str) -> None:
    track = own.tracks()["Long"]
    with (
        pytest.raises(httpx.RemoteProtocolError),
        slow_stream(url_of(own, track) + "?format=mp3" + length) as chunks,
    ):
        next(chunks)
        os.kill(transcoders(own)[0], signal.SIGKILL)
        for _ in chunks:
            pass
    assert "a transcoded track stops playing: it was killed by signal 9" in (own.data / "logs/api.log").read_text()
    wait_until(lambda: not transcoders(own) and not open_files(own), 5)
    assert play(own, "Alac").status_code == 200


def test_a_transcoder_that_hangs_delays_nothing_else(own: Stack) -> None:
    track = own.tracks()["Long"]
    with slow_stream(url_of(own, track) + "?format=mp3") as chunks:
        next(chunks)
        os.kill(transcoders(own)[0], signal.SIGSTOP)
        assert own.get("/api/health")["database"] == "ok"
        assert play(own, "Alac").status_code == 200
    wait_until(lambda: not transcoders(own), 5)


def test_more_streams_than_allowed_are_refused_until_one_ends(own: Stack) -> None:
    url = url_of(own, own.tracks()["Long"]) + "?format=opus"
    streams = [Listener(url) for _ in range(MAX_TRANSCODERS)]
    try:
        answer = httpx.get(url, timeout=30)
        assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)
        assert "too many" in answer.json()["detail"]
        assert httpx.get(url_of(own, own.tracks()["Aac"])).status_code == 200
        # Whoever skips gets the next track at once, although the last one's process has yet to end.
        with ThreadPoolExecutor() as pool:
            for _ in range(3):
                following = pool.submit(Listener, url)
                time.sleep(0.4)
                streams.pop(0).leave()
                streams.append(following.result())
        assert len(transcoders(own)) == MAX_TRANSCODERS
    finally:
        for stream in streams:
            stream.leave()
    wait_until(lambda: not transcoders(own), 5)


def test_the_first_byte_comes_soon(own: Stack) -> None:
    track = own.tracks()["Long"]
    times = []
    for format in ("opus", "mp3", "aac", "flac") * 2:
        begin = time.monotonic()
        with httpx.stream("GET", url_of(own, track), params={"format": format, "offset": 300}) as answer:
            next(answer.iter_raw())
            times.append(time.monotonic() - begin)
    # 0.3 s on a machine with nothing else to do; others use this one.
    assert sorted(times)[len(times) // 2] < 1.5


def test_nothing_is_left_when_the_api_is_killed(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    write(music / "Long.flac", stairs(600, 44100, 1), 44100, "flac")
    running = Stack(music, tmp_path / "data")
    try:
        running.cli("scan", "--wait")
        with (
            pytest.raises(httpx.TransportError),
            slow_stream(url_of(running, running.tracks()["Long"]) + "?format=mp3") as chunks,
        ):
            next(chunks)
            (pid,) = transcoders(running)
            os.kill(running.program("api"), signal.SIGKILL)
            wait_until(lambda: not Path(f"/proc/{pid}").exists(), 5)
            for _ in chunks:
                pass
    finally:
        running.process.wait(60)  # it ends all programs when one has ended


def test_a_stream_that_was_sent_to_its_end_is_kept_and_sent_as_a_file(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    write(music / "Alac.m4a", stairs(SECONDS, 44100), 44100, "alac")
    write(music / "Long.flac", stairs(600, 44100, 1), 44100, "flac")
    stack = Stack(music, tmp_path / "data", SONIQUEBAY_TRANSCODED_CACHE_MB="5")
    try:
        stack.cli("scan", "--wait")
        first = play(stack, "Alac", format="opus")
        assert first.headers["accept-ranges"] == "none"
        kept = stack.data / "transcoded"
        wait_until(lambda: len(list(kept.iterdir())) == 1 and not list(kept.glob("*.part")))
        assert play(stack, "Alac", format="opus", offset=2).headers["accept-ranges"] == "none"
        listener = Listener(url_of(stack, stack.tracks()["Long"]) + "?format=opus")
        assert list(kept.glob("*.part"))
        listener.leave()
        wait_until(lambda: len(list(kept.iterdir())) == 1)
        url = url_of(stack, stack.tracks()["Alac"]) + "?format=opus"
        again = httpx.get(url, headers={"Range": "bytes=100-299"})
        assert (again.status_code, again.content) == (206, first.content[100:300])
        assert again.headers["content-type"] == first.headers["content-type"]
        assert again.headers["x-content-duration"] == first.headers["x-content-duration"]
        assert httpx.get(url, headers={"If-None-Match": again.headers["etag"]}).status_code == 304
        assert not transcoders(stack)
        # Another file under the same name is another stream.
        write(music / "Alac.m4a", stairs(SECONDS / 2, 44100), 44100, "alac")
        stack.cli("scan", "--wait")
        samples, rate = samples_of(play(stack, "Alac", format="opus").content)
        assert abs(samples.shape[1] / rate - SECONDS / 2) < 0.1
    finally:
        stack.stop()
