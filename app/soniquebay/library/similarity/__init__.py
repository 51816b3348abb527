"""Similar tracks: stored vectors, the embedding in which they are compared, and the nearest-neighbour index."""
