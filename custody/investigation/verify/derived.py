"""Steps 8 and 9: what follows from the signed records.

- 8: the trail room builds the same trail again from the scans in the pack, and some of these are of the case's parcel;
  report.html and VERIFY.txt are what the other files lead to. What the trail finds, such as a scan that another one
  names and that is not here, is said.
- 9: the posterior is computed again from the inputs in investigation.json, and these inputs are held against the
  scans as far as the investigation had read them, against the complaint that the log recorded, against what checks
  of the chain have shown by the log, and against where the handset was seen; every scan and every word of a
  verifier that could be read an hour before the answer had been read, and nothing that came after the record of the
  answer. The search for what had been read ends after very many scans; then it is named as not checked, unless scans
  that had to be read would be left out by whatever else there is. They are of this case, or of one that was joined
  into it. Each site has its own name, and no key of another one. The stored answer is what was computed, member by
  member, and what the log recorded when it was found; one that the log recorded is not left out. What rests on other
  disputes, such as its hotspots, and every input that no record bears out is named as the operator's word, and
  evidence that was left out is named. An answer without its inputs is named as not checked.
"""

from dataclasses import fields
from itertools import accumulate
from operator import itemgetter, or_
from typing import Any

import numpy as np

from custody.disputes.claim import ClaimType
from custody.investigation.answer import briefly
from custody.investigation.pack.draw_up import INVESTIGATION, derive
from custody.investigation.pack.earlier import TO_THIRD
from custody.investigation.pack.howto import FILE as HOWTO
from custody.investigation.pack.inquiry import (
    Inputs,
    Inquiry,
    check_inquiry,
    check_naming,
    own_params,
    read_inquiry,
    same,
    stored_again,
)
from custody.investigation.pack.json_form import plain, read_json
from custody.investigation.pack.report import FILE as REPORT
from custody.investigation.pack.trail import FILE as TRAIL
from custody.investigation.pack.trail import sealed_scans
from custody.investigation.params import Params
from custody.investigation.passage import Dispute
from custody.investigation.read_passage import COMPLAINT_OF
from custody.investigation.verify.case import (
    MERGED,
    RANKED,
    Records,
    claims_of,
    closed_since,
    is_step,
    joined_into,
    told_of,
)
from custody.investigation.verify.examined import check_examined
from custody.investigation.verify.form import OpenedPack
from custody.investigation.verify.scans import has_unread, records_of
from custody.investigation.verify.verification import BY_WORD, Notebook
from custody.kernel.clock import to_iso
from custody.ledger.registry import Registry
from custody.trail.edition import ReadingEdition

SEEN, CHECKED = "dispute.handset_seen", "dispute.check_done"
AT_FIRST: tuple[dict[str, Any], ...] = tuple(
    accumulate(
        (
            {"bare_controls": True},
            {"edition": ReadingEdition.FOURTH},
            {"edition": ReadingEdition.THIRD},
            {"edition": ReadingEdition.SECOND},
            {"edition": ReadingEdition.FIRST},
            {"bare_promises": True},
            {"dropped_as_erased": True},
            {"closed_missing": True},
        ),
        or_,
    )
)
"""How packs were made before, the newest way first; each has what is told here beside all before it."""
BY_HISTORY = (
    "the figures for naming that need every dispute (exact check, disputes charged, whether a custodian is hot)"
)


def check_trail(pack: OpenedPack, registry: Registry, notes: Notebook) -> None:
    """Step 8, the trail and the report follow from the signed records; what is wrong or unchecked is noted."""
    derived = _derived(pack)
    for name, what in (
        (TRAIL, "the trail room builds the same trail from these scans"),
        (REPORT, "the report says what the other files say"),
        (HOWTO, "the instructions are those of this format"),
    ):
        if derived[name] == pack.files[name]:
            notes.holds(what, name)
        else:
            notes.fails("it is not what the other files lead to", name)
    trail = read_json(derived[TRAIL], where=TRAIL)
    for finding in trail["findings"]:
        if finding["severity"] != "note":
            notes.says(f"the trail shows: {finding['sentence']}", TRAIL)
    if sealed_scans(pack.entries, registry) and not trail["entries"]:
        # A handset whose packing was set apart has scans and no trail; a parcel that a case names has not.
        ok = None if pack.case.parcel is None or has_unread(pack) else False
        notes.tell("none of the scans belongs to the trail", TRAIL, ok=ok)


def _derived(pack: OpenedPack) -> dict[str, bytes]:
    """The files that follow from the others, as packs are made now or were made at first."""
    now = derive(pack.source)
    made = (now if not form else derive(pack.source, **form) for form in ({}, *AT_FIRST))
    return next((files for files in made if all(files[name] == pack.files[name] for name in (TRAIL, REPORT))), now)


def check_investigation(pack: OpenedPack, registry: Registry, notes: Notebook) -> None:
    """Step 9, the probabilities are computed again; what is wrong or unchecked is noted."""
    stored, value = pack.investigation["stored"], pack.investigation["inquiry"]
    records = records_of(pack.entries)
    if stored is None:
        _check_left_out(pack, records, notes)
    else:
        _check_ranked(pack, records, stored, notes)
    if value is None:
        if stored is None:
            notes.says("no investigation is in the pack; nothing was computed again", INVESTIGATION)
        else:
            why = "its inputs are not in the pack, so nothing was computed again"
            notes.leaves(f"the answer of the investigation is NOT CHECKED: {why}", INVESTIGATION)
        return
    inquiry = read_inquiry(value)
    with np.errstate(all="ignore"):
        for part in (*check_inquiry(inquiry), check_naming(inquiry)):
            said = (
                f"{part.what}: the same when computed again" if part.ok else f"{part.what}: NOT what the inputs lead to"
            )
            notes.tell(said, INVESTIGATION, ok=part.ok)
    notes.says("the hazards of this chain are taken as the history of the whole network gave them", INVESTIGATION)
    notes.says(f"{BY_HISTORY}: not computed again, on the operator's word", INVESTIGATION)
    if stored is not None:
        _check_stored(stored, inquiry, notes)
    if off := inquiry.inputs.params.off:
        notes.says(f"evidence was left out of the sum: {', '.join(sorted(off))}", INVESTIGATION)
    check_examined(pack, registry, records, inquiry, notes)
    _check_whose(pack, records, inquiry.inputs.dispute, notes)
    _check_complaint(pack, records, inquiry.inputs.dispute, notes)
    _check_checked(pack, records, inquiry.inputs, notes)
    _check_seen(records, inquiry, notes)
    _tell_given(inquiry, notes)


def _check_left_out(pack: OpenedPack, records: Records, notes: Notebook) -> None:
    """Once an answer was found, a case has one, unless it went on with the case in another one."""
    found = told_of(records, pack.case.dispute, "headline", RANKED)
    if found and told_of(records, pack.case.dispute, "into", MERGED):
        notes.says("what was found may be in the pack of the case that this one was joined into", INVESTIGATION)
    elif found:
        notes.fails(f"the answer that the log recorded at entry {found[-1][0]} is left out", INVESTIGATION)


def _check_ranked(pack: OpenedPack, records: Records, stored: Any, notes: Notebook) -> None:
    """Whether the stored answer is the one that the log recorded when it was found."""
    told = told_of(records, stored.get("dispute", pack.case.dispute), "headline", RANKED)
    if not told:
        notes.says(f"no record here says what the investigation found: {BY_WORD}", INVESTIGATION)
        return
    index, brief = told[-1][0], briefly(stored)
    recorded = plain(dict(records[index]))
    if {name: recorded.get(name) for name in brief} == brief:
        notes.holds("the answer is the one that the log recorded when it was found", INVESTIGATION)
    elif closed_since(pack, records, index):
        notes.says(f"the answer may be told by a record that is closed or not here: {BY_WORD}", INVESTIGATION)
    else:
        notes.fails("the answer is not the one that the log recorded when it was found", INVESTIGATION)


def _check_stored(stored: Any, inquiry: Inquiry, notes: Notebook) -> None:
    """Whether the stored answer is the one that was computed again, and what of it was not computed."""
    stored, again = (
        {**told, "links": sorted(told["links"], key=itemgetter("column"))} for told in (stored, stored_again(inquiry))
    )
    known = stored.keys() & again.keys()
    if not same({name: stored[name] for name in known}, {name: again[name] for name in known}):
        notes.fails("the answer that the service stored is not the one computed from these inputs", INVESTIGATION)
    if alone := sorted(name for name in stored.keys() - known if stored[name]):
        said = f"{', '.join(alone)} of the stored answer: not computed again, on the operator's word"
        notes.says(said, INVESTIGATION)


def _check_whose(pack: OpenedPack, records: Records, dispute: Dispute, notes: Notebook) -> None:
    """A case has its own investigation, or that of a case which was joined into it."""
    if dispute.id == pack.case.dispute:
        return
    joined = joined_into(records, pack.case.dispute)
    if not joined:
        notes.fails("the inputs are of another case", INVESTIGATION)
    elif dispute.id in joined:
        notes.says(f"the inputs are of {dispute.id}, which was joined into this case", INVESTIGATION)
    else:
        notes.says(f"no record here tells that {dispute.id}, whose inputs these are, was joined in", INVESTIGATION)


def _check_complaint(pack: OpenedPack, records: Records, dispute: Dispute, notes: Notebook) -> None:
    claims = claims_of(records, dispute.id)
    weighed = [index for index, claim in claims if dispute.complaint is COMPLAINT_OF.get(ClaimType(claim))]
    if not claims:
        notes.says(
            "no record here says what the customer complained of, so what was weighed is not told", INVESTIGATION
        )
    elif claims[-1][0] in weighed:
        notes.holds("the complaint that was weighed is the one that the log recorded", INVESTIGATION)
    elif weighed:
        notes.says(f"{dispute.complaint} was weighed, before the log recorded {claims[-1][1]}", INVESTIGATION)
    elif closed_since(pack, records, claims[-1][0]):
        notes.says(f"that {dispute.complaint} was weighed may be told by a record that is not here", INVESTIGATION)
    else:
        notes.fails(f"{dispute.complaint} was weighed, and the log recorded {claims[-1][1]}", INVESTIGATION)


def _check_checked(pack: OpenedPack, records: Records, inputs: Inputs, notes: Notebook) -> None:
    """Each result is the last that the log recorded of its check before the answer, and none of those is left out."""
    case = inputs.dispute.id
    ranked = max((index for index, _ in told_of(records, case, "headline", RANKED)), default=max(records, default=0))
    told = {
        tuple(records[index].get(name) for name in ("check", "title", "own", "stay")): (index, found)
        for index, found in told_of(records, case, "found", CHECKED)
        if index < ranked
    }
    weighed = {(each.check, each.title, each.own, each.stay): each.found for each in inputs.checked}
    other = [key[1] for key, found in weighed.items() if told.get(key, (0, None))[1] is not found]
    if other and closed_since(pack, records, -1):
        notes.says(f"what was shown by a check may be told by a record that is not here: {BY_WORD}", INVESTIGATION)
    elif other:
        notes.fails(f"that a check has shown this is not what the log recorded: {'; '.join(other)}", INVESTIGATION)
    elif weighed:
        notes.holds("what checks have shown is what the log recorded", INVESTIGATION)
    if left := sorted(str(key[1]) for key in told if key not in weighed):
        notes.says(f"checks whose results were not weighed: {'; '.join(left)}", INVESTIGATION)


def _check_seen(records: Records, inquiry: Inquiry, notes: Notebook) -> None:
    """When the handset was first seen with a SIM that is not the customer's, once its parcel had set out."""
    dispute = inquiry.inputs.dispute
    steps = [told for told in records.values() if told["kind"] == SEEN and is_step(told, dispute.id)]
    seen = [told["seen_ms"] for told in steps if told["sim"] == "other"]
    counts = seen if inquiry.format in TO_THIRD else [at_ms for at_ms in seen if at_ms >= dispute.start_ms]
    first = min(counts, default=None)
    if dispute.attach_ms != first:
        when = "never" if dispute.attach_ms is None else to_iso(dispute.attach_ms)
        notes.says(f"when the handset was seen with another SIM ({when}): {BY_WORD}", INVESTIGATION)


def _tell_given(inquiry: Inquiry, notes: Notebook) -> None:
    """What went into the sum and stands in no record: places, rosters and the numbers of the model."""
    dispute = inquiry.inputs.dispute
    given = [name for name in ("customer_region", "attach_region", "recovered_site") if getattr(dispute, name)]
    if any(segment.handler is None and segment.roster for segment in dispute.segments):
        given.append("who was on duty where nobody scanned")
    if given:
        notes.says(f"{', '.join(given)}: {BY_WORD}", INVESTIGATION)
    params, own = inquiry.inputs.params, own_params(inquiry)
    sources: dict[str, list[str]] = {}
    for name in sorted(field.name for field in fields(Params) if field.name not in {"off", "sources"}):
        if getattr(params, name) != getattr(own, name):
            sources.setdefault(params.source(name), []).append(name)
    if sources:
        told = "; ".join(f"{source}: {', '.join(names)}" for source, names in sorted(sources.items()))
        notes.says(f"the numbers that are not the model's own ({told}): {BY_WORD}", INVESTIGATION)
