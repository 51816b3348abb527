"""The image's own root filesystem in a container engine, for the tests of the worker."""
