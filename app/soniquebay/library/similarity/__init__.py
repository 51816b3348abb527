"""More like this: stored vectors, the embedding they are compared in, and the index of nearest neighbours."""
