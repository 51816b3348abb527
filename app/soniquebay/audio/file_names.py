"""Which names are those of audio files, of covers, and of folders that a scan enters.

The name alone decides, because discovery opens no file.
"""

AUDIO_SUFFIXES = frozenset(
    {".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".mp4", ".aac", ".wav", ".aif", ".aiff", ".aifc"}
)

COVER_STEMS = ("cover", "folder", "front", "album", "albumart")  # the best first
COVER_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})

# Folders that are not the listener's: a file system's rescue folder, which only root may read, and those of desktops.
IGNORED_FOLDERS = frozenset({"lost+found", "$RECYCLE.BIN", "System Volume Information"})
TRASH_PREFIX = ".Trash"


def is_audio(name: str) -> bool:
    """Return whether a file of this name is read as audio."""
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in AUDIO_SUFFIXES


def is_cover(name: str) -> bool:
    """Return whether a file of this name is a cover for the albums in its folder."""
    stem, dot, suffix = name.lower().rpartition(".")
    return stem in COVER_STEMS and dot + suffix in COVER_SUFFIXES


def is_scanned_folder(name: str) -> bool:
    """Return whether a scan enters a folder of this name."""
    return name not in IGNORED_FOLDERS and not name.startswith(TRASH_PREFIX)
