"""How well a handover between two runs is proved.

| signing | what is there |
|---|---|
| dual | the acceptance names the giver's release (`upevt`) and carries its statement's digest; two stations signed |
| named | the acceptance names or binds something, but not all of it fits; a finding says what |
| one_sided | a release without acceptance, or an acceptance without release |
| internal | nothing signed, but both sides are one custodian |
| gap | nothing at all |
| recipient | a delivery with a readable check by the recipient; one without is one_sided: the carrier's word |

The digest is what binds: an event id is only a name and can be copied, the digest of the signed bytes cannot be known
before the giver has signed. `names_release` and `digest_matches` are None where nothing says yes or no.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from custody.trail.arrange import Entry
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.finding import Finding, FindingKind
from custody.trail.names import PARTY
from custody.trail.runs import CANCELS, Run, is_acceptance, is_release

Signing = Literal["dual", "named", "one_sided", "internal", "gap", "recipient"]

_BOTH_SIGNED = "Both sides signed: the acceptance names the release and carries the digest of its statement."


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverProof:
    """The two sides of one handover and what ties them; `direct`: the acceptance is about this giver's release."""

    signing: Signing
    release: Entry | None
    acceptance: Entry | None
    names_release: bool | None
    digest_matches: bool | None
    sentence: str
    direct: bool = False
    findings: tuple[Finding, ...] = ()


def cancelled_releases(
    entries: Sequence[Entry], edition: ReadingEdition = NEWEST
) -> tuple[frozenset[bytes], tuple[Finding, ...]]:
    """Releases that a `void_shipping` of their own station takes back: the one it names, else its latest before it.

    One that another station had accepted by its digest, before the log heard of that, is a handover that both signed:
    it stands. By the first two editions it was taken back too; by the first four also where the taker is held to his
    acceptance against his word (`bound.py`), and by any station of the giver's custodian.
    """
    cancelled: set[bytes] = set()
    findings = []
    given, upstream = _Given(edition), _by_upstream(entries)
    for entry in entries:
        if entry.counts and entry.event.biz_step == CANCELS:
            taken_back = given.last(entry, _upstream_ids(entry))
            bound = None
            if taken_back is not None and edition >= ReadingEdition.THIRD:
                bound = _accepted(taken_back, upstream.get(taken_back.digest, ()), entry, edition)
            if taken_back is not None and bound is not None:
                sentence = (
                    f"Index {entry.where} cancels the release of index {taken_back.where}, which index {bound.where} "
                    "had accepted by its digest: the handover stands."
                )
                three = (taken_back.index, bound.index, entry.index)
                findings.append(Finding(kind=FindingKind.RELEASE_BOUND, sentence=sentence, indices=three))
            elif taken_back is not None:
                cancelled.add(taken_back.digest)
                given.take_back(taken_back)
                sentence = f"Index {entry.where} cancels the release of index {taken_back.where}."
                about = (taken_back.index, entry.index)
                findings.append(Finding(kind=FindingKind.RELEASE_CANCELLED, sentence=sentence, indices=about))
        elif entry.present and is_release(entry):
            given.add(entry)
    return frozenset(cancelled), tuple(findings)


class _Given:
    """The releases so far that nobody took back, in their order, by giver and by the name of their event."""

    def __init__(self, edition: ReadingEdition) -> None:
        self._edition = edition
        self._lines: dict[tuple[str, str | None], dict[int, Entry]] = defaultdict(dict)
        self._orders: dict[bytes, int] = {}

    def add(self, release: Entry) -> None:
        """One more release."""
        order = self._orders[release.digest] = len(self._orders)
        for line in self._lines_of(release):
            line[order] = release

    def take_back(self, release: Entry) -> None:
        """It was taken back."""
        order = self._orders[release.digest]
        for line in self._lines_of(release):
            del line[order]

    def last(self, cancelling: Entry, names: Sequence[str]) -> Entry | None:
        """The giver's last release, of those with these names if there are any."""
        giver = self._giver(cancelling)
        lines = [self._lines.get((giver, name)) for name in names or (None,)]
        order = max((next(reversed(line)) for line in lines if line), default=None)
        return next((line[order] for line in lines if line and order in line), None)

    def _lines_of(self, release: Entry) -> list[dict[int, Entry]]:
        names = dict.fromkeys((None, release.event.event_id))
        return [self._lines[self._giver(release), name] for name in names]

    def _giver(self, entry: Entry) -> str:
        return entry.station.station if self._edition >= ReadingEdition.FIFTH else entry.station.custodian


def _by_upstream(entries: Iterable[Entry]) -> Mapping[bytes, list[Entry]]:
    """The acceptances by the digest of the release that they carry."""
    found: dict[bytes, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.marks.upstream is not None and is_acceptance(entry):
            found[entry.marks.upstream].append(entry)
    return found


def _accepted(release: Entry, by_digest: Iterable[Entry], before: Entry, edition: ReadingEdition) -> Entry | None:
    """Of its acceptances that of another station, if it was in the log before that one: it binds the release."""
    for entry in by_digest:
        counts = entry.present if edition >= ReadingEdition.FIFTH else entry.counts
        if counts and entry.place < before.place and entry.station.station != release.station.station:
            return entry
    return None


def last_release(run: Run, cancelled: frozenset[bytes]) -> Entry | None:
    """The giver's last word that the parcel went, if it stands."""
    releases = [entry for entry in run.entries if is_release(entry) and entry.digest not in cancelled]
    return releases[-1] if releases else None


def prove(
    giver: Run, taker: Run, *, by_event_id: Mapping[str, tuple[Entry, ...]], cancelled: frozenset[bytes]
) -> HandoverProof:
    """How the handover from `giver` to `taker` is proved."""
    acceptance = taker.acceptance
    release = last_release(giver, cancelled)
    if acceptance is None:
        return _without_acceptance(giver, taker, release)
    names = _upstream_ids(acceptance)
    named = [entry for name in names for entry in by_event_id.get(name, ())]
    given = {entry.digest for entry in giver.entries if is_release(entry)} - cancelled
    ours = [entry for entry in named if entry.digest in given]
    release = ours[-1] if ours else release
    if not names and acceptance.marks.upstream is None:
        return _unbound(release, acceptance)
    digest_matches = _digest_matches(release, acceptance, names=names, named=named)
    flaw = _flaw(release, acceptance, names=names, named=named, ours=ours)
    direct = bool(ours) or (not names and digest_matches is True)
    findings = () if flaw is None else (Finding(kind=flaw[0], sentence=flaw[1], indices=_indices(release, acceptance)),)
    return HandoverProof(
        signing="dual" if flaw is None else "named",
        release=release,
        acceptance=acceptance,
        names_release=bool(ours) if named else None,
        digest_matches=digest_matches,
        sentence=_BOTH_SIGNED if flaw is None else flaw[1],
        direct=direct,
        findings=(*findings, *(_parties(release, acceptance) if direct else ())),
    )


def _digest_matches(
    release: Entry | None, acceptance: Entry, *, names: Collection[str], named: Iterable[Entry]
) -> bool | None:
    """Whether an acceptance carries the digest of what it names, or else of the release; None where nothing says so."""
    upstream, digests = acceptance.marks.upstream, {entry.digest for entry in named}
    if not names and release is not None and upstream == release.digest:
        return True
    return None if upstream is None or not digests else upstream in digests


def _upstream_ids(entry: Entry) -> tuple[str, ...]:
    return tuple(identifier for kind, identifier in entry.event.transactions if kind == "upevt")


def _without_acceptance(giver: Run, taker: Run, release: Entry | None) -> HandoverProof:
    """Nobody signed that they took the parcel."""
    about = (giver.entries[-1].index, taker.opening.index)
    if release is not None:
        sentence = f"Released at index {release.where}; nobody signed for taking it over."
        signing: Signing = "one_sided"
        finding = Finding(kind=FindingKind.HANDOVER_ONE_SIDED, sentence=sentence, indices=(release.index, about[1]))
    elif giver.key[0] == taker.key[0]:
        sentence = "Moved within one custodian; no handover was signed."
        return _bare("internal", sentence)
    else:
        sentence = f"No handover was signed between index {about[0]} and index {about[1]}."
        signing = "gap"
        finding = Finding(kind=FindingKind.HANDOVER_MISSING, sentence=sentence, indices=about)
    return _bare(signing, sentence, release=release, finding=finding)


def _bare(
    signing: Signing,
    sentence: str,
    *,
    release: Entry | None = None,
    acceptance: Entry | None = None,
    finding: Finding | None = None,
) -> HandoverProof:
    return HandoverProof(
        signing=signing,
        release=release,
        acceptance=acceptance,
        names_release=None,
        digest_matches=None,
        sentence=sentence,
        findings=() if finding is None else (finding,),
    )


def _unbound(release: Entry | None, acceptance: Entry) -> HandoverProof:
    """An acceptance that says nothing of the giver's event."""
    if release is None:
        sentence = f"Accepted at index {acceptance.where}; the giver signed no release."
        finding = Finding(kind=FindingKind.HANDOVER_ONE_SIDED, sentence=sentence, indices=(acceptance.index,))
        return _bare("one_sided", sentence, acceptance=acceptance, finding=finding)
    sentence = f"Index {acceptance.where} accepts without naming the release of index {release.where}."
    finding = Finding(kind=FindingKind.HANDOVER_UNBOUND, sentence=sentence, indices=_indices(release, acceptance))
    same = bool(acceptance.event.sources) and acceptance.event.parties() == release.event.parties()
    proof = _bare("named" if same else "one_sided", sentence, release=release, acceptance=acceptance, finding=finding)
    return replace(proof, findings=(*proof.findings, *_parties(release, acceptance)))


def _flaw(
    release: Entry | None, acceptance: Entry, *, names: tuple[str, ...], named: list[Entry], ours: list[Entry]
) -> tuple[FindingKind, str] | None:
    """The first thing that keeps an acceptance from proving the handover; None if nothing does."""
    upstream, index = acceptance.marks.upstream, acceptance.index
    wrong = f"Index {index} binds another statement than the event it names."
    other = f"Index {index} names index {named[0].where if named else 0}, which is no standing release by the giver."
    unknown = not names and (release is None or upstream != release.digest)
    flaws: tuple[tuple[bool, FindingKind, str], ...] = (
        (
            bool(names) and not named,
            FindingKind.HANDOVER_UNKNOWN_UPSTREAM,
            f"Index {index} names an event of the giver that is not here.",
        ),
        (
            unknown,
            FindingKind.HANDOVER_UNKNOWN_UPSTREAM,
            f"Index {index} binds a statement of the giver that is not here.",
        ),
        (
            upstream is not None and bool(named) and all(entry.digest != upstream for entry in named),
            FindingKind.HANDOVER_WRONG_DIGEST,
            wrong,
        ),
        (bool(names) and not ours, FindingKind.HANDOVER_UNBOUND, other),
        (not names, FindingKind.HANDOVER_UNBOUND, f"Index {index} carries a digest of the giver's but names no event."),
        (
            upstream is None,
            FindingKind.HANDOVER_UNBOUND,
            f"Index {index} names the release but does not carry its statement's digest.",
        ),
        (all(entry.digest != upstream for entry in ours), FindingKind.HANDOVER_WRONG_DIGEST, wrong),
        (
            any(entry.station.station == acceptance.station.station for entry in ours),
            FindingKind.HANDOVER_SAME_STATION,
            f"One station signed both sides of the handover at index {index}.",
        ),
    )
    return next(((kind, sentence) for holds, kind, sentence in flaws if holds), None)


def _parties(release: Entry | None, acceptance: Entry) -> tuple[Finding, ...]:
    """A finding if the taker is not the one it was released to; silence on either side is no contradiction."""
    if release is None:
        return ()
    due = {party for party in release.event.parties()[1] if party.startswith(PARTY)}
    takers = {party for party in acceptance.event.parties()[1] if party.startswith(PARTY)}
    if acceptance.station.custodian.startswith(PARTY):
        takers = {acceptance.station.custodian}
    if not due or not takers or due & takers:
        return ()
    sentence = f"Index {acceptance.where} was accepted by another party than index {release.where} released it to."
    return (Finding(kind=FindingKind.HANDOVER_OTHER_PARTY, sentence=sentence, indices=_indices(release, acceptance)),)


def _indices(release: Entry | None, acceptance: Entry) -> tuple[int, ...]:
    return (acceptance.index,) if release is None else (release.index, acceptance.index)
