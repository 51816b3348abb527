"""Transcoding: the sound of a file, or of a part of it, in another format, by a child process of the API.

`formats` and `choice` are imported by the API and need no FFmpeg. The others run in the child: see `__main__.py`.
"""
