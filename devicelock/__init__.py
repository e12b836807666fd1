"""What we do to the handset, and under whose authority."""
