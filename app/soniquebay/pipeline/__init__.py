"""The stages a file goes through, one module each."""
