"""How the files in the folders of music are opened."""

import os

# Opening a pipe must not wait for a writer, nor a terminal become that of the program.
READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
