"""Which files are audio, or a cover, told by their name alone: discovery looks at every file and opens none."""

EXTENSIONS = frozenset(
    {".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".mp4", ".aac", ".wav", ".aif", ".aiff", ".aifc"}
)

COVER_STEMS = ("cover", "folder", "front", "album", "albumart")  # the first is the best
COVER_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})


def is_audio(name: str) -> bool:
    """Tell whether a file of this name is taken for audio."""
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in EXTENSIONS


def is_cover(name: str) -> bool:
    """Tell whether a picture of this name is taken for the cover of its folder's albums."""
    stem, dot, suffix = name.lower().rpartition(".")
    return stem in COVER_STEMS and dot + suffix in COVER_SUFFIXES
