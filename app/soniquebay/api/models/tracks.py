"""Tracks: in lists, alone, and similar ones."""

from typing import Any

from pydantic import BaseModel, Field

from soniquebay.api.models.fields import LibraryPath, UnixTime


class Credit(BaseModel):
    """An artist, and what the artist does here."""

    id: int
    name: str = Field(description="as credited")
    role: str = Field(description='for example "artist", "album_artist", "composer" or "performer"')
    detail: str | None = Field(default=None, description="a performer's instrument")


class Track(BaseModel):
    """A track: one audio file, or a part of one that a cue sheet describes."""

    id: int
    title: str
    artist_id: int
    artist: str = Field(description="the performers as they are tagged")
    album_id: int | None
    album: str | None
    album_artist: str | None
    track_no: int | None
    disc_no: int | None
    disc_subtitle: str | None
    year: int | None = Field(description="of the track, else of its album")
    date: str | None = Field(description="of this edition: a year, a month or a day, as exact as it is tagged")
    original_date: str | None = Field(description="of the first edition")
    artists: list[Credit] = Field(description='those with the role "artist"; those of one track alone, with all roles')
    duration: float = Field(description="seconds")
    format: str = Field(description='for example "FLAC"')
    mbid: str | None = Field(description="MusicBrainz's id of the recording")
    path: LibraryPath
    part: int = Field(
        description="0: the track is the whole file; else its number among the tracks of the file, from 1"
    )
    start_seconds: float = Field(description="where the track begins in its file")
    added_at: UnixTime
    missing_since: float | None = Field(
        description="when a scan noticed that the file is missing, or is divided into other tracks, in seconds since "
        "1970-01-01 UTC; null: it is there"
    )
    genres: list[str]
    bpm: float | None = Field(description="tempo in beats a minute")
    bpm_confidence: float | None = Field(
        description="how clear the tempo is, from 0 to 1; below 0.35 it may well be another one; null: it is not known"
    )
    musical_key: str | None = Field(description='tonic and mode, for example "A minor"')
    camelot: str | None = Field(description='the Camelot code of the musical key, for example "8A"')
    has_vector: bool
    vector_failure: str | None = Field(description="why the track has no vector, when its analysis failed")


class Sound(BaseModel):
    """The properties of a file's sound; null where its format does not state them."""

    codec: str | None = Field(default=None, description='for example "AAC"')
    bit_rate: int | None = Field(default=None, description="bits a second")
    sample_rate: int | None = Field(default=None, description="Hz")
    channels: int | None = None
    bit_depth: int | None = Field(default=None, description="bits a sample, of lossless codecs")


class Gain(BaseModel):
    """By how much to change the level of a track, so that it is as loud as others."""

    gain_db: float = Field(description="dB, on the scale of ReplayGain 2.0, which aims at -18 LUFS")
    peak: float | None = Field(description="the largest sample before that, 1 is full scale; null: it is not known")
    is_measured: bool = Field(description="false: the tags state it")


class ReplayGain(BaseModel):
    """The gains of a track; null where the tags state none and none was measured."""

    track: Gain | None = None
    album: Gain | None = Field(default=None, description="of all tracks of its album together")


class Loudness(BaseModel):
    """What was measured of the whole track."""

    integrated_lufs: float | None = Field(description="loudness by EBU R 128; null: there is no sound above -70 LUFS")
    sample_peak: float = Field(description="the largest sample, 1 is full scale")
    silence_start_seconds: float = Field(description="how long the track is below -60 dB at its beginning")
    silence_end_seconds: float = Field(description="the same at its end")


class SoundTag(BaseModel):
    """A sound tag that is guessed of a track, and where the track stands among all others."""

    name: str
    position: int = Field(description="in the order of the library by this tag; 1: no track has it more likely")
    share: float = Field(description="the position as a share of all tracks that were heard; at most the top fifth")


class FullTrack(Track):
    """A track with everything that its file says."""

    tags: dict[str, Any] = Field(
        description="all tags by one name for every format, such as comment, lyrics, synced_lyrics, label, isrc, mood, "
        "grouping, work, movement, title_sort. A text, or a list of texts where the file has several. Numbers: bpm, "
        "rating (0 to 100), play_count, totals, and the gains of ReplayGain and R128 in dB"
    )
    replay_gain: ReplayGain = Field(description="of the tags, else as measured")
    loudness: Loudness | None = Field(description="null: it is not measured, or not yet")
    sound: Sound
    doubtful_text: bool = Field(
        description="whether some text can hardly be in the code page that the file states; "
        "SONIQUEBAY_TAG_ENCODING names the right one"
    )
    sound_tags: list[SoundTag] = Field(
        description="guessed from the sound by a learned model, the most likely first; no tag of the file is among them"
    )
    guessed_genre: str | None = Field(
        description="the most likely sound tag that is a genre, of a track without `genres`; a guess, which is never "
        "among `genres`"
    )


class LyricsLine(BaseModel):
    """A line of lyrics."""

    start_seconds: float | None = Field(description="when it is sung; null in lyrics without times")
    text: str = Field(description='"" between verses')


class Lyrics(BaseModel):
    """The lyrics of a track: those with times, else plain ones."""

    is_timed: bool
    lines: list[LyricsLine] = Field(description="in the order of their times; none: the track has no lyrics")


class SimilarTrack(Track):
    """A track and how similar it is to another."""

    similarity: float = Field(description="from 0 to 1; 1 is the same sound")


class TrackPage(BaseModel):
    """One page of tracks."""

    items: list[Track]
    total: int | None = Field(description="how many there are on all pages; null where they were not counted")
    next: str | None = Field(default=None, description="the `cursor` of the next page; null at the end")


class TracksBySound(BaseModel):
    """Tracks in the order in which they are to be heard, each with its similarity to what was asked for."""

    items: list[SimilarTrack]


class Similar(BaseModel):
    """The most similar tracks, the most similar one first."""

    items: list[SimilarTrack]
