"""An audit that goes on where an earlier one stopped finds what an audit from the start finds."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel import cbor, cose
from custody.kernel.errors import NotFound, Rejected
from custody.ledger.audit import Audit
from custody.ledger.checkpoint import Checkpoint
from custody.ledger.kept_audit import Kept, read_kept, write_kept
from custody.ledger.merkle import HASH_BYTES, leaf_hash
from custody.ledger.note import Ed25519Verifier, text_key
from custody.ledger.replay import About, AuditFinding
from custody.ledger.tiles import TileId
from tests.rooms.ledger.small_world import (
    LOG_VERIFIER,
    ORIGIN,
    STRANGER,
    MemoryLog,
    chain,
    key_add,
    key_revoke,
    policy_statement,
    refused,
    scan,
    signer,
)

STATION, OTHER = signer(60), signer(61)
SCANS = chain(STATION, 700)
OTHERS = chain(OTHER, 40, station="bench-08")
START = [policy_statement(), key_add(STATION), key_add(OTHER, station="bench-08")]


class Reading:
    """A log that remembers which files were asked for."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.asked: list[str] = []

    def tile(self, wanted: TileId) -> bytes:
        self.asked.append(wanted.path)
        return self.log.get(wanted)


def audited(
    log: MemoryLog, kept: Kept | None = None, *, earlier: Sequence[Checkpoint] = ()
) -> tuple[list[AuditFinding], Audit, Reading]:
    reading, note = Reading(log), log.note()
    run = Audit(get_checkpoint=lambda: note, get_tile=reading.tile, log=LOG_VERIFIER, kept=kept, earlier=earlier)
    return list(run.run()), run, reading


def again(run: Audit) -> Kept:
    """What was kept, through its file."""
    kept = run.keep()
    assert kept is not None
    return read_kept(write_kept(kept), LOG_VERIFIER)


def sorted_told(found: Sequence[AuditFinding]) -> list[tuple[str, str, str]]:
    return sorted((str(row.about), row.code, f"{row.index} {row.detail}") for row in found)


@pytest.mark.parametrize("first", [0, 1, 3, 255, 256, 257, 511, 512, 600])
def test_going_on_reads_only_what_is_new_and_finds_nothing_wrong_with_a_sound_log(first: int) -> None:
    entries = [*START, *SCANS]
    _, run, _ = audited(MemoryLog().append(entries[:first]))
    whole = MemoryLog().append(entries[:first]).append(entries[first:])
    found, later, reading = audited(whole, again(run))
    assert found == []
    assert (later.done, later.sound) == (703, True)
    assert later.replay.kinds["application/vnd.weaklink.scan+epcis"] == 700
    read = [path for path in reading.asked if path.startswith("tile/entries")]
    assert read == ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/191"][first // 256 :]
    third, _, _ = audited(whole, again(later))
    assert third == []


HISTORY = st.lists(
    st.sampled_from(["next", "next", "next", "skip", "late", "fork", "other", "revoke", "junk"]),
    min_size=1,
    max_size=25,
)


def played(acts: Sequence[str]) -> list[bytes]:
    """A history of two stations in which not everything is in order."""
    entries, seq, other, left = list(START), 0, 0, []
    for act in acts:
        if act in {"next", "skip"}:
            if act == "skip":
                left.append(seq)
                seq += 1
            entries.append(SCANS[seq])
            seq += 1
        elif act == "late" and left:
            entries.append(SCANS[left.pop()])
        elif act == "fork":
            entries.append(scan(STATION, 1, None, content=f"fork {len(entries)}".encode()))
        elif act == "other":
            entries.append(OTHERS[other])
            other += 1
        elif act == "revoke":
            entries.append(key_revoke(OTHER, station="bench-08", suspect_from=max(3, len(entries) - 3)))
        elif act == "junk":
            entries.append(scan(STRANGER, 1, None, station="bench-09", content=str(len(entries)).encode()))
    return entries


@settings(max_examples=40)
@given(HISTORY, st.data())
def test_two_audits_find_together_what_one_finds(acts: list[str], data: st.DataObject) -> None:
    entries = played(acts)
    first = data.draw(st.integers(0, len(entries)))
    whole, at_once, _ = audited(MemoryLog().append(entries))
    _, run, _ = audited(MemoryLog().append(entries[:first]))
    if first and run.keep() is None:
        return  # a duplicate is the log's own fault, after which nothing is kept
    in_two, later, _ = audited(MemoryLog().append(entries), again(run))
    assert sorted_told(in_two) == sorted_told(whole)
    assert later.replay.registry == at_once.replay.registry
    assert later.replay.chains == at_once.replay.chains


def test_an_audit_may_be_broken_off_at_any_bundle_and_go_on_there() -> None:
    log = MemoryLog().append([*START, *SCANS])
    note, held = log.note(), []
    run = Audit(
        get_checkpoint=lambda: note,
        get_tile=log.get,
        log=LOG_VERIFIER,
        progress=lambda done, _size: held.append((done, write_kept(run.keep()))),  # type: ignore[arg-type]  # it is sound
    )
    assert list(run.run()) == []
    assert [done for done, _ in held] == [0, 256, 512, 703]
    for _, raw in held:
        found, later, _ = audited(log, read_kept(raw, LOG_VERIFIER))
        assert (found, later.done) == ([], 703)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 7), st.data())
def test_a_flipped_bit_in_what_is_new_is_found(at: int, bit: int, data: st.DataObject) -> None:
    entries = [*START, *SCANS]
    _, run, _ = audited(MemoryLog().append(entries[:400]))
    log = MemoryLog().append(entries[:400]).append(entries[400:])
    path = data.draw(st.sampled_from(["tile/entries/002.p/191", "tile/0/002.p/191", "tile/1/000.p/2", "tile/0/001"]))
    raw = bytearray(log.files[path])
    raw[at % len(raw)] ^= 1 << bit
    log.files[path] = bytes(raw)
    found, later, _ = audited(log, again(run))
    assert any(row.about is About.LOG for row in found)
    assert later.keep() is None


def test_a_log_that_was_set_back_or_forked_after_the_last_audit_is_found() -> None:
    entries = [*START, *SCANS[:400]]
    _, run, _ = audited(MemoryLog().append(entries))
    shorter = MemoryLog().append(entries[:300])
    assert [row.code for row in audited(shorter, again(run))[0]] == ["rollback"]
    forked = MemoryLog().append(
        [*entries[:260], scan(OTHER, 1, None, station="bench-08"), *entries[261:], *SCANS[400:]]
    )
    assert "fork" in {row.code for row in audited(forked, again(run))[0]}


def broken_off(place: int, log: MemoryLog, before: bytes | None = None, *, whole: bool = False) -> bytes:
    """The state file of an audit that went no further than an entry."""
    state = {place: before}
    kept = None if before is None else read_kept(before, LOG_VERIFIER)
    run = Audit(get_checkpoint=log.note, get_tile=log.get, log=LOG_VERIFIER, kept=kept, whole=whole)

    def hold(done: int, _size: int) -> None:
        if (now := run.keep()) is not None:
            state[done] = write_kept(now)

    run.progress = hold
    list(run.run())
    left = state[place]
    assert left is not None
    return left


@pytest.mark.parametrize(("place", "whole"), [(256, False), (512, False), (0, True), (256, True)])
def test_a_head_that_was_kept_is_not_forgotten_before_the_next_one_is_known_to_continue_it(
    place: int,
    whole: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    entries = [*START, *SCANS]
    first = broken_off(256, MemoryLog().append(entries[:650]))
    grown = broken_off(place, MemoryLog().append(entries), first, whole=whole)
    kept = read_kept(grown, LOG_VERIFIER)
    assert (kept.size, kept.head.size) == (place, 703)
    forked = MemoryLog().append([*entries[:600], OTHERS[0], *entries[601:]])
    state = broken_off(place, forked, first, whole=whole)
    assert "fork" in {row.code for row in audited(forked, read_kept(state, LOG_VERIFIER))[0]}


def test_a_checkpoint_from_before_the_place_is_compared_by_proof() -> None:
    entries = [*START, *SCANS]
    _, run, _ = audited(MemoryLog().append(entries[:600]))
    log = MemoryLog().append(entries[:600]).append(entries[600:])
    good = [MemoryLog().append(entries[:size]).head() for size in (1, 77, 256, 300)]
    assert audited(log, again(run), earlier=good)[0] == []
    other = MemoryLog().append([*entries[:76], OTHERS[0]]).head()
    found, _, _ = audited(log, again(run), earlier=[other])
    assert [(row.code, row.detail) for row in found] == [("fork", "the log showed another tree of size 77 before")]


@pytest.mark.parametrize("size", [255, 256, 257, 512])
def test_another_tree_of_the_kept_size_is_found_by_an_audit_that_goes_on(size: int) -> None:
    log = MemoryLog().append([*START, *SCANS[: size - 3]])
    _, run, _ = audited(log)
    other = Checkpoint(origin=ORIGIN, size=size, root=leaf_hash(b"another past"))
    for served in (log, MemoryLog().append([*START, *SCANS[: size + 300]])):
        assert audited(served, again(run), earlier=[log.head()])[0] == []
        found, later, _ = audited(served, again(run), earlier=[other])
        assert [(row.about, row.code) for row in found] == [(About.LOG, "fork")]
        assert later.keep() is None


def test_what_was_kept_is_refused_if_it_is_damaged_or_another_logs() -> None:
    _, run, _ = audited(MemoryLog().append([*START, *SCANS[:5]]))
    kept = run.keep()
    assert kept is not None
    raw = write_kept(kept)
    for at in (0, 40, len(raw) - 1):
        refused(read_kept, raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], LOG_VERIFIER, code="kept")
    other = Ed25519Verifier(key=text_key("other.example", signer(1).public))
    refused(read_kept, raw, other, code="kept")
    refused(read_kept, b"", LOG_VERIFIER, code="kept")


OTHER_MEMBERS = {
    "rows that are none": {"rows": 3},
    "a row without hashes": {"rows": [[1]]},
    "a row of a number": {"rows": [[1, 2]]},
    "a row of half a hash": {"rows": [[1, bytes(31)]]},
    "a row that is too long": {"rows": [[1, bytes(96)]]},
    "a row below the entries": {"rows": [[1, bytes(64)], [-1, b""]]},
    "a row that is missing": {"rows": []},
    "peaks of another size": {"peaks": bytes(64)},
    "half a peak": {"peaks": bytes(31)},
    "a finding that is none": {"findings": [1]},
    "a finding about nobody": {"findings": [["people", "gap", "a gap", 1]]},
    "a chain without its parts": {"chains": [["station", 2]]},
    "a change without a statement": {"changes": [[1]]},
    "kinds without a count": {"kinds": 3},
    "places that are cut off": {"signed": [[b"kid", b"\xff"]]},
    "half a place": {"others": bytes(9)},
}


@pytest.mark.parametrize("what", OTHER_MEMBERS)
def test_what_was_kept_is_refused_if_its_parts_are_none_however_well_they_are_hashed(what: str) -> None:
    _, run, _ = audited(MemoryLog().append([*START, *SCANS[:600]]))
    kept = run.keep()
    assert kept is not None
    raw = write_kept(kept)
    assert write_kept(read_kept(raw, LOG_VERIFIER)) == raw
    members = cbor.decode(raw[HASH_BYTES:], most_items=len(raw))
    body = cbor.encode(members | OTHER_MEMBERS[what])
    refused(read_kept, hashlib.sha256(body).digest() + body, LOG_VERIFIER, code="kept")


def test_nothing_is_kept_of_a_log_that_could_not_be_read() -> None:
    log = MemoryLog().append([*START, *SCANS[:300]])
    del log.files["tile/0/000"]
    _, run, _ = audited(log)
    assert run.keep() is None

    def away() -> bytes:
        raise NotFound("checkpoint", "there is none", fix="Look elsewhere.")

    lost = Audit(get_checkpoint=away, get_tile=log.get, log=LOG_VERIFIER)
    assert [row.about for row in lost.run()] == [About.LOG]
    assert lost.keep() is None


def test_a_duplicate_is_found_across_two_audits() -> None:
    entries = [*START, *SCANS[:5]]
    _, run, _ = audited(MemoryLog().append(entries))
    for index, entry in ((3, SCANS[0]), (1, START[1])):
        found, _, _ = audited(MemoryLog().append([*entries, entry]), again(run))
        assert (About.LOG, "duplicate", 8) in {(row.about, row.code, row.index) for row in found}
        assert any(f"entry {index} already" in row.detail for row in found)


def test_an_entry_with_a_chain_of_its_own_is_kept_by_content_type() -> None:
    made = cose.sign({3: ["a", "list"], 15: {1: "urn:x", 2: "urn:y"}}, b"x", STRANGER)
    found, run, _ = audited(MemoryLog().append([*START, made]))
    assert [row.code for row in found] == ["issuer"]
    assert run.replay.kinds["another"] == 1
    with pytest.raises(Rejected):
        read_kept(write_kept(again(run))[1:], LOG_VERIFIER)


def test_any_number_of_findings_is_kept() -> None:
    _, run, _ = audited(MemoryLog().append(START))
    one = AuditFinding(about=About.STATION, code="gap", detail="one is missing", index=2)
    kept = replace(again(run), findings=(one,) * 30_000)
    assert read_kept(write_kept(kept), LOG_VERIFIER).findings == kept.findings
