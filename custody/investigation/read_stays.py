"""From looks to stays: who had a parcel, one after the other, and the delivery.

- A look belongs to the last stay at its site and step. If the parcel was at another site since, or on the road, it has
  come back: that is another stay.
- A courier has a stay for as long as nobody else has the parcel. Another station is another courier, unless both name
  the same person. Whom a station names is a free word of the one key that signs: those that it names on one round share
  its stay, and any of the first `MOST_HANDS` may have had the parcel. So no signer makes a chain longer, nor anybody's
  share in it other, by the people that he names.
- A delivery after which somebody of the network had the parcel again is no delivery any more (`trail/runs.py`). It is
  one more look of its stay, or the first that there was, and who had the parcel then has another one, also if it is
  the same courier.
- Who lets a parcel go, and says so when its taker scanned it a moment ago, had it before that: nobody else had it in
  between, and what he reads then is how he let it go.
- What else is found wrong after arrival went wrong in the newest stay or before.
- Where a release is the first that is heard of a stay, nobody scanned the parcel's arrival. What it finds wrong went
  wrong since the last reading before it, in the stays in between or in this one: it is a reading of the next
  checkpoint, as what is found wrong later is, and clears nobody. The opening scan counts as missed, though whoever let
  the parcel go is known. What it finds right was right on arrival too.

Nobody makes a chain as long as he likes by scanning to and fro: from `MOST_STAYS` on none is opened at a place again.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from custody.investigation.journey import Stay
from custody.investigation.look import Look
from custody.investigation.passage import SealSeen, Step
from custody.kernel.clock import MINUTE_MS
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.route import MOBILE
from custody.trail.runs import RELEASES, UNPACKS, at_door

ARRIVAL_MS = 30 * MINUTE_MS
"""What is looked at so soon after the first scan of a stay is looked at on arrival."""
MOST_STAYS = 48
MOST_HANDS = 4


def read_stays(looks: Iterable[Look], edition: ReadingEdition = NEWEST) -> tuple[list[Stay], Look | None]:
    """The stays that looks of the way out show, and the delivery that stands; the looks are in order.

    By the third edition whoever had the parcel before let it go a moment late, and read it as its taker had it; and who
    was heard of by a delivery alone that counts no more was nobody. By the fourth a release that opened a stay was a
    scan of the parcel's arrival, and another person at the same courier's station was another courier.
    """
    stays: list[Stay] = []
    told: list[tuple[Look, int | None]] = []  # each scan of the delivery, with the stay that it belongs to
    for look in looks:
        if look.step is None:
            continue
        at = _stay_of(look, stays, edition)
        if look.delivers:
            if at is None and not told:
                at = len(stays)
                stays.append(Stay(site=look.site, step=look.step, station=look.station, index=look.index))
            elif at is not None and edition >= ReadingEdition.FIFTH:
                stays[at] = _named(look, stays[at])
            told.append((look, at))
        elif look.physical:
            if told and _takes_back(look, told[0][0]):
                _undo(told, stays, edition)
                told, at = [], at if len(stays) >= MOST_STAYS else None
            if at is not None:
                own = edition >= ReadingEdition.FOURTH and _gave(look, at, stays, edition)
                look_again(look, at, stays, ends=at if own else -1)
            elif not told:
                stays.append(opened(look, look.step, edition))
    return stays, told[-1][0] if told else None


def _takes_back(look: Look, delivery: Look) -> bool:
    same, apart_ms = look.station == delivery.station, abs(look.at_ms - delivery.at_ms)
    return look.biz_step != UNPACKS and not at_door(look.biz_step, same=same, apart_ms=apart_ms)


def _undo(told: Sequence[tuple[Look, int | None]], stays: list[Stay], edition: ReadingEdition) -> None:
    for look, at in told:
        if at is not None:
            look_again(look, at, stays)
    first, at = told[0]
    if at is not None and stays[at].at_ms is None and edition >= ReadingEdition.FOURTH:
        stays[at] = replace(stays[at], at_ms=first.at_ms)


def _stay_of(look: Look, stays: list[Stay], edition: ReadingEdition) -> int | None:
    """Which stay a look belongs to; None if it opens one."""
    courier = look.step is Step.COURIER
    mine = [
        at
        for at, stay in enumerate(stays)
        if (stay.site, stay.step) == (look.site, look.step) and (not courier or _same_hands(look, stay, edition))
    ]
    if not mine:
        return None
    back = any(courier or stay.step in MOBILE or stay.site != look.site for stay in stays[mine[-1] + 1 :])
    kept = not back or len(stays) >= MOST_STAYS or _gave(look, mine[-1], stays, edition)
    return mine[-1] if kept else None


def _gave(look: Look, at: int, stays: list[Stay], edition: ReadingEdition) -> bool:
    """Whether it is the word of who had the parcel at a stay that its newest taker has it from him."""
    direct = at == len(stays) - 2 or edition < ReadingEdition.FOURTH
    return direct and look.biz_step in RELEASES and _on_arrival(look, stays[-1])


def _same_hands(look: Look, stay: Stay, edition: ReadingEdition) -> bool:
    named = look.handler is not None and stay.handler is not None
    if edition >= ReadingEdition.FIFTH:
        return look.station == stay.station or (named and look.handler in {stay.handler, *stay.others})
    return look.handler == stay.handler if named else look.station == stay.station


def opened(look: Look, step: Step, edition: ReadingEdition) -> Stay:
    """The stay that a look opens, by that edition."""
    left = edition >= ReadingEdition.FIFTH and look.biz_step in RELEASES
    wrong = look.seal is SealSeen.ANOMALY
    return Stay(
        site=look.site,
        step=step,
        station=look.station,
        at_ms=look.at_ms,
        handler=look.handler,
        photo=None if left else look.photo,
        seal=SealSeen.NOT_READ if look.act or (left and wrong) else look.seal,
        mass_g=None if left else look.mass_g,
        late_seal=SealSeen.ANOMALY if wrong and (look.act or left) else SealSeen.NOT_READ,
        late_mass_g=look.mass_g if left else None,
        handled=look.act,
        left=left,
        index=look.index,
    )


def look_again(look: Look, at: int, stays: list[Stay], ends: int = -1) -> None:
    """One more scan of a stay. What is found wrong after arrival went wrong in the stay that `ends` then or before."""
    stay = stays[at]
    on_arrival = at == len(stays) - 1 and _on_arrival(look, stay) and not stay.left
    untouched = not (look.act or stay.handled)
    came_so = on_arrival and untouched and stay.seal is SealSeen.NOT_READ
    wrong_late = look.seal is SealSeen.ANOMALY and stay.seal is not SealSeen.ANOMALY and not came_so
    weighed_late = look.mass_g is not None and not (on_arrival and stay.mass_g is None)
    stays[at] = replace(
        _named(look, stay),
        seal=worst(stay.seal, look.seal) if untouched and not wrong_late else stay.seal,
        mass_g=look.mass_g if on_arrival and stay.mass_g is None else stay.mass_g,
        photo=None if stay.at_ms is None or stay.left else bool(stay.photo or look.photo),
        handled=stay.handled or look.act,
        index=look.index if stay.index is None else min(stay.index, look.index),
    )
    if wrong_late:
        stays[ends] = replace(stays[ends], late_seal=SealSeen.ANOMALY)
    if weighed_late:
        stays[ends] = replace(stays[ends], late_mass_g=look.mass_g)


def _named(look: Look, stay: Stay) -> Stay:
    """The stay with whom a look names; of those who shared it, as many as count."""
    if look.handler is None or stay.handler is None:
        return replace(stay, handler=stay.handler or look.handler)
    known = look.handler in {stay.handler, *stay.others} or len(stay.others) + 1 >= MOST_HANDS
    return stay if known or stay.step is not Step.COURIER else replace(stay, others=(*stay.others, look.handler))


def _on_arrival(look: Look, stay: Stay) -> bool:
    return stay.at_ms is not None and look.at_ms - stay.at_ms <= ARRIVAL_MS


def worst(*seals: SealSeen) -> SealSeen:
    """The worst of several readings of one seal."""
    return max(seals, key=[SealSeen.NOT_READ, SealSeen.OK, SealSeen.ANOMALY].index)
