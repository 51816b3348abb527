"""What speaks to the internet: the fetcher, which alone may, and those who ask it and read the answers."""
