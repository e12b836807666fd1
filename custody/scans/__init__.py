"""Signed scans: bytes to a scan and back, and the judge that accepts, flags or quarantines it. Pure."""
