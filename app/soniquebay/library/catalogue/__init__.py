"""The catalogue: artists, albums, credits and genres, as a function of what the files say.

`interpret` reads one file's tags. `albums` groups the files of one album title. `update` applies both to the database,
so that the result depends only on the files that are there, and on no order in which they came. An update consists
of `known_artists`, `touched_tracks`, `album_rows`, `track_credits` and `takeover`.
"""
