"""What another lock system tells us by its webhook: taken in once, durable before it is answered, handled afterwards.

The carrier handles it (`carry_parts`): it may have to speak to the back-end, and no request waits for that. An event
whose bytes came before changes nothing, and neither does one that is older than the time for which they are remembered.
Events of handsets that were never locked there are not kept.
"""

import hashlib

import msgspec

from custody.store.unit import Unit
from devicelock import part_store
from devicelock.backends.nanomdm import NAME
from devicelock.backends.nanomdm_event import MdmEvent, check_age
from devicelock.part_store import EventRow


def take_event(unit: Unit, raw: bytes, event: MdmEvent) -> bool:
    """Keep a verified event of NanoMDM for the carrier; whether it was new and of use; `Rejected` for its age."""
    check_age(event, now_ms=unit.now_ms)
    digest = hashlib.sha256(raw).digest()
    if part_store.was_heard(unit.session, digest) or not part_store.is_known(unit.session, NAME, event.handset):
        return False
    unit.session.add(
        EventRow(
            digest=digest,
            backend=NAME,
            event=msgspec.json.encode(event).decode(),
            received_ms=unit.now_ms,
            handled_ms=None,
        )
    )
    return True
