"""What the lock office does: each act a file, each in one unit of work."""
