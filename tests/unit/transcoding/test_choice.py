"""When a file is transcoded, to what, and how loud."""

import pytest

from soniquebay.transcoding.choice import RequestedSound, StoredSound, choose
from soniquebay.transcoding.formats import Job, usable_bit_rate


@pytest.mark.parametrize(
    ("format", "codec", "target"),
    [
        ("MP3", "MP3", None), ("FLAC", "FLAC", None), ("FLAC", None, None), ("Ogg Vorbis", "Vorbis", None),
        ("Opus", "Opus", None), ("M4A", "AAC", None), ("M4A", None, None), ("WAV", "PCM", None), ("WebM", "Opus", None),
        ("AAC", "AAC", None), ("M4A", "ALAC", "flac"), ("AIFF", "PCM", "flac"), ("AIFF", None, "flac"),
        ("DSF", "DSD", "flac"), ("DSDIFF", "DST", "flac"), ("WMA", "WMA", "mp3"), ("WMA", "WMA Lossless", "flac"),
        ("Monkey's Audio", "Monkey's Audio", "flac"), ("Musepack", "Musepack", "mp3"), ("WavPack", "WavPack", "flac"),
        ("TTA", "TTA", "flac"), ("AC-3", "AC-3", "mp3"), ("M4A", "AC-3", "mp3"), ("Matroska", "FLAC", "flac"),
        ("Matroska", "Vorbis", "mp3"), ("MP2", "MP2", "mp3"), ("Speex", "Speex", "mp3"), ("WAV", "ADPCM", "mp3"),
    ],
)  # fmt: skip
def test_what_browsers_do_not_play_is_transcoded(format: str, codec: str | None, target: str | None) -> None:
    job = choose(StoredSound(format, codec), RequestedSound())
    assert (job and job.format) == target
    assert choose(StoredSound(format, codec), RequestedSound(format="raw")) is None


MP3 = StoredSound("MP3", "MP3", bits_per_second=192_000)
FLAC = StoredSound("FLAC", "FLAC", bits_per_second=900_000)


@pytest.mark.parametrize(
    ("stored", "requested", "job"),
    [
        (MP3, RequestedSound(format="mp3"), None),
        (MP3, RequestedSound(format="mp3", bit_rate_kbits=192), None),
        (MP3, RequestedSound(bit_rate_kbits=320), None),
        (MP3, RequestedSound(bit_rate_kbits=128), Job("mp3", 128)),
        (MP3, RequestedSound(format="mp3", bit_rate_kbits=100), Job("mp3", 96)),
        (MP3, RequestedSound(format="opus", bit_rate_kbits=100), Job("opus", 100)),
        (MP3, RequestedSound(format="flac"), Job("flac")),
        (MP3, RequestedSound(offset_seconds=3), Job("mp3", 256, start_seconds=3)),
        (FLAC, RequestedSound(format="flac"), None),
        (FLAC, RequestedSound(format="flac", bit_rate_kbits=128), None),
        (FLAC, RequestedSound(offset_seconds=3), Job("flac", start_seconds=3)),
        (FLAC, RequestedSound(bit_rate_kbits=128), Job("mp3", 128)),
        (FLAC, RequestedSound(gain_db=-2), Job("flac", gain_db=-2)),
        (StoredSound("M4A", "ALAC"), RequestedSound(format="aac"), Job("aac", 192)),
        (StoredSound("FLAC", is_part=True, start_seconds=60.0, seconds=30.0), RequestedSound(),
         Job("flac", start_seconds=60.0, seconds=30.0)),
        (StoredSound("MP3", is_part=True, start_seconds=60.0), RequestedSound(offset_seconds=5),
         Job("mp3", 256, start_seconds=65.0)),
        (StoredSound("MP3", is_part=True, start_seconds=60.0, seconds=30.0), RequestedSound(offset_seconds=5),
         Job("mp3", 256, start_seconds=65.0, seconds=25.0)),
    ],
)  # fmt: skip
def test_a_file_is_transcoded_only_for_a_reason(
    stored: StoredSound, requested: RequestedSound, job: Job | None
) -> None:
    assert choose(stored, requested) == job


def test_a_job_survives_as_text() -> None:
    job = Job("opus", 96, 1 / 3, None, -3.25, is_constant=True)
    assert Job.from_json(job.to_json()) == job


def test_bit_rates_are_those_that_a_format_has() -> None:
    assert [usable_bit_rate("mp3", rate) for rate in (None, 32, 100, 319, 320)] == [256, 32, 96, 256, 320]
    assert [usable_bit_rate("opus", rate) for rate in (None, 10, 100, 400)] == [160, 32, 100, 320]
    assert usable_bit_rate("flac", 100) is None
