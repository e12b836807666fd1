"""The judge: one scan against what is known. Total and pure: every combination of facts gives a verdict.

Nothing that is signed and parseable is thrown away; the judge only says whether it counts at once (accepted), counts
with reasons to look (flagged), or is kept aside (quarantined). Each check reads its own facts and no others. What is
not known is not held against a scan. By which edition of its rules it judges comes with the tolerances (`edition.py`).
"""

from collections.abc import Iterable, Iterator

from custody.gs1.event import Event
from custody.gs1.imei import serial_as_imei
from custody.kernel.clock import Instant, say_ms
from custody.kernel.key_standing import KeyStanding
from custody.scans.advance import RECIPIENT, SGTIN, is_about_one, is_one, weighs_one
from custody.scans.edition import FIRST, THIRD, Edition
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import Flag, Verdict, already_done, sum_up
from custody.scans.view import REMOVED, Seal, StationHead, UnitView

_BEGINS_A_UNIT = frozenset({"commissioning", "packing"})
_GONE = frozenset({"broken", "missing"})


def judge(
    scan: Scan,
    *,
    standing: KeyStanding,
    head: StationHead | None,
    unit: UnitView,
    now_ms: Instant,
    tolerances: Tolerances,
) -> Verdict:
    """The verdict on a scan whose signature was verified, or whose key is not known; `now_ms` is the receipt."""
    if is_newest(scan, head):
        return already_done()
    sequence = sequence_flags(scan.seq, scan.prev, head)
    return sum_up(reasons(scan, standing=standing, sequence=sequence, unit=unit, now_ms=now_ms, tolerances=tolerances))


def judge_repeat(stored_link: bytes | None, scan: Scan) -> Verdict | None:
    """The verdict on a scan whose number a statement has taken already; None if none has (then `judge` it).

    The same statement is a repeat and answered as such. Another one under the same number is evidence of tampering:
    both are kept.
    """
    if stored_link is None:
        return None
    return already_done() if stored_link == scan.link else sum_up([tampered(scan.seq)])


def is_newest(scan: Scan, head: StationHead | None) -> bool:
    """Whether the scan is the station's newest statement itself, come again."""
    return head is not None and (head.seq, head.digest) == (scan.seq, scan.link)


def reasons(
    scan: Scan,
    *,
    standing: KeyStanding,
    sequence: Iterable[Flag],
    unit: UnitView,
    now_ms: Instant,
    tolerances: Tolerances,
) -> tuple[Flag, ...]:
    """Every flag of a scan about one parcel; `sequence` are those of its statement in the station's sequence."""
    withdraws = scan.event.error_declaration is not None and tolerances.edition >= THIRD
    return (
        *_key(standing),
        *sequence,
        *_clock(scan, now_ms, tolerances),
        *_parcel(scan.event, unit),
        *(() if withdraws else _said(scan.event, unit, tolerances)),
    )


def _said(event: Event, unit: UnitView, tolerances: Tolerances) -> Iterator[Flag]:
    """What differs between what the event says of the parcel and what is known of it."""
    yield from _order(event, unit, tolerances)
    yield from _weight(event, unit, tolerances)
    yield from _seal(event, unit, tolerances)
    yield from _serial(event, unit)


def _key(standing: KeyStanding) -> Iterator[Flag]:
    if standing is KeyStanding.UNKNOWN:
        yield Flag(code="key_unknown", text="The key that signed is not in the registry.")
    elif standing is KeyStanding.REVOKED:
        yield Flag(code="key_revoked", text="The key that signed was revoked before.")
    elif standing is KeyStanding.SUSPECT:
        yield Flag(code="key_suspect", text="Unproven: the key that signed is suspect at this place in the log.")


def sequence_flags(seq: int, prev: bytes | None, head: StationHead | None) -> Iterator[Flag]:
    """What is wrong with a statement's place in its station's sequence: its (first) number, and what it follows."""
    newest = 0 if head is None else head.seq
    if seq > newest + 1:
        yield Flag(
            code="sequence_gap",
            text=f"{seq - newest - 1} statements of this station are missing, {newest + 1} to {seq - 1}.",
            facts=(("from", newest + 1), ("to", seq - 1)),
        )
    elif head is not None and seq == head.seq:
        yield tampered(seq)
    elif head is not None and seq == head.seq + 1 and prev != head.digest:
        yield Flag(
            code="chain_broken",
            text=f"Statement {seq} does not follow the station's statement {head.seq} that is stored.",
            facts=(("seq", seq),),
        )


def tampered(seq: int) -> Flag:
    """One number, two contents."""
    text = f"The station has signed two different statements with number {seq}; both are kept."
    return Flag(code="tamper_evidence", text=text, facts=(("seq", seq),))


def _ahead_ms(scan: Scan, now_ms: Instant) -> int:
    """How far the station's clock runs ahead: of the receipt, or of its own signature."""
    made_ms, signed_ms = scan.event.event_time_ms, scan.iat_s * 1000
    return max(signed_ms - now_ms, made_ms - now_ms, made_ms - signed_ms - 999)  # iat has whole seconds only


def _late_ms(scan: Scan, now_ms: Instant) -> int:
    """How long after it was made the scan came. An error declaration repeats an old time and is made when signed."""
    signed_ms = scan.iat_s * 1000
    made_ms = signed_ms if scan.event.error_declaration else min(signed_ms, scan.event.event_time_ms)
    return now_ms - made_ms


def _clock(scan: Scan, now_ms: Instant, tolerances: Tolerances) -> Iterator[Flag]:
    ahead_ms, late_ms = _ahead_ms(scan, now_ms), _late_ms(scan, now_ms)
    if ahead_ms > tolerances.skew_quarantine_ms:
        text = f"The station's clock is {say_ms(ahead_ms)} ahead, more than may be believed."
        yield Flag(code="clock_quarantine", text=text, facts=(("ahead_ms", ahead_ms),))
    elif ahead_ms > tolerances.skew_flag_ms:
        text = f"The station's clock is {say_ms(ahead_ms)} ahead; both times are kept."
        yield Flag(code="clock_skew", text=text, facts=(("ahead_ms", ahead_ms),))
    if late_ms > tolerances.offline_ms:
        text = f"Received {say_ms(late_ms)} after it was made, more than a station may store."
        yield Flag(code="too_late", text=text, facts=(("late_ms", late_ms),))
    elif late_ms > tolerances.skew_flag_ms:
        text = f"Received {say_ms(late_ms)} after it was made: stored by the station and sent later."
        yield Flag(code="late_offline", text=text, facts=(("late_ms", late_ms),))


def _parcel(event: Event, unit: UnitView) -> Iterator[Flag]:
    if not unit.known and not begins_a_unit(event):
        yield Flag(code="unknown_parcel", text="No earlier record names this parcel.")


def begins_a_unit(event: Event) -> bool:
    """Whether with the event a parcel, or a handset, comes into being for us."""
    return event.action == "ADD" and event.biz_step in _BEGINS_A_UNIT


def _order(event: Event, unit: UnitView, tolerances: Tolerances) -> Iterator[Flag]:
    givers, takers = event.parties() if event.biz_step == "accepting" else (frozenset(), frozenset())
    delivered = unit.custodian in givers and all(RECIPIENT in taker for taker in takers)
    if takers and unit.released_to and not takers & unit.released_to:
        yield Flag(code="not_due_here", text="Accepted by someone to whom it was not released.")
    elif takers and not unit.released_to and unit.custodian not in {None, *takers} and not delivered:
        yield Flag(code="not_due_here", text="Accepted while its custodian had released it to nobody.")
    older_ms = 0 if unit.last_event_ms is None else unit.last_event_ms - event.event_time_ms
    if older_ms > tolerances.skew_flag_ms and event.error_declaration is None:
        text = f"Made {say_ms(older_ms)} before the newest record of this parcel."
        yield Flag(code="not_due_here", text=text, facts=(("older_ms", older_ms),))


def _weight(event: Event, unit: UnitView, tolerances: Tolerances) -> Iterator[Flag]:
    if not event.masses_g or event.biz_step == "unpacking":
        return
    if tolerances.edition is not FIRST and not weighs_one(event):
        return
    mass_g = event.masses_g[-1]
    declared_g = unit.declared_g if unit.declared_g is not None else event.extensions.get("wl:declaredMassGrams")
    previous = max(unit.weights, key=lambda weight: weight.at_ms, default=None)
    expectations = (
        ("declared", declared_g, tolerances.from_declared_g),
        ("weighed before", None if previous is None else previous.mass_g, tolerances.from_previous_g),
    )
    for word, expected_g, limit_g in expectations:
        if expected_g is not None and abs(mass_g - expected_g) > limit_g:
            yield Flag(
                code="weight_out",
                text=f"{mass_g:g} g where {expected_g:g} g was {word}; {limit_g:.1f} g may differ.",
                facts=(("mass_g", mass_g), ("expected_g", expected_g), ("limit_g", round(limit_g, 3))),
            )


def _seal(event: Event, unit: UnitView, tolerances: Tolerances) -> Iterator[Flag]:
    number, state = event.extensions.get("wl:sealNumber"), event.extensions.get("wl:sealState")
    if event.biz_step == "unpacking":
        return  # opening the box is what unpacking is
    if state in _GONE:
        yield Flag(code="seal_differs", text=f"The seal is {state}.")
    elif number is not None and unit.seal is not None and number.upper() != unit.seal.number.upper():
        yield from _other_seal(number, event, unit.seal, tolerances.edition)


def _other_seal(number: str, event: Event, seal: Seal, edition: Edition) -> Iterator[Flag]:
    """A seal is read, or put on, that has another number than the one that was applied."""
    puts_on = event.type == "AssociationEvent" and event.action == "ADD"
    if (puts_on and seal.state in _GONE) or (edition is not FIRST and not is_about_one(event)):
        return
    facts = (("found", number), ("applied", seal.number))
    if puts_on and seal.state == REMOVED:
        text = f"Seal {number} was put on where {seal.number} was recorded as taken off."
        yield Flag(code="seal_replaced", text=text, facts=facts)
    else:
        yield Flag(code="seal_differs", text=f"Seal {number} where {seal.number} was applied.", facts=facts)


def _serial(event: Event, unit: UnitView) -> Iterator[Flag]:
    things = {key for key in (*event.epcs, *event.children) if is_one(key)}
    if not things and not event.imeis:
        return
    found = _names(things | set(event.imeis))
    expected = _names(unit.expected_serials)
    if found and expected:
        possible = expected | _names(unit.unsure)
        strangers = {key for key in things if not _names({key}) & possible}
        if not found & possible or (strangers and any(key.startswith(SGTIN) for key in expected)):
            yield Flag(code="serial_differs", text="What was read is not what should be inside.")
    if found & _names(unit.duplicates):
        yield Flag(code="serial_differs", text="What was read is in another parcel by the records.")


def _names(keys: set[str] | frozenset[str]) -> set[str]:
    """The keys and, for an SGTIN whose serial is an IMEI, that IMEI."""
    return {*keys, *(imei for imei in map(serial_as_imei, keys) if imei is not None)}
