"""The media types of audio files, by the name of their format (`Sound.format`)."""

UNKNOWN = "application/octet-stream"
MEDIA_TYPES = {
    "MP3": "audio/mpeg",
    "MP2": "audio/mpeg",
    "FLAC": "audio/flac",
    "Ogg FLAC": "audio/ogg",
    "Ogg Vorbis": "audio/ogg",
    "Opus": "audio/ogg",
    "Speex": "audio/ogg",
    "M4A": "audio/mp4",
    "AAC": "audio/aac",
    "AC-3": "audio/ac3",
    "WAV": "audio/wav",
    "AIFF": "audio/aiff",
    "WavPack": "audio/x-wavpack",
    "Monkey's Audio": "audio/x-ape",
    "Musepack": "audio/x-musepack",
    "WMA": "audio/x-ms-wma",
    "DSF": "audio/x-dsf",
    "DSDIFF": "audio/x-dff",
    "TTA": "audio/x-tta",
    "Matroska": "audio/x-matroska",
    "WebM": "audio/webm",
}
