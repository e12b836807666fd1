"""What time brings about: looked at once a second, and told to whom it concerns."""
