"""The emulated machine: how it is started, reached, watched and cut off, and the card that it boots."""
