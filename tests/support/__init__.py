"""What tests and benchmarks share: real programs to start, files to scan, doubles of what is on the internet."""
