"""Templates of the pages; whatever is written into them is escaped."""
