"""Which files are audio, told by their name alone: discovery looks at every file and opens none."""

EXTENSIONS = frozenset(
    {".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".mp4", ".aac", ".wav", ".aif", ".aiff", ".aifc"}
)


def is_audio(name: str) -> bool:
    """Tell whether a file of this name is taken for audio."""
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in EXTENSIONS
