"""Builds the flashable card image, and boots it on an emulated machine."""
