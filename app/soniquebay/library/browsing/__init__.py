"""Lists of tracks, albums, artists and genres: filtered, in any order, page by page."""
