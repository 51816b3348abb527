"""What the API is sent of an analysis, as JSON."""

import base64
from typing import TYPE_CHECKING, Any

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.audio.sound_tags import SOUND_TAGS_VERSION

if TYPE_CHECKING:
    from soniquebay.audio.analysis import Analysis


def described(analysis: "Analysis") -> dict[str, Any]:
    """Return what the API stores of an analysis, as ``AnalysisResult`` takes it."""
    return {
        "version": FEATURE_VERSION,
        "data": _base64(analysis.vector.astype("<f4").tobytes()),
        "sound_tags": {
            "version": SOUND_TAGS_VERSION,
            "data": _base64(analysis.sound_tags.astype("<f2").tobytes()),
        },
        "bpm": analysis.bpm,
        "bpm_confidence": analysis.bpm_confidence,
        "musical_key": analysis.musical_key,
        "acoustic_fingerprint": _base64(analysis.acoustic_fingerprint),
        "length": analysis.length,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
