"""What a declaration cannot take back: that the parcel was where another station signed that it came from, or went to.

Who declares a scan of his own wrong takes back what it asserts: its readings, what it put where, its pictures. He does
not take himself out of a handover that two stations signed. Presence stays

- where the declared one let the parcel go, and a standing scan of another station that took it over binds it, by its
  digest, or by its event's id where no digest is carried. The log had it before the declaration: nobody brings a
  station back that has corrected itself, whatever time he signs;
- where the declared one was its station's word for taking over what it let go by a bound one;
- where the declared one took over what another station released, and the release stands: the last who signed that he
  has a parcel does not clear himself by a word of his own. That is the release whose digest the acceptance carries, or
  that it names if the log had it before the declaration, else the newest in the log before it that was to the taker's
  custodian and that nobody accepted meanwhile. Where another station signed that it took over the same release, that
  one has the parcel, unless the release was to this one's custodian and not to that one's. Where the giver cancelled
  it, both say that nothing was handed over. The giver is the station that released: his firm has other stations, the
  taker's colleagues' among them where one firm hands over to itself. And no acceptance by the release's digest may have
  been in the log before that, not even the declared one: who handed it over then declares the release wrong.

An adjudicator's declaration takes back all of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from custody.kernel.clock import SECOND_MS
from custody.trail.corrections import Corrections, once
from custody.trail.edition import Edition
from custody.trail.finding import Finding, Kind
from custody.trail.marks import read_marks
from custody.trail.names import named
from custody.trail.runs import ACCEPTANCES, CANCELS, RELEASES, accepts, is_physical
from custody.trail.sealed import SealedScan


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The scan of another station that holds a declared one: signed over it, or the release that it took over."""

    by: SealedScan
    release: bool


def bound_presence(scans: Iterable[SealedScan], corrections: Corrections, edition: Edition) -> dict[bytes, Binding]:
    """The scans of one parcel that were declared wrong and still show it there, each with what binds it."""
    if not corrections.by_own or edition < Edition.THIRD:
        return {}
    beside = corrections.declarations | corrections.repeats
    made = [sealed for sealed in once(scans) if not sealed.quarantined and sealed.digest not in beside]
    standing = [sealed for sealed in made if corrections.standing(sealed)]
    found: dict[bytes, Binding] = {}
    for held in made:
        declaration = corrections.by_own.get(held.digest)
        answers = [sealed for sealed in standing if _binds(sealed, held)]
        if edition >= Edition.FOURTH:
            answers = [sealed for sealed in answers if _took_over(sealed, held, declaration, edition)]
        binding = next(iter(answers), None)
        if binding is None:
            continue
        found[held.digest] = Binding(by=binding, release=False)
        taken = [sealed for sealed in made if _took(sealed, held)]
        if taken:
            latest = max(taken, key=lambda sealed: sealed.scan.seq)
            found.setdefault(latest.digest, Binding(by=binding, release=False))
    if edition >= Edition.FOURTH:
        for held in made:
            declaration = corrections.by_own.get(held.digest)
            release = None if declaration is None else _taken_alone(held, standing, declaration, edition)
            if release is not None:
                found.setdefault(held.digest, Binding(by=release, release=True))
    return {digest: binding for digest, binding in found.items() if digest in corrections.by_own}


def bound_findings(scans: Iterable[SealedScan], bound: dict[bytes, Binding]) -> Iterable[Finding]:
    """What is said of each of them."""
    for sealed in once(scans):
        binding = bound.get(sealed.digest)
        if binding is None:
            continue
        other = binding.by
        why = (
            f"it took over what index {other.where} of another station released, and nobody else has"
            if binding.release
            else f"index {other.where} of another station is signed over it"
        )
        sentence = f"Index {sealed.where} is declared wrong, and {why}: that the parcel was there still counts."
        yield Finding(kind=Kind.DECLARED_BOUND, sentence=sentence, indices=(sealed.index, other.index))


def _binds(sealed: SealedScan, held: SealedScan) -> bool:
    if sealed.station.station == held.station.station:
        return False
    upstream = read_marks(sealed.event).upstream
    by_name = held.event.event_id is not None and ("upevt", held.event.event_id) in sealed.event.transactions
    return by_name if upstream is None else upstream == held.digest


def _took_over(sealed: SealedScan, held: SealedScan, declaration: SealedScan | None, edition: Edition) -> bool:
    """Whether what binds a scan is a handover with it that was there before the scan was declared wrong.

    By the fourth edition one that came later counted by the time that its own station signed.
    """
    takes = sealed.event.biz_step in ACCEPTANCES and is_physical(sealed.event)
    if not takes or held.event.biz_step not in RELEASES:
        return False
    if declaration is None or sealed.place < declaration.place:
        return True
    if edition >= Edition.FIFTH:
        return False
    by_digest = read_marks(sealed.event).upstream == held.digest
    return by_digest and sealed.scan.iat_s * SECOND_MS <= declaration.received_ms


def _took(sealed: SealedScan, held: SealedScan) -> bool:
    """Whether a scan says that its station took over what it let go by a later one."""
    if sealed.station.station != held.station.station or sealed.scan.seq >= held.scan.seq:
        return False
    takes = read_marks(sealed.event).upstream is not None or any(
        kind == "upevt" for kind, _ in sealed.event.transactions
    )
    return takes and not named(sealed.event).isdisjoint(named(held.event))


def _taken_alone(
    held: SealedScan, standing: Sequence[SealedScan], declaration: SealedScan, edition: Edition
) -> SealedScan | None:
    """The standing release of another station that a declared acceptance took over, where nobody else has.

    By the fourth edition one that the acceptance names could come after the declaration too.
    """
    if not _accepts(held):
        return None
    about = [s for s in standing if not named(s.event).isdisjoint(named(held.event))]
    others = [s for s in about if s.station.station != held.station.station]
    releases = [s for s in others if s.event.biz_step in RELEASES]
    tied = [s for s in releases if _binds(held, s)]
    if edition >= Edition.FIFTH and read_marks(held.event).upstream is None:
        tied = [s for s in tied if s.place < declaration.place]
    before = [s for s in releases if s.place < held.place and _is_to(s, held)]
    release = next(reversed(tied or before), None)
    if release is None or any(_cancels(s, release, [held, *others], edition) for s in others):
        return None
    since = [] if tied else [s for s in others if release.place < s.place < held.place]
    took = [s for s in others if _accepts(s) and (s in since or _binds(s, release))]
    mine = _is_to(release, held) and not any(_is_to(release, s) for s in took)
    return release if mine or not took else None


def _accepts(sealed: SealedScan) -> bool:
    return accepts(sealed.event, checked=read_marks(sealed.event).check is not None)


def _is_to(release: SealedScan, taker: SealedScan) -> bool:
    return taker.station.custodian in release.event.parties()[1]


def _cancels(sealed: SealedScan, release: SealedScan, about: Sequence[SealedScan], edition: Edition) -> bool:
    """Whether a scan of the giver's takes the release back: it names it, or nothing and it was the giver's latest.

    By the fourth edition any station of the giver's custodian was the giver, whatever had been accepted before.
    """
    if sealed.event.biz_step != CANCELS or not _of_one_giver(sealed, release, edition):
        return False
    if edition >= Edition.FIFTH and any(s.place < sealed.place and _accepted(release, s) for s in about):
        return False
    names = {identifier for kind, identifier in sealed.event.transactions if kind == "upevt"}
    if names:
        return release.event.event_id in names
    given = [s for s in about if s.event.biz_step in RELEASES and _of_one_giver(s, release, edition)]
    latest = [s for s in given if s.place < sealed.place]
    return bool(latest) and latest[-1] is release


def _of_one_giver(sealed: SealedScan, release: SealedScan, edition: Edition) -> bool:
    if edition >= Edition.FIFTH:
        return sealed.station.station == release.station.station
    return sealed.station.custodian == release.station.custodian


def _accepted(release: SealedScan, taker: SealedScan) -> bool:
    """Whether another station took the release over by its digest."""
    by_digest = read_marks(taker.event).upstream == release.digest
    return by_digest and _accepts(taker) and taker.station.station != release.station.station
