"""The worker proxy: the program by which workers on other machines reach the broker, and nothing else of it.

See docs/decisions/0170-workers-elsewhere.md.
"""
