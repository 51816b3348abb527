"""The card's root file system in a container engine, for the tests of the worker."""
