"""Access to the internet: the fetcher, which alone has it, and the worker's code that asks it and reads the answers."""
