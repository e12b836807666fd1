"""The way of a parcel by each edition of the reading (`trail/edition.py`), so that packs of then can be checked.

By the first a word of a return ended the way out of what was not delivered, a delivery counted wherever it was signed,
a check of the recipient that was recorded was a verified one, a seal that was read on a cage was the parcel's, and only
an IMEI made a parcel dear. By the first two a seal that was put on was read on arrival, and whoever declared his scans
wrong was never there.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from custody.investigation.look import Look, hands_over, look_at, pin_of, seal_read
from custody.investigation.read_passage import READING, Reading
from custody.investigation.values import Pin
from custody.trail.edition import Edition
from custody.trail.runs import turning_before
from custody.trail.sealed import SealedScan


def _look_second(sealed: SealedScan, parcel: str) -> Look:
    return replace(look_at(sealed, parcel), act=False)


def _look_before(sealed: SealedScan, parcel: str) -> Look:
    delivery = hands_over(sealed.event)
    pin = pin_of(sealed.event) if delivery else Pin.UNOBSERVED
    return replace(
        _look_second(sealed, parcel),
        delivers=delivery,
        dear=bool(sealed.event.imeis),
        seal=seal_read(sealed),
        pin=Pin.VERIFIED if pin is Pin.RECORDED else pin,
    )


def _way_out_before(looks: Sequence[Look]) -> int | None:
    return turning_before((look.turns, look.delivers) for look in looks)


READINGS = {
    Edition.FIRST: Reading(look=_look_before, out=_way_out_before, edition=Edition.FIRST),
    Edition.SECOND: Reading(look=_look_second, out=READING.out, edition=Edition.SECOND),
    Edition.THIRD: READING,
}
