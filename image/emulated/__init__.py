"""The emulated machine: QEMU's process and monitor, the login, the card, and simulated power cuts."""
