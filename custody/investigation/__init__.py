"""Evidence, calibrated probabilities, hotspots, the next check and the reasons: which link of a chain is weak."""
