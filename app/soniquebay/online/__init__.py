"""Access to the internet: the fetcher, which alone has it, and the code of worker and API that asks it."""
