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
  custodian and that nobody accepted meanwhile. Where another station signed that it took over the same release, and the
  log had that before the declaration, that one has the parcel, unless the release was to this one's custodian and not
  to that one's.
  What else others sign does not show that it never was with him: he may have passed it on unsigned, and a colleague
  signs what he likes once the parcel is missed. But who takes his acceptance back at once, by the log's clock and by
  his own, gains nothing that not scanning would not have given him. He is cleared by any scan of another station, of
  those whom the release was to, that shows the parcel elsewhere after it, and that stands or is held itself; and by one
  of the giver's after the declaration. Where the giver had it again before that, it may have come back.
  Where the giver cancelled it, both say that nothing was handed over. The giver is the station that released: his firm
  has other stations, the taker's colleagues' among them where one firm hands over to itself. And no acceptance by the
  release's digest may have been in the log before that, not even the declared one: who handed it over then declares
  the release wrong.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from custody.kernel.clock import MINUTE_MS, SECOND_MS
from custody.trail.corrections import Corrections, once
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.finding import Finding, FindingKind
from custody.trail.marks import read_marks
from custody.trail.names import named
from custody.trail.runs import ACCEPTANCES, CANCELS, RELEASES, accepts, is_physical, run_key
from custody.trail.sealed import SealedScan

AT_ONCE_MS = 30 * MINUTE_MS
"""How long after it was made a scan may be declared wrong and was declared so at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The scan of another station that holds a declared one: signed over it, or the release that it took over."""

    by: SealedScan
    release: bool


def bound_presence(
    scans: Iterable[SealedScan], corrections: Corrections, edition: ReadingEdition
) -> dict[bytes, Binding]:
    """The scans of one parcel that were declared wrong and still show it there, each with what binds it."""
    if not corrections.voided or edition < ReadingEdition.THIRD:
        return {}
    beside = corrections.declarations | corrections.repeats
    made = [sealed for sealed in once(scans) if not sealed.quarantined and sealed.digest not in beside]
    standing = [sealed for sealed in made if corrections.standing(sealed)]
    found = _signed_over(made, standing, corrections.voided, edition)
    if edition >= ReadingEdition.FOURTH:
        declared = [(held, corrections.voided[held.digest]) for held in made if held.digest in corrections.voided]
        at_once = [pair for pair in declared if edition >= ReadingEdition.FIFTH and _at_once(*pair)]
        late = [pair for pair in declared if pair not in at_once]
        found = _alone(late, standing, (), edition) | found
        shown = [sealed for sealed in made if sealed.digest in found or corrections.standing(sealed)]
        found = _alone(at_once, standing, shown, edition) | found
    return {digest: binding for digest, binding in found.items() if digest in corrections.voided}


def _signed_over(
    made: Sequence[SealedScan],
    standing: Iterable[SealedScan],
    declared: Mapping[bytes, SealedScan],
    edition: ReadingEdition,
) -> dict[bytes, Binding]:
    """The scans that a standing one of another station is signed over; with each, how its station came by the parcel.

    `declared` has the first declaration of each scan that was declared wrong.
    """
    naming, found = _by_what_they_name(standing), dict[bytes, Binding]()
    for held in made:
        answers = [sealed for sealed in _naming(naming, held) if _binds(sealed, held)]
        if edition >= ReadingEdition.FOURTH:
            answers = [each for each in answers if _took_over(each, held, declared.get(held.digest), edition)]
        if not answers:
            continue
        binding = Binding(by=answers[0], release=False)
        found[held.digest] = binding
        latest = max((each for each in made if _took(each, held)), key=lambda each: each.scan.seq, default=None)
        if latest is not None:
            found.setdefault(latest.digest, binding)
    return found


def _at_once(held: SealedScan, declaration: SealedScan) -> bool:
    by_the_log_ms = declaration.received_ms - held.received_ms
    by_its_own_ms = (declaration.scan.iat_s - held.scan.iat_s) * SECOND_MS
    return max(by_the_log_ms, by_its_own_ms) <= AT_ONCE_MS


def _alone(
    declared: Iterable[tuple[SealedScan, SealedScan]],
    standing: Sequence[SealedScan],
    shown: Sequence[SealedScan],
    edition: ReadingEdition,
) -> dict[bytes, Binding]:
    """Those of the declared ones that are held by what they took over."""
    releases = {
        held.digest: _taken_alone(held, standing, declaration, shown, edition) for held, declaration in declared
    }
    return {digest: Binding(by=release, release=True) for digest, release in releases.items() if release is not None}


def bound_findings(
    scans: Iterable[SealedScan], bound: dict[bytes, Binding], edition: ReadingEdition = NEWEST
) -> Iterable[Finding]:
    """What is said of each of them, in the words of that edition."""
    nobody_else = (
        "nobody else has"
        if edition < ReadingEdition.FIFTH
        else "no standing acceptance of that by another whom it was for was in the log by then"
    )
    for sealed in once(scans):
        binding = bound.get(sealed.digest)
        if binding is None:
            continue
        other = binding.by
        why = (
            f"it took over what index {other.where} of another station released, and {nobody_else}"
            if binding.release
            else f"index {other.where} of another station is signed over it"
        )
        sentence = f"Index {sealed.where} is declared wrong, and {why}: that the parcel was there still counts."
        yield Finding(kind=FindingKind.DECLARED_BOUND, sentence=sentence, indices=(sealed.index, other.index))


def _binds(sealed: SealedScan, held: SealedScan) -> bool:
    if sealed.station.station == held.station.station:
        return False
    upstream = read_marks(sealed.event).upstream
    by_name = held.event.event_id is not None and ("upevt", held.event.event_id) in sealed.event.transactions
    return by_name if upstream is None else upstream == held.digest


def _by_what_they_name(scans: Iterable[SealedScan]) -> Mapping[bytes | str, list[SealedScan]]:
    """Scans by the digest, or where they carry none by the events, of what they are signed over."""
    found: dict[bytes | str, list[SealedScan]] = defaultdict(list)
    for sealed in scans:
        upstream = read_marks(sealed.event).upstream
        events = dict.fromkeys(name for kind, name in sealed.event.transactions if kind == "upevt")
        for name in events if upstream is None else (upstream,):
            found[name].append(sealed)
    return found


def _naming(scans: Mapping[bytes | str, list[SealedScan]], held: SealedScan) -> list[SealedScan]:
    """Those that name a scan, in their order in the log."""
    by_digest, by_event = scans.get(held.digest, ()), scans.get(held.event.event_id or "", ())
    return sorted((*by_digest, *by_event), key=lambda sealed: (sealed.place, sealed.digest))


def _took_over(sealed: SealedScan, held: SealedScan, declaration: SealedScan | None, edition: ReadingEdition) -> bool:
    """Whether what binds a scan is a handover with it that was there before the scan was declared wrong.

    By the fourth edition one that came later counted by the time that its own station signed.
    """
    takes = sealed.event.biz_step in ACCEPTANCES and is_physical(sealed.event)
    if not takes or held.event.biz_step not in RELEASES:
        return False
    if declaration is None or sealed.place < declaration.place:
        return True
    if edition >= ReadingEdition.FIFTH:
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
    held: SealedScan,
    standing: Sequence[SealedScan],
    declaration: SealedScan,
    shown: Iterable[SealedScan],
    edition: ReadingEdition,
) -> SealedScan | None:
    """The standing release of another station that a declared acceptance took over, where nobody else has.

    `shown`: what may show that the parcel was elsewhere, if it was declared wrong at once.
    By the fourth edition one that the acceptance names could come after the declaration too, and so could another's
    acceptance of it.
    """
    if not _accepts(held):
        return None
    about = [s for s in standing if not named(s.event).isdisjoint(named(held.event))]
    others = [s for s in about if s.station.station != held.station.station]
    release, by_name = _release_taken(held, others, declaration, edition)
    if release is None or any(_cancels(s, release, [held, *others], edition) for s in others):
        return None
    if _seen_elsewhere(held, release, declaration, shown):
        return None
    since = [] if by_name else [s for s in others if release.place < s.place < held.place]
    took = [s for s in others if _accepts(s) and (s in since or _binds(s, release))]
    if edition >= ReadingEdition.FIFTH:
        took = [s for s in took if s.place < declaration.place]
    mine = _is_to(release, held) and not any(_is_to(release, s) for s in took)
    return release if mine or not took else None


def _release_taken(
    held: SealedScan, others: Iterable[SealedScan], declaration: SealedScan, edition: ReadingEdition
) -> tuple[SealedScan | None, bool]:
    """The last release that an acceptance names, else the last before it to its custodian; and whether it is named."""
    releases = [s for s in others if s.event.biz_step in RELEASES]
    tied = [s for s in releases if _binds(held, s)]
    if edition >= ReadingEdition.FIFTH and read_marks(held.event).upstream is None:
        tied = [s for s in tied if s.place < declaration.place]
    before = [s for s in releases if s.place < held.place and _is_to(s, held)]
    return next(reversed(tied or before), None), bool(tied)


def _seen_elsewhere(
    held: SealedScan, release: SealedScan, declaration: SealedScan, shown: Iterable[SealedScan]
) -> bool:
    """Whether others' scans after a release show that the parcel was not with who took it over for a moment."""
    giver = run_key(release.station)
    others = [s for s in shown if s.station.station != held.station.station and is_physical(s.event)]
    about = [s for s in others if not named(s.event).isdisjoint(named(held.event))]
    if any(run_key(s.station) == giver and held.place < s.place < declaration.place for s in about):
        return False
    after = [s for s in about if s.place > release.place and s.no_later_ms >= release.no_later_ms]
    if any(run_key(s.station) == giver and s.place > declaration.place for s in after):
        return True
    takers = [s for s in after if run_key(s.station) != giver]
    return any(_is_to(release, s) or not _is_to(release, held) for s in takers)


def _accepts(sealed: SealedScan) -> bool:
    return accepts(sealed.event, checked=read_marks(sealed.event).check is not None)


def _is_to(release: SealedScan, taker: SealedScan) -> bool:
    return taker.station.custodian in release.event.parties()[1]


def _cancels(sealed: SealedScan, release: SealedScan, about: Sequence[SealedScan], edition: ReadingEdition) -> bool:
    """Whether a scan of the giver's takes the release back: it names it, or nothing and it was the giver's latest.

    By the fourth edition any station of the giver's custodian was the giver, whatever had been accepted before.
    """
    if sealed.event.biz_step != CANCELS or not _of_one_giver(sealed, release, edition):
        return False
    if edition >= ReadingEdition.FIFTH and any(s.place < sealed.place and _accepted(release, s) for s in about):
        return False
    names = {identifier for kind, identifier in sealed.event.transactions if kind == "upevt"}
    if names:
        return release.event.event_id in names
    given = [s for s in about if s.event.biz_step in RELEASES and _of_one_giver(s, release, edition)]
    latest = [s for s in given if s.place < sealed.place]
    return bool(latest) and latest[-1] is release


def _of_one_giver(sealed: SealedScan, release: SealedScan, edition: ReadingEdition) -> bool:
    if edition >= ReadingEdition.FIFTH:
        return sealed.station.station == release.station.station
    return sealed.station.custodian == release.station.custodian


def _accepted(release: SealedScan, taker: SealedScan) -> bool:
    """Whether another station took the release over by its digest."""
    by_digest = read_marks(taker.event).upstream == release.digest
    return by_digest and _accepts(taker) and taker.station.station != release.station.station
