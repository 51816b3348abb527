"""Faults during a scan: a program is killed, Redis or the disk is full, or the API does not answer."""
