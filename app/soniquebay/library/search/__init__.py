"""Finding tracks, albums, artists and genres by words: SQLite FTS5 over tokens that are made here.

`text` makes the tokens, `index` keeps the tables, `finding` asks them, and `spelling` forgives typing errors.
"""

from soniquebay.library.search.finding import Kind, SearchHits, find
from soniquebay.library.search.index import add, is_complete, reindex, remove

__all__ = ["Kind", "SearchHits", "add", "find", "is_complete", "reindex", "remove"]
