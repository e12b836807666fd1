"""What is known of a parcel's contents where goods are named by their class alone: how many, and not which.

Inside are as many of a class as there are serial numbers of it, and `Goods.count` more: those that were packed by
class, less those that came out so. Once none is left, nothing of the class is inside. Else what may have come out and
may still be inside is `unsure`: whoever reads it finds no stranger, and it lies nowhere.

IMEIs that name goods of a class are of it while they are inside. Where a packing names several classes, they may be of
any of them, and the last of one class leaves them unsure.
"""

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from custody.gs1.event import Event
from custody.scans.advance import SGTIN, is_one, is_whole, names_of
from custody.scans.view import Goods, UnitView

_CLASS_PARTS = 5
"""Of https://id.gs1.org/01/<GTIN> between slashes."""


def count_classes(before: UnitView, after: UnitView, event: Event) -> UnitView:
    """The view after an aggregation, with what it says by class; `after` has what it says by name."""
    if event.action == "ADD" and event.biz_step == "packing":
        return _put_in(before, after, event)
    if event.action != "DELETE" or event.biz_step != "unpacking":
        return after
    if is_whole(event):
        emptied_ms = max(event.event_time_ms, before.emptied_ms or 0)
        return replace(after, goods=(), unsure=frozenset(), emptied_ms=emptied_ms)
    return _take_out(before, after, event)


def _put_in(before: UnitView, after: UnitView, event: Event) -> UnitView:
    if not event.quantities and not before.unsure:
        return after
    items = [key for key in event.children if is_one(key)]
    back = [key for key in items if key in before.unsure]
    named = _spread(names_of((*items, *event.imeis)), after)
    found = frozenset(key for key in before.unsure if not names_of([key]).isdisjoint(named))
    after = replace(after, expected_serials=after.expected_serials | found, unsure=before.unsure - found)
    for key in back:
        after = _put_goods(after, _class_of(key), _add(_count_of(after, _class_of(key)), 1))
    if not items and event.imeis and names_of(event.imeis) <= before.expected_serials:
        return after
    for key, count in event.quantities:
        more = _add(_count_of(after, _class_of(key)), count)
        after = _put_goods(after, _class_of(key), more, () if items else event.imeis)
    return after


def _take_out(before: UnitView, after: UnitView, event: Event) -> UnitView:
    if not event.quantities and not before.goods and not before.unsure:
        return after
    items = [key for key in event.children if is_one(key)]
    out = _spread(names_of((*event.children, *event.imeis)), before)
    after = replace(
        after,
        unsure=frozenset(key for key in before.unsure if names_of([key]).isdisjoint(out)),
        goods=tuple(replace(goods, imeis=goods.imeis - out) for goods in before.goods),
    )
    taken: dict[str, float | None] = {_class_of(key): 0 for key in items if before.goods}
    for key, count in event.quantities:
        taken[_class_of(key)] = _add(taken.get(_class_of(key), 0), count)
    for key, count in taken.items():
        others = _strangers(before, event) if not items and len(taken) == 1 else 0
        after = _take_class(before, after, key, _add(count, -others), items=items, out=out)
    return after


def _take_class(
    before: UnitView, after: UnitView, key: str, count: float | None, *, items: Iterable[str], out: frozenset[str]
) -> UnitView:
    """With so many of a class out, in whatever way they were named; of some nobody said how many they are (None)."""
    goods = next((each for each in before.goods if each.key == key), None)
    were, serials = _serials(before, key), _serials(after, key)
    if goods is None and not were:
        return after
    imeis = frozenset() if goods is None else goods.imeis & out
    by_item = [item for item in items if item in were or not names_of([item]).isdisjoint(imeis)]
    by_imei = len(were) - len(serials) - len([item for item in by_item if item in were])
    by_imei += _handsets(imeis - names_of(by_item), before)
    left = _add(_add(_count_of(before, key), len(were) - len(by_item)), None if count is None else -count)
    if left is not None and left <= 0:
        return _empty(after, key)
    after = _put_goods(after, key, None if left is None else left - len(serials))
    if count is not None and count <= by_imei:
        return after
    unsure = _names_of_class(after, key)
    return replace(after, expected_serials=after.expected_serials - unsure, unsure=after.unsure | unsure)


def _empty(view: UnitView, key: str) -> UnitView:
    """With nothing of a class inside."""
    gone = _names_of_class(view, key)
    goods = tuple(each for each in view.goods if each.key != key)
    shared = _spread(frozenset().union(*(each.imeis for each in goods)), view) & gone
    return replace(
        view,
        goods=goods,
        expected_serials=view.expected_serials - gone,
        unsure=(view.unsure - gone) | shared,
        joined=tuple(names for names in view.joined if names.isdisjoint(gone - shared)),
    )


def _put_goods(view: UnitView, key: str, count: float | None, imeis: Collection[str] = ()) -> UnitView:
    before = next((each for each in view.goods if each.key == key), Goods(key=key, count=0))
    goods = replace(before, count=count, imeis=before.imeis.union(imeis))
    others = tuple(each for each in view.goods if each.key != key)
    return replace(view, goods=(*others, goods) if goods.count != 0 or goods.imeis else others)


def _count_of(view: UnitView, key: str) -> float | None:
    return next((each.count for each in view.goods if each.key == key), 0)


def _names_of_class(view: UnitView, key: str) -> frozenset[str]:
    """The names inside of what is, or may be, of a class."""
    imeis = next((each.imeis for each in view.goods if each.key == key), frozenset())
    names = _spread(names_of(_serials(view, key)) | imeis, view)
    return names & (view.expected_serials | view.unsure)


def _serials(view: UnitView, key: str) -> list[str]:
    return [name for name in view.expected_serials | view.unsure if is_one(name) and _class_of(name) == key]


def _strangers(view: UnitView, event: Event) -> int:
    """How many handsets an event names by IMEIs that are not inside."""
    inside = names_of(view.expected_serials | view.unsure)
    return _handsets(frozenset(event.imeis) - inside, view)


def _handsets(names: frozenset[str], view: UnitView) -> int:
    """How many handsets these are names of."""
    same = [each & names for each in view.joined]
    return len(names) - sum(len(each) - 1 for each in same if each)


def _spread(names: frozenset[str], view: UnitView) -> frozenset[str]:
    """With all other names of the same handsets."""
    return names.union(*(each for each in view.joined if not each.isdisjoint(names)))


def _class_of(key: str) -> str:
    """The class of a serial number, of a lot, or the key itself."""
    return "/".join(key.split("/")[:_CLASS_PARTS]) if key.startswith(SGTIN) else key


def _add(count: float | None, more: float | None) -> float | None:
    return None if count is None or more is None else count + more
