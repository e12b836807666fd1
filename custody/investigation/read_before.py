"""The way of a parcel by each edition of the reading (`trail/edition.py`), so that packs of then can be checked.

By the first a word of a return ended the way out of what was not delivered, a delivery counted wherever it was signed,
a check of the recipient that was recorded was a verified one, a seal that was read on a cage was the parcel's, and only
an IMEI made a parcel dear. By the first two a seal that was put on was read on arrival, whoever declared his scans
wrong was never there, a parcel that came back to a site had one stay there, a named courier who took over from a
nameless one had that one's, and a delivery counted although a carrier had the parcel again. By the first three nobody
who declared his acceptance wrong was bound by the release that he had taken over (`trail/bound.py`), a seal was taken
off only by who called it one, scans stood in order of time alone, a repeat under an event id that another station had
used first counted again, whoever had the parcel before let it go a moment late, who was heard of by a delivery alone
that counted no more was nobody, and a return or a delivery that was declared wrong counted where the parcel had been
there all the same. By the first four a release that was the first that was heard of a stay was a scan of the parcel's
arrival, whom a courier's station named next was another courier, and who took over by its digest what was declared
wrong bound its giver after that, if he signed an earlier time; and any station of the giver's firm cancelled
a release, also one that had been accepted by its digest, for whoever then declared his acceptance wrong,
and so did a colleague's acceptance of it that came after that clear him, while whoever put a wrong acceptance right at
once stayed unless another's acceptance named that release. By the first five verifiers told nothing of a recipient's
check.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from custody.investigation.journey import Stay
from custody.investigation.look import Look, calls_seal, hands_over, look_at, pin_of, seal_read
from custody.investigation.passage import Pin, Step
from custody.investigation.read_passage import READING, Reading
from custody.investigation.read_stays import look_again, opened, read_stays
from custody.trail.edition import ReadingEdition
from custody.trail.runs import turning_before
from custody.trail.sealed import SealedScan


def _look_third(sealed: SealedScan, parcel: str) -> Look:
    act = calls_seal(sealed.event, parcel)
    return replace(look_at(sealed, parcel), act=act, things=(), seq=None, after=())


def _look_second(sealed: SealedScan, parcel: str) -> Look:
    return replace(_look_third(sealed, parcel), act=False)


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


def _stays_fourth(looks: Iterable[Look]) -> tuple[list[Stay], Look | None]:
    return read_stays(looks, ReadingEdition.FOURTH)


def _stays_third(looks: Iterable[Look]) -> tuple[list[Stay], Look | None]:
    return read_stays(looks, ReadingEdition.THIRD)


def _way_out_before(looks: Sequence[Look]) -> int | None:
    return turning_before((look.turns, look.delivers) for look in looks)


def _stays_before(looks: Iterable[Look]) -> tuple[list[Stay], Look | None]:
    stays: list[Stay] = []
    delivered: Look | None = None
    for look in looks:
        if look.delivers:
            delivered = look
        elif look.physical and look.step is not None:
            at = _stay_before(look, stays)
            if at is None:
                stays.append(opened(look, look.step, ReadingEdition.SECOND))
            else:
                look_again(look, at, stays)
    if delivered is not None and delivered.step is not None and not _here(delivered, stays):
        stays.append(Stay(site=delivered.site, step=delivered.step))
    return stays, delivered


def _stay_before(look: Look, stays: Sequence[Stay]) -> int | None:
    known = _here(look, stays)
    if look.step is not Step.COURIER:
        return next(reversed(known), None)
    mine = [at for at in known if look.handler in {None, stays[at].handler}]
    nameless = [at for at in known if stays[at].handler is None]
    return next(reversed(mine or nameless), None)


def _here(look: Look, stays: Sequence[Stay]) -> list[int]:
    return [at for at, stay in enumerate(stays) if (stay.site, stay.step) == (look.site, look.step)]


READINGS = {
    ReadingEdition.FIRST: Reading(
        look=_look_before, out=_way_out_before, stays=_stays_before, edition=ReadingEdition.FIRST
    ),
    ReadingEdition.SECOND: Reading(
        look=_look_second, out=READING.out, stays=_stays_before, edition=ReadingEdition.SECOND
    ),
    ReadingEdition.THIRD: Reading(look=_look_third, out=READING.out, stays=_stays_third, edition=ReadingEdition.THIRD),
    ReadingEdition.FOURTH: Reading(look=look_at, out=READING.out, stays=_stays_fourth, edition=ReadingEdition.FOURTH),
    ReadingEdition.FIFTH: Reading(look=look_at, out=READING.out, stays=read_stays, edition=ReadingEdition.FIFTH),
    ReadingEdition.SIXTH: READING,
}
