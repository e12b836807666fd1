"""From entries of the log to custody segments, handovers, gaps, weight, seal and serial traces. Pure."""
