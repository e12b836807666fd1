"""The judge on a batch: what belongs to a scan is each scan's own, what belongs to the statement is said once."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel.clock import SECOND_MS
from custody.kernel.key_standing import KeyStanding
from custody.kernel.keys import new_signer
from custody.scans.advance import UNSEEN, advance, parcels_of
from custody.scans.batch import Batch, BatchedScan, HandedScan, make_batch, open_batch
from custody.scans.judge_batch import JudgedBatch, judge_batch
from custody.scans.judge_parcels import judge_parcels
from custody.scans.leaf import make_leaf
from custody.scans.scan import make_scan, open_scan
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import Verdict
from custody.scans.view import StationHead, UnitView

Bytes = Callable[..., bytes]
SIGNER = new_signer(seed=b"\7" * 32)
HEAD = StationHead(seq=4, digest=b"\4" * 32)
MADE_S = 1_778_483_640
NOW_MS = MADE_S * SECOND_MS + 1_000
PLAIN = {"sensorElementList": None, "wl:sealNumber": None, "wl:imei": None}
KNOWN = UnitView(known=True)
PARCEL = "https://id.gs1.org/00/195214730000088169"
AHEAD_MS = 3 * 86_400 * SECOND_MS


def salt(number: int) -> bytes:
    return hashlib.sha256(f"salt {number}".encode()).digest()


def batch_of(events: Sequence[bytes]) -> Batch:
    """A batch of these events."""
    made = [
        make_leaf(event, station="bench-07", subject="s", seq=seq, salt=salt(seq))
        for seq, event in enumerate(events, 5)
    ]
    leaves = [leaf for leaf, _ in made]
    statement = make_batch(leaves, subject="urn:uuid:batch", prev=HEAD.digest, iat_s=MADE_S, signer=SIGNER)
    items = [HandedScan(subject="s", content_type=leaf.content_type, opening=opening) for leaf, opening in made]
    return open_batch(statement, items)


def judged(batch: Batch, *, unread: Sequence[int] = (), **facts: Any) -> JudgedBatch:
    """The judgement with everything in order but what is given."""
    known = {"standing": KeyStanding.VALID, "head": HEAD, "held": {}, "views": {PARCEL: KNOWN}, "now_ms": NOW_MS}
    scans = [
        scan if isinstance(scan, BatchedScan) and at not in unread else None for at, scan in enumerate(batch.scans)
    ]
    return judge_batch(batch.statement, scans, tolerances=Tolerances(), custodian=None, **{**known, **facts})


def codes(found: JudgedBatch) -> list[list[str] | None]:
    """The flags' codes of each verdict."""
    return [None if verdict is None else [flag.code for flag in verdict.flags] for verdict in found.verdicts]


@pytest.fixture
def batch(event_bytes: Bytes) -> Batch:
    """Lend a batch of three scans of one parcel."""
    return batch_of([event_bytes(**PLAIN)] * 3)


def test_a_batch_in_order_is_accepted_and_the_station_goes_on_from_it(batch: Batch) -> None:
    found = judged(batch)
    assert codes(found) == [[], [], []]
    assert found.head == StationHead(seq=7, digest=batch.statement.digest)
    assert found.views.keys() == {PARCEL}


def test_a_gap_before_it_is_flagged_once_at_the_first_scan_that_can_be_read(batch: Batch) -> None:
    behind = StationHead(seq=2, digest=b"\2" * 32)
    assert codes(judged(batch, head=behind)) == [["sequence_gap"], [], []]
    assert codes(judged(batch, head=behind, unread=[0])) == [None, ["sequence_gap"], []]
    assert judged(batch, head=behind).head is not None


def test_if_it_does_not_follow_none_of_its_scans_does(batch: Batch) -> None:
    found = judged(batch, head=StationHead(seq=4, digest=b"\5" * 32))
    assert codes(found) == [["chain_broken"]] * 3
    assert found.head is None
    assert found.views == {}


def test_a_number_that_another_statement_took_is_that_scans_alone(batch: Batch) -> None:
    found = judged(batch, held={6: b"\6" * 32})
    assert codes(found) == [[], ["tamper_evidence"], []]
    assert found.head == StationHead(seq=7, digest=batch.statement.digest)


def test_its_own_numbers_are_no_tamper_evidence(batch: Batch) -> None:
    held = dict.fromkeys((5, 6, 7), batch.statement.digest)
    assert codes(judged(batch, held=held)) == [[], [], []]


def test_each_scan_sees_what_those_before_it_said(event_bytes: Bytes) -> None:
    begin = event_bytes(**PLAIN, bizStep="commissioning", action="ADD", sourceList=None, destinationList=None)
    found = judged(batch_of([event_bytes(**PLAIN), begin, event_bytes(**PLAIN)]), views={})
    assert codes(found) == [["unknown_parcel"], [], []]


def test_a_scan_that_is_set_apart_says_nothing_and_leaves_no_hole(event_bytes: Bytes) -> None:
    early = event_bytes(**PLAIN, eventTime="2026-05-14T08:14:00.500+01:00")
    found = judged(batch_of([early, event_bytes(**PLAIN), event_bytes(**PLAIN)]), views={})
    assert codes(found) == [["clock_quarantine", "unknown_parcel"], ["unknown_parcel"], []]
    assert found.head is not None


@pytest.mark.parametrize("standing", [KeyStanding.REVOKED, KeyStanding.UNKNOWN])
def test_the_station_does_not_go_on_from_a_batch_that_is_set_apart_whole(batch: Batch, standing: KeyStanding) -> None:
    assert judged(batch, standing=standing).head is None
    assert judged(batch, standing=standing, unread=[0, 1, 2]).head is None


def test_scans_that_cannot_be_read_take_their_numbers(batch: Batch) -> None:
    found = judged(batch, unread=[0, 1, 2])
    assert codes(found) == [None] * 3
    assert found.head == StationHead(seq=7, digest=batch.statement.digest)
    assert judged(batch, unread=[0, 1, 2], now_ms=NOW_MS - AHEAD_MS).head is None
    assert judged(batch, unread=[0, 1, 2], held=dict.fromkeys((5, 6, 7), b"\1" * 32)).head is None


def test_an_erased_scan_told_the_gap_and_was_set_apart_or_not_as_was_said_of_it(batch: Batch) -> None:
    behind = StationHead(seq=2, digest=b"\2" * 32)
    other = b"\1" * 32
    assert codes(judged(batch, head=behind, unread=[0], said={5: "flagged"})) == [None, [], []]
    assert codes(judged(batch, head=behind, unread=[0], said={5: "quarantined"})) == [None, [], []]
    of_another = judged(batch, head=behind, unread=[0], held={5: other}, said={5: "quarantined"})
    assert codes(of_another) == [None, ["sequence_gap"], []]
    broken = judged(batch, head=StationHead(seq=4, digest=other), unread=[0], said={5: "quarantined"})
    assert codes(broken) == [None, ["chain_broken"], ["chain_broken"]]
    apart = dict.fromkeys((5, 6, 7), "quarantined")
    assert judged(batch, unread=[0, 1, 2], said=apart).head is None
    assert judged(batch, unread=[0, 1, 2], said={**apart, 6: "accepted"}).head is not None


def test_a_batch_that_comes_late_moves_nothing_back(batch: Batch) -> None:
    assert judged(batch, head=StationHead(seq=9, digest=b"\7" * 32)).head is None


STEPS = st.sampled_from(["commissioning", "packing", "departing", "accepting", "inspecting"])
SCANS = st.lists(
    st.tuples(STEPS, st.integers(0, 2), st.sampled_from([None, 0.3, 0.5, 0.52]), st.integers(-200_000, 100_000)),
    min_size=2,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(said=SCANS, seen=st.booleans(), gap=st.integers(0, 1))
def test_a_batch_has_the_verdicts_of_the_same_scans_sent_plainly(
    said: list[tuple[str, int, float | None, int]],
    seen: bool,  # noqa: FBT001 - drawn
    gap: int,
) -> None:
    events = [event_of(*each) for each in said]
    head = StationHead(seq=4 - gap, digest=HEAD.digest)
    views = {parcel_of(0): KNOWN} if seen else {}
    found = judged(batch_of(events), head=head, views=views)
    assert list(found.verdicts) == plainly(events, head, dict(views))


def plainly(events: Sequence[bytes], head: StationHead, views: dict[str, UnitView]) -> list[Verdict]:
    """The verdicts on the same scans, each with a statement of its own."""
    verdicts, prev = [], HEAD.digest
    for seq, event in enumerate(events, 5):
        statement, opening = make_scan(
            event,
            station="bench-07",
            subject="s",
            seq=seq,
            prev=prev,
            iat_s=MADE_S,
            salt=salt(seq),
            signer=SIGNER,
        )
        scan = open_scan(statement, opening)
        verdict = judge_parcels(
            scan, standing=KeyStanding.VALID, head=head, views=views, now_ms=NOW_MS, tolerances=Tolerances()
        )
        verdicts.append(verdict)
        head, prev = StationHead(seq=seq, digest=scan.digest), scan.digest
        for parcel in parcels_of(scan.event):
            views[parcel] = advance(views.get(parcel, UNSEEN), scan.event)
    return verdicts


def parcel_of(number: int) -> str:
    """One of three parcels."""
    return f"https://id.gs1.org/00/19521473000008{('8169', '8176', '8183')[number]}"


def event_of(step: str, parcel: int, mass: float | None, off_ms: int) -> bytes:
    """An event of one of three parcels, at about the same time."""
    body: dict[str, Any] = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"wl": "urn:weaklink:"}],
        "type": "ObjectEvent",
        "eventTime": f"2026-05-11T07:{14 + off_ms // 60_000:02d}:00.000Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "ADD" if step in {"commissioning", "packing"} else "OBSERVE",
        "bizStep": step,
        "epcList": [parcel_of(parcel)],
    }
    if step in {"departing", "accepting"}:
        parties = ("https://id.gs1.org/417/9521473000102", "https://id.gs1.org/417/9521886000010")
        body["sourceList"] = [{"type": "possessing_party", "source": parties[0]}]
        body["destinationList"] = [{"type": "possessing_party", "destination": parties[1]}]
    if mass is not None:
        body["sensorElementList"] = [{"sensorReport": [{"type": "Mass", "value": mass, "uom": "KGM"}]}]
    return json.dumps(body).encode()
