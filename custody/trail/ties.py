"""Which records tie a handset's IMEI to a parcel, and whether two of them are independent.

A handset may be locked without two people only if two independent records tie its IMEI to the parcel. A record ties
when a standing scan names the handset with the parcel: packed into it, read through its window, seen or unpacked in
it; or commissioned or sold for an order that a scan of the parcel names too. Two ties are independent only if different
stations signed them, at different moments (`MOMENT_MS` apart, so that two devices of one bench at one handling are one
act), not both by one handler (`wl:handler`, where both say who that was), and neither is a copy: an acceptance that
merely passes on what its upstream event said copies it, unless it says that the number was scanned.

One of the two is of the sender: of the custodian who packed, or the handset's own record for an order that this
custodian named with the parcel. What only later custodians say of a parcel ties no handset to it.

What neither ties nor contradicts: quarantined scans, scans under a suspect key, events declared wrong, transformations
(their parts lie in no parcel) and events of somebody's own type.

A record that gives the parcel another handset, or the handset another order or another parcel at the same time,
contradicts and voids every tie: a mistaken lock hits an innocent stranger. The handsets of a parcel are those of who
packed first (`contents.py`): who puts another one in on the way contradicts them. Other goods or an empty box found
later contradict nothing: they say that the handset left, not that it was another one.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from custody.gs1.imei import imei_urn
from custody.kernel.clock import SECOND_MS, Instant
from custody.trail.arrange import Entry
from custody.trail.contents import packed_first, packer
from custody.trail.finding import Finding, FindingKind
from custody.trail.names import aliases, imei_of, is_item, is_parcel, named, orders, same_orders, short
from custody.trail.trail import Trail

MOMENT_MS = 5 * SECOND_MS

TieKind = Literal["commissioned", "sold", "packed", "seen_inside", "unpacked", "read_with_parcel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """One record that names the handset with the parcel. `copied_from` is the index of the record it passes on."""

    index: int
    station: str
    at_ms: Instant
    received_ms: Instant
    kind: TieKind
    handler: str | None
    keyed: bool
    copied_from: int | None
    void: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImeiTies:
    """All ties of one IMEI, the contradictions, and an independent pair if there is one and nothing contradicts."""

    imei: str
    ties: tuple[Tie, ...]
    findings: tuple[Finding, ...]
    pair: tuple[Tie, Tie] | None

    @property
    def bound(self) -> bool:
        """Whether two independent records tie the handset to the parcel and nothing contradicts them."""
        return self.pair is not None


def bind(trail: Trail, imei: str) -> ImeiTies:
    """The ties with their contradictions; raises `Rejected("imei")` for something that is no IMEI."""
    urn = imei_urn(imei_of(imei) or imei)
    names = next((item.names for item in trail.belongings.items if urn in item.names), frozenset({urn}))
    contradictions = _contradictions(trail, names)
    sender = packer(trail.entries, trail.belongings)
    sent_for = _parcel_orders(trail, sender)
    found: list[Tie] = []
    of_sender: list[Tie] = []
    for entry in trail.entries:
        kind = _kind(entry, trail, names) if _proves(entry) else None
        if kind is not None:
            found.append(
                Tie(
                    index=entry.index,
                    station=entry.station.station,
                    at_ms=entry.at_ms,
                    received_ms=entry.received_ms,
                    kind=kind,
                    handler=entry.marks.handler,
                    keyed=entry.marks.entry_mode == "keyed",
                    copied_from=_copied_from(entry, trail, names),
                    void=bool(contradictions),
                )
            )
            if entry.station.custodian == sender or (
                entry.via != "parcel" and same_orders(orders(entry.event), sent_for)
            ):
                of_sender.append(found[-1])
    pairs = (pair for pair in combinations(found, 2) if independent(*pair) and any(tie in of_sender for tie in pair))
    return ImeiTies(imei=urn, ties=tuple(found), findings=contradictions, pair=next(pairs, None))


def independent(one: Tie, two: Tie) -> bool:
    """Whether two ties stand on their own feet."""
    usable = not (one.void or two.void) and one.copied_from is None and two.copied_from is None
    one_person = one.handler is not None and one.handler == two.handler
    return usable and not one_person and one.station != two.station and abs(one.at_ms - two.at_ms) >= MOMENT_MS


def _proves(entry: Entry) -> bool:
    told = entry.event.action is not None
    return told and entry.counts and "key_suspect" not in entry.sealed.flags


def _kind(entry: Entry, trail: Trail, names: frozenset[str]) -> TieKind | None:
    """How the scan ties; None if it does not name the handset together with the parcel or its order."""
    event = entry.event
    if not names & _items(entry):
        return None
    if entry.via == "parcel":
        if event.type == "AggregationEvent" and event.parent == trail.belongings.parcel:
            kinds: dict[str | None, TieKind] = {"ADD": "packed", "DELETE": "unpacked"}
            return kinds.get(event.action, "seen_inside")
        return "read_with_parcel"
    if not same_orders(orders(event), _parcel_orders(trail)):
        return None
    if event.type == "TransactionEvent":
        return "sold"
    return "commissioned" if event.action == "ADD" and event.biz_step == "commissioning" else None


def _parcel_orders(trail: Trail, custodian: str | None = None) -> frozenset[str]:
    """The orders that scans of the parcel itself name; an order known from the handset alone would prove a circle.

    Only those that a `custodian` named, if one is given.
    """
    own = [entry for entry in trail.entries if entry.via == "parcel" and _proves(entry)]
    if custodian is not None:
        own = [entry for entry in own if entry.station.custodian == custodian]
    alone = [entry.event for entry in own if sum(is_parcel(key) for key in named(entry.event)) == 1]
    return frozenset(order for event in alone for order in orders(event))


def _items(entry: Entry) -> frozenset[str]:
    """Every name of a handset that the scan says it handled."""
    keys = (*named(entry.event), *entry.event.imeis)
    return frozenset(alias for key in keys if is_item(key) for alias in aliases(key))


def _copied_from(entry: Entry, trail: Trail, names: frozenset[str]) -> int | None:
    """The upstream record whose number this scan merely passes on."""
    if entry.marks.entry_mode == "scanned" or any(is_item(key) for key in named(entry.event)):
        return None
    upstream_ids = {identifier for kind, identifier in entry.event.transactions if kind == "upevt"}
    for earlier in trail.entries:
        upstream = earlier.digest == entry.marks.upstream or earlier.event.event_id in upstream_ids
        if upstream and earlier.digest != entry.digest and names & _items(earlier):
            return earlier.index
    return None


def _contradictions(trail: Trail, names: frozenset[str]) -> tuple[Finding, ...]:
    """Records that name another handset for the parcel, or another order or another parcel for the handset."""
    several = len(trail.belongings.items) > 1
    own = packed_first(trail.entries, trail.belongings)
    expected = {name for item in own for name in item.names} if several else set(names)
    due = _parcel_orders(trail)
    found = []
    for entry in trail.entries:
        others = _items(entry) - expected if _proves(entry) and entry.via in {"parcel", "item"} else frozenset()
        strangers = {key for key in others if not aliases(key) & expected}
        if strangers:
            sentence = (
                f"Index {entry.where} names {short(min(strangers))} with this parcel, not "
                f"{short(min(expected, key=lambda name: (imei_of(name) is None, name)))}: the numbers disagree."
            )
            found.append(Finding(kind=FindingKind.TIE_DISPUTED, sentence=sentence, indices=(entry.index,)))
        sold_for = (
            orders(entry.event) if entry.via == "item" and _proves(entry) and names & _items(entry) else frozenset()
        )
        if sold_for and due and not same_orders(sold_for, due):
            sentence = f"Index {entry.where} ties the handset to another order than the parcel's."
            found.append(Finding(kind=FindingKind.TIE_DISPUTED, sentence=sentence, indices=(entry.index,)))
    elsewhere = {FindingKind.ITEM_ELSEWHERE, FindingKind.CONTENTS_CONFLICT}
    return (*found, *(finding for finding in trail.belongings.findings if finding.kind in elsewhere))
