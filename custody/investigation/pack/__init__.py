"""The evidence pack: what it holds, how it is written, and what binds every byte of it to the log."""
