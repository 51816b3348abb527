"""Noticing what changes in the folders of music: the kernel's notifications, and when they are worth a scan."""
