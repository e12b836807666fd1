"""Charts as SVG, drawn on the server; each has a table that says the same."""
