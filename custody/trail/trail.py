"""The trail of one parcel: everything the log shows of it, put together.

`build_trail` is a pure function of belongings, scans and what is handed in beside them. The scans may come in any
order and more than once, and other parcels' scans among them do no harm: the trail is the same. Quarantined scans are
shown apart as evidence and open no segment; events declared wrong stay visible and count for nothing.

`links` are what an investigation ranks: segments and handovers in trail order, never a person and never the customer.
`narrowings` say, for each kind of check, between which links the last good and the first bad one lie.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from custody.kernel.clock import Instant
from custody.scans.tolerances import Tolerances
from custody.trail.arrange import Entry, SequenceGap, make_entries, missing_digests, order_findings
from custody.trail.attested import Checks
from custody.trail.belongings import Belongings
from custody.trail.bound import bound_findings, bound_presence
from custody.trail.contents import ContentsTrace, read_contents
from custody.trail.corrections import Correction, once, read_corrections
from custody.trail.delivery import DeliveryProof, prove_delivery
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.finding import Finding, FindingKind, sort_findings
from custody.trail.gaps import Gap
from custody.trail.links import Checkpoint, Link, Narrowing, list_links, narrow, read_checkpoints
from custody.trail.route import USUAL, Route
from custody.trail.runs import is_release
from custody.trail.sealed import SealedScan
from custody.trail.segments import Chain, Handover, Segment, read_chain
from custody.trail.traces import Photo, SealTrace, WeightTrace, read_photos, read_seals, read_weights

Whereabouts = Literal["unknown", "custodian", "between", "recipient"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has it: a custodian, the recipient, nobody who signed for it (between), or not known."""

    kind: Whereabouts
    sentence: str
    custodian: str | None = None
    site: str | None = None
    place: str | None = None
    segment: str | None = None
    since_ms: Instant | None = None
    since_received_ms: Instant | None = None
    expected_parties: tuple[str, ...] = ()
    expected_places: tuple[str, ...] = ()
    expected_steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """All of it. `entries` holds every scan in trail order, whether it counts or not."""

    belongings: Belongings
    entries: tuple[Entry, ...]
    segments: tuple[Segment, ...]
    handovers: tuple[Handover, ...]
    gaps: tuple[Gap, ...]
    links: tuple[Link, ...]
    checkpoints: tuple[Checkpoint, ...]
    weight: WeightTrace
    seal: SealTrace
    contents: ContentsTrace
    photos: tuple[Photo, ...]
    delivery: DeliveryProof
    narrowings: tuple[Narrowing, ...]
    corrections: tuple[Correction, ...]
    holder: Holder
    findings: tuple[Finding, ...]

    @property
    def quarantined(self) -> tuple[Entry, ...]:
        """The scans that were set apart."""
        return tuple(entry for entry in self.entries if entry.standing == "quarantined")

    @property
    def missing(self) -> tuple[bytes, ...]:
        """Digests of scans of this parcel that others name and that are not here."""
        return missing_digests(self.entries)


def build_trail(
    belongings: Belongings,
    scans: Iterable[SealedScan],
    *,
    tolerances: Tolerances | None = None,
    route: Route = USUAL,
    gaps: Iterable[SequenceGap] = (),
    checks: Checks | None = None,
    in_log: Collection[bytes] = (),
    edition: ReadingEdition = NEWEST,
) -> Trail:
    """The trail of `belongings` in `scans`.

    `gaps` are the missing numbers of its stations; `checks` says by statement digest whether a recipient check was
    verified or refuted (`attested.py`); `in_log` are statements that the log holds although they cannot be read any
    more (`Trail.missing` says which ones are worth asking for); the scans are read by that `edition`.
    """
    verified = checks or {}
    single = once(scans)
    corrections = read_corrections(single, edition=edition)
    ways = [(sealed, via) for sealed in single if (via := belongings.via(sealed, edition)) is not None]
    bound = bound_presence([sealed for sealed, _ in ways], corrections, edition)
    entries = make_entries(ways, corrections, verified, bound)
    chain = read_chain(entries, route, edition, verified)
    openings = {run.arrival.digest for _, run in chain.runs if run.arrival is not None}
    openings |= {run.delivery.digest for _, run in chain.runs if run.delivery is not None}
    weight = read_weights(entries, belongings.parcel, tolerances or Tolerances())
    seal = read_seals(entries, openings, belongings, edition)
    contents = read_contents(entries, belongings, edition)
    delivery = prove_delivery(entries, chain, contents, verified, edition)
    links = list_links(chain)
    here = {entry.digest for entry in entries}
    findings = (
        *belongings.findings,
        *(finding for finding, about in zip(corrections.findings, corrections.about, strict=True) if here >= about),
        *bound_findings(single, bound, edition),
        *order_findings(entries, gaps, in_log),
        *_check_findings(entries, verified),
        *(finding for part in (chain, weight, seal, contents, delivery) for finding in part.findings),
    )
    return Trail(
        belongings=belongings,
        entries=entries,
        segments=chain.segments,
        handovers=chain.handovers,
        gaps=chain.gaps,
        links=links,
        checkpoints=read_checkpoints(chain, weight, seal),
        weight=weight,
        seal=seal,
        contents=contents,
        photos=read_photos(entries),
        delivery=delivery,
        narrowings=narrow(entries, chain, links, weight=weight, seal=seal, contents=contents, edition=edition),
        corrections=tuple(c for c in corrections.effective if c.original in here),
        holder=_holder(chain, route),
        findings=sort_findings(findings),
    )


def _check_findings(entries: Iterable[Entry], checks: Checks) -> Iterator[Finding]:
    """The checks of recipients that verifiers refuted, or said both of."""
    for entry in entries:
        held = checks.get(entry.digest, True)
        if held is False:
            sentence = f"The recipient check in index {entry.where} does not verify and counts for nothing."
            yield Finding(kind=FindingKind.CHECK_REFUTED, sentence=sentence, indices=(entry.index,))
        elif held is None:
            sentence = f"The recipient check in index {entry.where} was attested and refuted: it is not verified."
            yield Finding(kind=FindingKind.CHECK_DISPUTED, sentence=sentence, indices=(entry.index,))


def _holder(chain: Chain, route: Route) -> Holder:
    """Who has the parcel by the scans that count."""
    if not chain.runs:
        return Holder(kind="unknown", sentence="No scan shows where the parcel is.")
    run = chain.runs[-1][1]
    segment = chain.segments[-1]
    if run.delivery is not None:
        return Holder(
            kind="recipient",
            sentence=f"Delivered at index {run.delivery.where} by {segment.name}.",
            since_ms=run.delivery.at_ms,
            since_received_ms=run.delivery.received_ms,
        )
    releases = [entry for entry in run.entries if is_release(entry) and entry.digest not in chain.cancelled]
    since = releases[-1] if releases else run.opening
    parties = since.event.parties()[1] if releases else frozenset[str]()
    places = since.event.parties("location")[1] if releases else frozenset[str]()
    sentence = (
        f"{segment.name} released it at index {since.where} and nobody has signed for it: {segment.name} is the last "
        "that did."
        if releases
        else f"{segment.name} has it since index {since.where}."
    )
    return Holder(
        kind="between" if releases else "custodian",
        sentence=sentence[0].upper() + sentence[1:],
        custodian=segment.custodian,
        site=segment.site,
        place=segment.place,
        segment=segment.id,
        since_ms=since.at_ms,
        since_received_ms=since.received_ms,
        expected_parties=tuple(sorted(parties)),
        expected_places=tuple(sorted(places)),
        expected_steps=route.following.get(segment.step, ()),
    )
