"""A name for what has none of its own: a shipment's reference, an event's id."""

import random
import uuid


def random_urn(rng: random.Random) -> str:
    """A UUID of version 4 as a URN (RFC 9562), the same in every world of the same seed."""
    return f"urn:uuid:{uuid.UUID(int=rng.getrandbits(128), version=4)}"
