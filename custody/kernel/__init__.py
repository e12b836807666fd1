"""Clock, ids, deterministic CBOR, COSE_Sign1, keys and errors. Pure: SystemClock and SystemIds stand apart."""
