"""How strong the proof of delivery is, in words of what it proves; weakest first.

- `none`: the carrier's word. The last party that countersigned is named.
- `photo`: a box stood at a door at that moment.
- `pin_sealed`: the recipient confirmed receipt; a PIN is given before the box is opened and proves a box, not a phone.
- `unpacked_complete`: the recipient unpacked it and confirmed that it was complete. It is an event of its own, and it
  counts only if a verified check of the recipient stands in it or somebody else than the deliverer signed it.

A delivery after which a carrier had the parcel again is no delivery any more. Whether a check held is the word of
verifiers in the log (`attested.py`); without one, or where it is contradicted, the check is recorded and no more
(None): the sentence says so, and it makes nothing of what only the deliverer says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from custody.kernel.clock import Instant
from custody.trail.arrange import Entry
from custody.trail.attested import Checks
from custody.trail.contents import BAD_CONTENTS, ContentsTrace
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.finding import Finding, FindingKind
from custody.trail.runs import Run
from custody.trail.segments import Chain

Strength = Literal["not_delivered", "none", "photo", "pin_sealed", "unpacked_complete"]

_UNPACKING = "unpacking"
_TAKEN_BACK = "The delivery does not stand: a carrier had the parcel again."
_CONFIRMED = "The recipient's check confirms that a box was received; it says nothing of what was inside."
_RECORDED = (
    "By a recorded check, which nobody has verified here, the recipient received a box; it says nothing of what was "
    "inside."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryProof:
    """How well the delivery is proved. `reopened`: it was delivered once and a carrier had the parcel again."""

    strength: Strength
    sentence: str
    reopened: bool
    last_countersigned: str | None
    index: int | None = None
    at_ms: Instant | None = None
    received_ms: Instant | None = None
    method: str | None = None
    confirms: str | None = None
    attempts: str | None = None
    check_verified: bool | None = None
    findings: tuple[Finding, ...] = ()


def prove_delivery(
    entries: tuple[Entry, ...],
    chain: Chain,
    contents: ContentsTrace,
    checks: Checks,
    edition: ReadingEdition = NEWEST,
) -> DeliveryProof:
    """How well the outbound delivery is proved.

    By the first edition a recorded check was told, and counted in an unpacking, as a verified one.
    """
    runs = [run for _, run in chain.runs]
    reopened = any(run.start == "taken_back" for run in runs)
    countersigned = _last_countersigned(chain)
    standing = _standing(runs)
    if standing is None:
        sentence = _TAKEN_BACK if reopened else "No delivery is recorded."
        return DeliveryProof(
            strength="not_delivered", sentence=sentence, reopened=reopened, last_countersigned=countersigned
        )
    run, delivery = standing
    takes_all = edition is ReadingEdition.FIRST
    unpacked, findings = _unpacked(entries, delivery, contents, believed=None if takes_all else checks)
    recorded = [entry for entry in (delivery, *run.more_deliveries) if entry.marks.check is not None]
    checked = min(recorded, key=lambda entry: checks.get(entry.digest) is not True, default=None)
    proving = unpacked if unpacked is not None and unpacked.marks.check is not None else checked
    verified = checks.get(proving.digest) if proving is not None else None
    strength: Strength = (
        "unpacked_complete" if unpacked else "pin_sealed" if checked else "photo" if _photo(run, delivery) else "none"
    )
    sentence = _sentence(strength, countersigned, verified=takes_all or verified is True)
    if strength in {"none", "photo"}:
        unproved = Finding(kind=FindingKind.DELIVERY_UNPROVED, sentence=sentence, indices=(delivery.index,))
        findings = (*findings, unproved)
    check = proving.marks.check if proving is not None else None
    return DeliveryProof(
        strength=strength,
        sentence=sentence,
        reopened=reopened,
        last_countersigned=countersigned,
        index=delivery.index,
        at_ms=delivery.at_ms,
        received_ms=delivery.received_ms,
        method=check.method if check else None,
        confirms=check.confirms if check else None,
        attempts=check.attempts if check else None,
        check_verified=verified,
        findings=findings,
    )


def _standing(runs: Sequence[Run]) -> tuple[Run, Entry] | None:
    """The last delivery on the way out, and its run; None if there is none, or a carrier had the parcel again."""
    for run in reversed(runs):
        if run.delivery is not None and run.leg == "outbound":
            return run, run.delivery
        if run.start == "taken_back":
            return None
    return None


def _unpacked(
    entries: tuple[Entry, ...], delivery: Entry, contents: ContentsTrace, *, believed: Checks | None
) -> tuple[Entry | None, tuple[Finding, ...]]:
    """The event that says "unpacked, complete", if it stands on more than the deliverer's word.

    `believed` are the checks that were verified or refuted; None if each is believed that is recorded.
    """
    wrong = {sight.where for sight in contents.sights if sight.result in BAD_CONTENTS}
    findings = []
    for entry in entries[entries.index(delivery) :]:
        event = entry.event
        unpacks = event.biz_step == _UNPACKING and event.action == "DELETE" and entry.via == "parcel" and entry.counts
        if not unpacks or event.disposition != "completeness_verified" or entry.where in wrong:
            continue
        confirmed = entry.marks.check is not None and (believed is None or believed.get(entry.digest) is True)
        if confirmed or entry.station.custodian != delivery.station.custodian:
            return entry, ()
        sentence = f"Index {entry.where} says unpacked and complete, but only the deliverer signed it."
        findings.append(Finding(kind=FindingKind.UNPACK_UNCONFIRMED, sentence=sentence, indices=(entry.index,)))
    return None, tuple(findings)


def _photo(run: Run, delivery: Entry) -> bool:
    """Whether a photo was taken at the delivery or after it at the door."""
    at = run.entries.index(delivery)
    return any(entry.marks.photo is not None for entry in (*run.entries[at:], *run.more_deliveries))


def _last_countersigned(chain: Chain) -> str | None:
    """The last segment whose custodian countersigned the handover to it."""
    names = {segment.id: segment.name for segment in chain.segments}
    for handover in reversed(chain.handovers):
        if handover.signing == "dual" and handover.taker is not None:
            return f"{names[handover.taker]} (index {handover.acceptance_index})"
    return None


def _sentence(strength: Strength, countersigned: str | None, *, verified: bool) -> str:
    last = (
        f"The last countersigned acceptance is by {countersigned}."
        if countersigned
        else "No acceptance on the way was countersigned."
    )
    return {
        "none": f"Carrier's word only: nothing from the recipient. {last}",
        "photo": f"A photo shows a box at a door at that moment, not who took it in nor what was inside. {last}",
        "pin_sealed": _CONFIRMED if verified else _RECORDED,
        "unpacked_complete": "The recipient unpacked it and confirmed that it was complete.",
    }[strength]
