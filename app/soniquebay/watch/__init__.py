"""Watching the folders of music: what the kernel reports, and when a change is worth a scan."""
