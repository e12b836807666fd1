"""Editions of how scans are read, into a trail and into the chain of an investigation.

Packs are checked by reading their scans again, so a reading that packs were made by is never changed: what is read
otherwise is an edition of its own. A pack's trail is of the edition that leads to its bytes; an inquiry's format names
the edition that its chain was read by (`investigation/pack/earlier.py`).

2. - A word of a return before any delivery begins no way back.
   - A delivery counts only where parcels are delivered, and a check of the recipient is a recorded one.
   - What is read of the seal of a cage, or of several parcels' at once, is not the parcel's.
   - A handset named by its serial alone makes a parcel dear, as one named by its IMEI does.
3. - Putting a seal on, or taking one off, is an act and no reading of the seal that the parcel came with.
   - Whoever declares his own scan wrong was still there, where another station signed over it (`bound.py`).
   - A release that another station has accepted by its digest is not cancelled any more.
   - The number of an order, or of an upstream event, is no key of a thing, whatever it looks like.
   - A lot of the product that was packed is that product, and none of it is too few.
   - What is put on a parcel is a seal if the event calls it one, or it was put on as one. Who takes off nothing by name
     takes all off.
   - A parcel that comes back has another stay where it was, and so has a courier who takes over from a nameless one.
   - A delivery after which a carrier had the parcel again is none in the chain of an investigation either.
4. - Whoever took over what another station released, and declares that wrong, was still there, where nobody else took
     that over (`bound.py`).
   - What another station signs binds a scan that was declared wrong only where it took over what that let go, before
     the declaration.
   - Of a scan that was declared wrong and still shows that the parcel was there, no delivery and no return counts.
   - Who takes a seal off by its key alone, or takes all off, has done something and read nothing, and a seal that was
     done away with is no seal that was read.
   - In the chain of an investigation too, what signatures prove of the order of scans comes before what clocks say.
   - Equal numbers of two sellers' orders, in the CBV's form, are two orders.
   - What a transformation uses and makes is what it is about: a handset's trail shows it.
   - A station's repeat of its own scan counts once, also where another station's came first under that event id.
   - Only who had a parcel right before its taker lets it go a moment late, and what he reads then is of his own stay.
   - Who is heard of by a delivery alone that counts no more is known by it in the chain of an investigation.
5. - What is read at a release that is the first that was heard of a stay was not read on arrival.
   - A courier's station that names several people on one round has one stay, which they share.
   - What another station signs binds a scan that was declared wrong only if the log had it before the declaration.
   - A release is cancelled by the station that signed it alone, and not after it was accepted by its digest, though the
     acceptance was declared wrong.
   - Who declares wrong that he took over a release is cleared by another's acceptance of it only if the log had that
     before the declaration. Who does so at once is cleared by whatever shows the parcel elsewhere.
6. - A check of the recipient that verifiers attest in the log is a verified one, one that they refute is none, and one
     of which they say both stays a recorded one (`attested.py`).
"""

from enum import IntEnum


class ReadingEdition(IntEnum):
    """An edition that scans can be read by."""

    FIRST = 1
    SECOND = 2
    THIRD = 3
    FOURTH = 4
    FIFTH = 5
    SIXTH = 6


NEWEST = max(ReadingEdition)
"""What trails are told and investigations weighed by."""
