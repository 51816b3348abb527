"""Reading audio files: what each says of itself, under the same names for every format."""

READER_VERSION = 2  # increase it when files have to be read again, because the reader finds more or other things
