"""HTTP routes, one file a subject; bodies end in In or Out and stay in their file."""
