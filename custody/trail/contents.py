"""What was found inside against what was packed.

Each look inside is one of: packed, same, differs (another handset), other_goods (another class), short (empty or too
few), complete (said to be complete, nothing read), unknown (something was read, but nothing says what ought to be
there). An inspection never rewrites the packing: both stay. What was packed is what the custodian packed who packed
first by the log: who puts another handset in on the way, or says so, does not make it the one that was sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from custody.trail.arrange import Entry
from custody.trail.belongings import Belongings
from custody.trail.closure import Item
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.finding import Finding, FindingKind
from custody.trail.names import PRODUCT, aliases, is_item
from custody.trail.route import name_station
from custody.trail.sights import Sight, SightTrace, trace_sights

Goods = tuple[tuple[str, float | None], ...]
ContentsFound = Literal["packed", "same", "differs", "other_goods", "short", "complete", "unknown"]

GOOD_CONTENTS: frozenset[ContentsFound] = frozenset({"packed", "same", "complete"})
BAD_CONTENTS: frozenset[ContentsFound] = frozenset({"differs", "other_goods", "short"})
_KINDS: Mapping[ContentsFound, tuple[FindingKind, str]] = {
    "differs": (FindingKind.SERIAL_DIFFERS, "found another handset than was packed"),
    "other_goods": (FindingKind.OTHER_GOODS, "found goods of another kind than were packed"),
    "short": (FindingKind.CONTENTS_SHORT, "found the box empty or short"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentsSight(Sight):
    """One look at what is inside; `expected` and `found` are canonical keys."""

    result: ContentsFound
    expected: tuple[str, ...]
    found: tuple[str, ...]


ContentsTrace = SightTrace[ContentsSight]


def read_contents(entries: Iterable[Entry], belongings: Belongings, edition: ReadingEdition = NEWEST) -> ContentsTrace:
    """The trace of what was inside."""
    counted = [entry for entry in entries if entry.counts]
    items = packed_first(counted, belongings)
    sights = [sight for entry in counted if (sight := _look(entry, belongings, items, edition)) is not None]
    findings = [
        Finding(
            kind=_KINDS[sight.result][0],
            sentence=f"Index {sight.where} at {sight.name} {_KINDS[sight.result][1]}.",
            indices=(sight.index,),
        )
        for sight in sights
        if sight.result in BAD_CONTENTS
    ]
    if not sights:
        sentence = "Nobody recorded what was inside."
    elif findings:
        sentence = findings[0].sentence
    elif any(sight.result in {"same", "complete"} for sight in sights):
        sentence = "Every look inside found what was packed."
    else:
        sentence = "Packed, and not looked into since."
    return trace_sights(
        sights,
        is_good=lambda sight: sight.result in GOOD_CONTENTS,
        is_bad=lambda sight: sight.result in BAD_CONTENTS,
        sentence=sentence,
        findings=findings,
    )


def packed_first(entries: Iterable[Entry], belongings: Belongings) -> tuple[Item, ...]:
    """The handsets that were packed by whoever packed first; all that are known if nobody named one."""
    packings = [entry for entry in entries if entry.counts and _puts_in(entry, belongings)]
    first = min(packings, key=lambda entry: entry.place, default=None)
    own = [entry.event for entry in packings if first and entry.station.custodian == first.station.custodian]
    named = {alias for event in own for key in (*event.children, *event.imeis) for alias in aliases(key)}
    return tuple(item for item in belongings.items if item.names & named) or belongings.items


def packer(entries: Iterable[Entry], belongings: Belongings) -> str | None:
    """The custodian who packed first, by the order of the log; of the first scan of the parcel, if nobody packed it."""
    counted = sorted((entry for entry in entries if entry.counts and entry.via == "parcel"), key=lambda e: e.place)
    first = next((entry for entry in counted if _puts_in(entry, belongings)), next(iter(counted), None))
    return None if first is None else first.station.custodian


def _puts_in(entry: Entry, belongings: Belongings) -> bool:
    event = entry.event
    return event.type == "AggregationEvent" and event.action == "ADD" and event.parent == belongings.parcel


def _look(
    entry: Entry, belongings: Belongings, items: tuple[Item, ...], edition: ReadingEdition
) -> ContentsSight | None:
    """What one scan says of the contents; None if it says nothing."""
    event = entry.event
    if entry.via not in {"parcel", "item"} or (entry.via == "item" and not entry.marks.expected):
        return None
    inside = event.type == "AggregationEvent" and event.parent == belongings.parcel
    read = [key for key in (*event.children, *event.epcs) if is_item(key)] or list(event.imeis)
    goods = [key for key, _ in event.quantities]
    packed = {name for item in items for name in item.names}
    expected = tuple(item.key for item in items) or entry.marks.expected
    names = packed or {alias for key in entry.marks.expected for alias in aliases(key)}
    result = _judge(entry, inside=inside, read=read, names=names, edition=edition)
    if result is None:
        return None
    return ContentsSight(
        index=entry.index,
        where=entry.where,
        at_ms=entry.at_ms,
        received_ms=entry.received_ms,
        place=entry.station.place,
        name=name_station(entry.station),
        result=result,
        expected=expected,
        found=tuple(dict.fromkeys((*read, *goods))),
    )


def _judge(
    entry: Entry, *, inside: bool, read: list[str], names: set[str], edition: ReadingEdition
) -> ContentsFound | None:
    disposition, goods = entry.event.disposition, entry.event.quantities
    by_word: dict[str, ContentsFound] = {
        "mismatch_class": "other_goods",
        "mismatch_instance": "differs",
        "mismatch_quantity": "short",
    }
    if disposition in by_word:
        return by_word[disposition]
    if inside and entry.event.action == "ADD":
        strange = bool(names) and not all(aliases(key) & names for key in read)
        return "differs" if strange else "packed" if read or goods else None
    if read:
        if not names:
            return "unknown"
        return "same" if all(aliases(key) & names for key in read) else "differs"
    if inside and goods:
        return _class_result(goods, names) if edition >= ReadingEdition.THIRD else _class_before(goods, names)
    complete = disposition == "completeness_verified" or "completeness_verified" in entry.event.persistent_set
    return "complete" if complete else None


def _class_result(goods: Goods, names: set[str]) -> ContentsFound:
    """Goods known by class only: right if the class is that of a handset that was packed, or a lot of it.

    What was counted and is none was not found.
    """
    classes = _classes(names)
    if not classes:
        return "unknown"
    there = [key for key, count in goods if count != 0]
    if not all(_product(key) in classes for key in there):
        return "other_goods"
    return "same" if there else "short"


def _class_before(goods: Goods, names: set[str]) -> ContentsFound:
    """As `_class_result` by the first two editions: a lot was of another class, and none was as good as one."""
    classes = _classes(names)
    if not classes:
        return "unknown"
    return "same" if all(key in classes for key, _ in goods) else "other_goods"


def _classes(names: set[str]) -> set[str]:
    return {_product(name) for name in names if name.startswith(PRODUCT)}


def _product(key: str) -> str:
    """The GTIN of a handset, a class or a lot; any other key as it stands."""
    return key[: len(PRODUCT) + 14] if key.startswith(PRODUCT) else key
