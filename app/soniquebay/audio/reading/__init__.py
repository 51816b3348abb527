"""Reading audio files: what each says of itself, under the same names for every format."""
