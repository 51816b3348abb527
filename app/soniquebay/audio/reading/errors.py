"""Why a file is not taken in."""


class UnreadableAudioError(Exception):
    """A file is not readable as audio. The text is the reason that people see."""


class UnavailableFileError(UnreadableAudioError):
    """A file cannot be read at present, so nothing is known about its content."""
