"""What a declaration cannot take back: that the parcel was where another station signed that it came from.

Who declares a scan of his own wrong takes back what it asserts: its readings, what it put where, its pictures. He does
not take himself out of a handover that two stations signed. Presence stays where a standing scan of another station
binds the declared one, by its digest, or by its event's id where no digest is carried; and where it was that station's
word for taking over what it let go by a bound one. An adjudicator's declaration takes back all of it.
"""

from collections.abc import Iterable

from custody.trail.corrections import Corrections, once
from custody.trail.edition import Edition
from custody.trail.finding import Finding, Kind
from custody.trail.marks import read_marks
from custody.trail.names import named
from custody.trail.sealed import SealedScan


def bound_presence(scans: Iterable[SealedScan], corrections: Corrections, edition: Edition) -> dict[bytes, SealedScan]:
    """The scans of one parcel that were declared wrong and still show it there, each with the scan that binds it."""
    if not corrections.by_own or edition < Edition.THIRD:
        return {}
    beside = corrections.declarations | corrections.repeats
    made = [sealed for sealed in once(scans) if not sealed.quarantined and sealed.digest not in beside]
    standing = [sealed for sealed in made if corrections.standing(sealed)]
    found: dict[bytes, SealedScan] = {}
    for held in made:
        binding = next((sealed for sealed in standing if _binds(sealed, held)), None)
        if binding is None:
            continue
        found[held.digest] = binding
        taken = [sealed for sealed in made if _took(sealed, held)]
        if taken:
            found.setdefault(max(taken, key=lambda sealed: sealed.scan.seq).digest, binding)
    return {digest: binding for digest, binding in found.items() if digest in corrections.by_own}


def bound_findings(scans: Iterable[SealedScan], bound: dict[bytes, SealedScan]) -> Iterable[Finding]:
    """What is said of each of them."""
    for sealed in once(scans):
        binding = bound.get(sealed.digest)
        if binding is not None:
            sentence = (
                f"Index {sealed.where} is declared wrong, and index {binding.where} of another station is signed over "
                "it: that the parcel was there still counts."
            )
            yield Finding(kind=Kind.DECLARED_BOUND, sentence=sentence, indices=(sealed.index, binding.index))


def _binds(sealed: SealedScan, held: SealedScan) -> bool:
    if sealed.station.station == held.station.station:
        return False
    upstream = read_marks(sealed.event).upstream
    by_name = held.event.event_id is not None and ("upevt", held.event.event_id) in sealed.event.transactions
    return by_name if upstream is None else upstream == held.digest


def _took(sealed: SealedScan, held: SealedScan) -> bool:
    """Whether a scan says that its station took over what it let go by a later one."""
    if sealed.station.station != held.station.station or sealed.scan.seq >= held.scan.seq:
        return False
    takes = read_marks(sealed.event).upstream is not None or any(
        kind == "upevt" for kind, _ in sealed.event.transactions
    )
    return takes and not named(sealed.event).isdisjoint(named(held.event))
