"""From nothing to a flashable card image, and the emulated machine that boots it."""
