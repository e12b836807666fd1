"""Editions of the judge's rules. By which one a scan is judged stands in the log: it is the policy's rule `judge`.

Every verdict follows from the log for ever, so rules that were judged by are never changed: what is judged otherwise is
an edition of its own, which holds from the policy on that names it. A policy that names none is of the first.

2. - A mass is compared and remembered only for what was weighed alone, and closed: not for parcels in a cage or van
     that was weighed, nor for several on one scale.
   - A seal's number and a declared mass are those of the one parcel that the scan is about, not of those in a cage or
     van, nor of several. That a seal is broken or missing is flagged whosever it is.
   - A release or an acceptance that comes late, made before the newest one that is known, moves custody no more: it is
     not held against whoever has gone on since. One that goes on from the custody that is known does: a release by
     whoever has the parcel or may take it, to another, or an acceptance by whom it is released to. There a clock is
     behind.

3. - A `void_shipping` that is signed for whoever has the parcel, or for whom the open release names as giver, ends that
     release: its custodian may deliver it or hand it to another. If the event names releases (`upevt`), only one of
     those ends; else only one that was made before it.
   - A seal that was taken off by a record (an AssociationEvent, DELETE) may be replaced, and the new one is noted. It
     is taken off by its number, by what was put on as the seal, or with all that is attached. Found intact since, it is
     there.
   - An unpacking that names no children, and no class of them, takes everything out.
   - An error declaration is no reading and no acceptance: what it repeats, to take it back, is compared with nothing
     (who may take over, weight, seal, what is inside). That its parcel is unknown is flagged all the same.

4. - A handset that is packed while by the records it lies in another parcel is flagged. It lies where it was packed
     last until it is taken out, the parcel is delivered, it is scanned without a parcel, or an error declaration
     repeats the packing. A packing made before the newest one that is known comes late, and is not compared with that.
   - What is taken out goes by all its names: a handset that is unpacked by its IMEI is by its serial number too. One
     that does not hide the IMEI is, if a packing that put in one handset named both.
   - A `void_shipping` that ends nothing is kept with the parcel, the newest eight are, and ends a release that comes
     after it as it would have ended it before: one that it names, else one that was made before it.

5. - A `void_shipping` that is for a release that was ended already ends nothing more and is not kept: one that names
     it, or that names none and was made after it, while nobody has accepted the parcel since.
   - An unpacking that names goods by their class takes out as many as it says (`by_class.py`). If that is all of the
     class that is inside, nothing of it is left; else which are left is not known, and not held against anybody.
   - A handset that is packed into a parcel while it lies in another one that was packed into the same is not flagged,
     though the packing does not name that one, and lies there still.
   - A handset that was scanned without a parcel by one of its names is seen by its others too, where the next packing
     names both. A packing that is declared wrong leaves it where it lay before.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from custody.kernel.errors import Fatal

RULE = "judge"
"""Its name among the policy's rules."""


class Edition(IntEnum):
    """An edition that this judge can judge by."""

    FIRST = 1
    SECOND = 2
    THIRD = 3
    FOURTH = 4
    FIFTH = 5


FIRST, SECOND, THIRD, FOURTH, FIFTH = Edition
"""Asked for with every scan: an enumeration looks its members up anew each time, which took a quarter microsecond."""

NEWEST = max(Edition)
"""What a new log begins with."""


def edition_of(rules: Mapping[str, Any]) -> Edition:
    """The edition that a policy's rules name; raises `Fatal` for one that is not known here."""
    named = rules.get(RULE, Edition.FIRST)
    if not isinstance(named, int) or isinstance(named, bool) or named not in list(Edition):
        raise Fatal(
            "judge_edition",
            f"the log's policy has scans judged by edition {named!r:.40}, and this judge knows none after {NEWEST}",
            fix="Run the version of the service that the log was last written with, or a later one.",
        )
    return Edition(named)
