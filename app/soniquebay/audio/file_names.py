"""Which files are audio or a cover, and which folders are scanned: by the name alone, for discovery opens no file."""

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


# Not the listener's own: a file system's rescue folder, which root alone may read, and the trash folders of desktops.
IGNORED_FOLDERS = frozenset({"lost+found", "$RECYCLE.BIN", "System Volume Information"})
TRASH_PREFIX = ".Trash"


def is_scanned_folder(name: str) -> bool:
    """Tell whether a scan enters a folder of this name."""
    return name not in IGNORED_FOLDERS and not name.startswith(TRASH_PREFIX)
