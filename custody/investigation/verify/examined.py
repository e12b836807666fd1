"""The part of step 9 that holds the chain that was examined against the scans and the words of verifiers in the pack.

The investigation read the log up to some entry: some stage of the parcel (`stages.py`) shows the chain of its inputs.
What came in later changes nothing that it said, if it could not be read an hour before the answer.
"""

from collections.abc import Collection, Iterator
from typing import Any

from custody.gs1.keys import ROOT
from custody.investigation.journey import LINEHAUL_OF
from custody.investigation.pack.attested import attested_in
from custody.investigation.pack.draw_up import INVESTIGATION
from custody.investigation.pack.earlier import FIRST, TO_FIFTH, edition_of
from custody.investigation.pack.inquiry import Inquiry
from custody.investigation.pack.json_form import plain
from custody.investigation.pack.trail import sealed_scans
from custody.investigation.passage import Dispute, Passage
from custody.investigation.read_before import READINGS
from custody.investigation.read_passage import Network, passage_of, read_way
from custody.investigation.verify.case import RANKED, Records, told_of
from custody.investigation.verify.form import OpenedPack
from custody.investigation.verify.scans import has_unread
from custody.investigation.verify.stages import Came, Doubt, Stage, stages
from custody.investigation.verify.verification import BY_WORD, Notebook
from custody.kernel.clock import HOUR_MS
from custody.ledger.registry import Registry
from custody.scans.advance import parcels_of
from custody.scans.scan import OPENED
from custody.trail.attested import checks_of
from custody.trail.edition import ReadingEdition
from custody.trail.sealed import SealedScan

LONGEST_RUN_MS = HOUR_MS
"""So long an investigation may take at most from reading the log to its answer."""
MOST_READ = 4_000_000
"""So many scans a search for what an investigation had read goes through: a minute or two, and every stage of 2,800."""
NOBODY = Network(rosters={}, roads={})


def check_examined(pack: OpenedPack, registry: Registry, records: Records, inquiry: Inquiry, notes: Notebook) -> None:
    """Whether a stage of the parcel shows the chain that was examined; what had to be read and was not is told."""
    dispute = inquiry.inputs.dispute
    parcel, wanted = pack.case.parcel, dict(_facts(dispute))
    scans = [sealed for sealed in sealed_scans(pack.entries, registry) if parcel in parcels_of(sealed.event)]
    opened = {told.get("index"): index for index, told in sorted(records.items()) if told["kind"] == OPENED}
    reading = READINGS[edition_of(inquiry.format)]
    told = attested_in(pack.entries, registry) if reading.edition >= ReadingEdition.SIXTH else ()
    wrong = None if has_unread(pack) or not scans or dispute.id != pack.case.dispute else False
    wrong_of_scans = None if inquiry.format == FIRST else wrong
    found, read = told_of(records, dispute.id, "at_ms", RANKED), 0
    for stage in stages(scans, told, opened, before=found[-1][0] if found else None):
        if read > MOST_READ:
            missed = any(_was_there(each, opened.get(each.index), records, inquiry) for each in stage.later)
            _tell_unfound(notes, sure=missed and wrong_of_scans is False)
            return
        read += len(stage.scans)
        way = read_way(str(parcel), stage.scans, reading, checks_of(stage.scans, stage.attested))
        passage = None if way is None else passage_of(way, NOBODY)
        if passage is not None and dict(_facts(passage)) == wanted and _same_stays(passage, inquiry):
            missing = [each for each in stage.later if _was_there(each, opened.get(each.index), records, inquiry)]
            _tell_found(notes, stage, missing, wrong=wrong, wrong_of_scans=wrong_of_scans)
            _check_sites(passage, dispute, notes)
            return
    said = "the chain that was examined is not the one that the scans in the pack show"
    notes.tell(said, INVESTIGATION, ok=wrong)


def _tell_found(
    notes: Notebook, stage: Stage, missing: Collection[Came], *, wrong: bool | None, wrong_of_scans: bool | None
) -> None:
    """What is said of the stage that shows the chain; `missing` is what came later and had to be read."""
    later = f"; {len(stage.later)} came in later" if stage.later else ""
    notes.holds(f"the chain that was examined is the one that {stage.what} show{later}", INVESTIGATION)
    scans = sum(isinstance(each, SealedScan) for each in missing)
    if scans:
        said = f"{scans} scans were not examined that could be read an hour before the answer was found"
        notes.tell(said, INVESTIGATION, ok=wrong_of_scans)
    if words := len(missing) - scans:
        said = f"{words} words of verifiers were not heard that could be an hour before the answer was found"
        notes.tell(said, INVESTIGATION, ok=wrong)


def _tell_unfound(notes: Notebook, *, sure: bool) -> None:
    """What is said where the search is given up; `sure` if an earlier stage would leave out what had to be read."""
    if sure:
        notes.fails("the chain that was examined is not one that could be read for that answer", INVESTIGATION)
        return
    said = "so many scans came before the answer that the chain which was examined is NOT CHECKED against all of them"
    notes.leaves(said, INVESTIGATION)


def _was_there(came: Came, opened: int | None, records: Records, inquiry: Inquiry) -> bool:
    """Whether something could be read before the answer's own reading, by its time or that of a later record."""
    found = told_of(records, inquiry.inputs.dispute.id, "at_ms", RANKED)
    found_ms = found[-1][1] if found else inquiry.ran_ms
    first = came.index if opened is None else opened
    times = [told["at_ms"] for index, told in records.items() if index >= first and "at_ms" in told]
    if opened is None and not isinstance(came, Doubt):
        times.append(came.received_ms)
    return bool(min(times, default=found_ms) + LONGEST_RUN_MS < found_ms)


def _facts(passage: Passage | Dispute) -> Iterator[tuple[str, Any]]:
    """What a passage says that comes from its scans alone, without rosters, roads and site names of the network."""
    for name in ("high_value", "start_ms", "checkpoints", "declared_mass_g", "item_mass_g", "pin"):
        yield name, plain(getattr(passage, name))
    yield "segments", [(segment.step, segment.shift, segment.handler) for segment in passage.segments]


def _same_stays(shown: Passage, inquiry: Inquiry) -> bool:
    """Whether segments are known by their scans, and those who shared one by these may have had the parcel there."""
    pairs = list(zip(shown.segments, inquiry.inputs.dispute.segments, strict=True))
    known = inquiry.format in TO_FIFTH or all(here.index == there.index for here, there in pairs)
    return known and all(here.roster == there.roster for here, there in pairs if here.roster)


def _check_sites(shown: Passage, stated: Dispute, notes: Notebook) -> None:
    """Whether one name stands for one site; the site of a linehaul that nobody scanned is the network's to tell."""
    named = {(here.site, there.site) for here, there in zip(shown.segments, stated.segments, strict=True)}
    pairs = {pair for pair in named if not pair[0].startswith(LINEHAUL_OF)}
    called = sorted(pair for pair in pairs if pair[0] != pair[1])
    once = len(pairs) == len({site for site, _ in pairs}) == len({name for _, name in pairs})
    keys = {(here.site, there.site_key) for here, there in zip(shown.segments, stated.segments, strict=True)}
    wrong = any(key not in {None, site} for site, key in keys if not site.startswith(LINEHAUL_OF))
    if not once or wrong or any(name.startswith(ROOT) for _, name in called):
        notes.fails("the sites that were examined are not those where the stations of the scans stand", INVESTIGATION)
    elif called:
        names = "; ".join(f"{name} for {site}" for site, name in called)
        notes.says(f"the names of sites are the service's own: {names}", INVESTIGATION)
    if roads := sorted(pair for pair in named - pairs if pair[0] != pair[1]):
        names = "; ".join(f"{name} for {site}" for site, name in roads)
        notes.says(f"the roads that nobody scanned: {names}: {BY_WORD}", INVESTIGATION)
