"""Debian's updates on the appliance: when they may run, and the nightly run of the security updates."""
