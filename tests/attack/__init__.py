"""Hostile requests of every kind beside a scan, over real sockets: `make attack`."""
