"""Two ASGI applications over one library: the public one and the worker's."""
