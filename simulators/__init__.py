"""The world outside the service; it speaks only the public wire formats."""
