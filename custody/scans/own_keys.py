"""Keys that we issue ourselves: a wrong check digit of one is our own mistake, and is put right where it is made.

Other people's labels are full of wrong check digits, so a scan of one is kept and told. Where our own company prefixes
are known, a scan with which a thing first gets a key under one of them (it is commissioned, or packed) is not taken if
the digit is wrong: the label can still be printed again. Whoever meets such a label later on, and whoever takes the
scan of one back, tells what is so, and is heard. In a batch the scan takes its number and is not read; its neighbours
are. The statement of one that came alone is kept and takes its number too; its opening is not kept, and counts nowhere.
"""

from collections.abc import Collection
from dataclasses import replace

from custody.gs1.canonical import gs1_key
from custody.gs1.event import Event
from custody.kernel.errors import Rejected
from custody.scans.batch import SealedBatch
from custody.scans.judge import begins_a_unit


def wrong_own_key(event: Event, prefixes: Collection[str]) -> Rejected | None:
    """Why the event cannot be taken; None if it gives out no wrong key of ours."""
    if not prefixes or not event.warnings or not begins_a_unit(event) or event.error_declaration is not None:
        return None
    parent = () if event.parent is None else (event.parent,)
    for uri in (*event.epcs, *parent, *event.children, *(item for item, _ in event.quantities)):
        key = gs1_key(uri)
        wrong = key.wrong_check_digit() if key is not None and key.is_under(prefixes) else None
        if wrong is not None:
            fix = "It is a key of ours: print the label again with the right digit, and scan that."
            return Rejected("check_digit", wrong, fix=fix)
    return None


def without_wrong_keys(sealed: SealedBatch, prefixes: Collection[str]) -> SealedBatch:
    """The batch, with the reason in place of each scan that cannot be taken."""
    wrong = {scan.position: why for scan in sealed.scans if (why := wrong_own_key(scan.event, prefixes)) is not None}
    if not wrong:
        return sealed
    scans = tuple(wrong.get(at, scan) for at, scan in enumerate(sealed.batch.scans))
    return replace(sealed, batch=replace(sealed.batch, scans=scans))
