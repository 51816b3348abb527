"""Nothing lost, whatever is killed, full or silent."""
