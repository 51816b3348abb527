"""What the worker tells of the analysis of a track, and how it is stored."""

import base64
import sqlite3
from typing import Annotated

from pydantic import BaseModel, Field

from soniquebay.library.similarity import vectors
from soniquebay.library.similarity.agreement import Heard
from soniquebay.library.similarity.sound_tags import Stored


class SoundTags(BaseModel):
    """The probabilities of the sound tags."""

    version: int
    data: str
    """base64 of little-endian float16 values."""


class AnalysisResult(BaseModel):
    """A track's vector and what else follows from its sound, or the reason why it has none."""

    version: int
    """Version of the feature schema."""
    data: str | None = None
    """The vector: base64 of little-endian float32 values."""
    failure: str | None = None
    bpm: float | None = None
    """Tempo in beats a minute."""
    bpm_confidence: float | None = None
    musical_key: str | None = None
    sound_tags: SoundTags | None = None
    acoustic_fingerprint: str | None = None
    """By which duplicates are found: base64 of what `audio.acoustic_fingerprint.acoustic_fingerprint` returns."""
    length: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Of the track in seconds, as measured."""
    retry_later: bool = False
    """The file was unavailable, or its analysis timed out."""

    @property
    def vector(self) -> bytes | None:
        """The vector as `vectors.store` takes it. Raises ``ValueError`` if it is not base64."""
        return None if self.data is None else base64.b64decode(self.data, validate=True)

    @property
    def heard(self) -> Heard | None:
        """What the analysis has found, None if it has failed. Raises ``ValueError`` for what is not base64."""
        vector = self.vector
        if vector is None:
            return None
        return Heard(vector, self._stored_tags, self._fingerprint, self.bpm, self.bpm_confidence, self.musical_key)

    @property
    def _stored_tags(self) -> Stored | None:
        tags = self.sound_tags
        return None if tags is None else (tags.version, base64.b64decode(tags.data, validate=True))

    @property
    def _fingerprint(self) -> bytes | None:
        return base64.b64decode(self.acoustic_fingerprint or "", validate=True) or None

    def store(self, db: sqlite3.Connection, track_id: int) -> bool:
        """Store the result; False if the track no longer exists. Raises ``ValueError``, as `vectors.store`."""
        return vectors.store(
            db,
            track_id,
            self.version,
            self.vector,
            self.failure,
            bpm=self.bpm,
            bpm_confidence=self.bpm_confidence,
            musical_key=self.musical_key,
            acoustic_fingerprint=self._fingerprint,
            length=self.length,
            tags=self._stored_tags,
            retry_later=self.retry_later,
        )
