"""What lies beside an audio file and belongs to it: cue sheets and lyrics."""
