"""Command, ack, hello, lock order, authority, caps and unlock codes. Pure: no clock, no randomness, no broker."""
