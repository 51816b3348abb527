"""What goes wrong while transcoding, and the exit codes by which a transcoder tells it."""

EXIT_UNDECODABLE = 65  # EX_DATAERR of sysexits(3)
EXIT_UNREADABLE = 74  # EX_IOERR


class UndecodableSoundError(Exception):
    """No sound comes out of a file. The text is the reason that people see."""
