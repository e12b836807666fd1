"""GS1 identifiers, CBV words and EPCIS 2.0 events: strict reading, one canonical spelling, nothing else. Pure."""
