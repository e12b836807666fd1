from collections.abc import Sequence
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel import cose
from custody.ledger.audit import MAX_WRONG, Audit
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.kept_audit import Kept
from custody.ledger.merkle import leaf_hash
from custody.ledger.note import Ed25519Verifier, text_key
from custody.ledger.record import make_record
from custody.ledger.replay import About, AuditFinding
from custody.ledger.tiles import ENTRIES, TileId, levels_of, tiles_of
from tests.rooms.ledger.small_world import (
    LOG,
    LOG_VERIFIER,
    OPERATOR,
    ORIGIN,
    STRANGER,
    SUB,
    MemoryLog,
    chain,
    key_add,
    key_revoke,
    policy,
    policy_statement,
    scan,
    signer,
)

STATION, OTHER = signer(60), signer(61)
ISS = f"urn:weaklink:operator:{ORIGIN}"


def record(number: int) -> bytes:
    fields = {"kind": "dispute-opened", "case": f"case_{number}"}
    salt = number.to_bytes(32, "big")
    return make_record(fields, salt=salt, signer=OPERATOR, iss=ISS, sub=SUB, iat_s=1)[0].raw


SCANS = chain(STATION, 600)
START = [policy_statement(), key_add(STATION), key_add(OTHER, station="bench-08")]


def log_of(*entries: bytes) -> MemoryLog:
    return MemoryLog().append([*START, *entries])


def big() -> MemoryLog:
    """603 entries in three groups: two full tiles and a partial one, of which the third level knows two hashes."""
    return log_of(*SCANS[:200]).append(SCANS[200:220]).append(SCANS[220:])


def findings(log: MemoryLog, *, earlier: Sequence[Checkpoint] = (), note: bytes | None = None) -> list[AuditFinding]:
    head = log.note() if note is None else note
    return list(Audit(get_checkpoint=lambda: head, get_tile=log.get, log=LOG_VERIFIER, earlier=earlier).run())


def told(found: Sequence[AuditFinding]) -> list[tuple[About, str, int | None]]:
    return [(row.about, row.code, row.index) for row in found]


def test_a_sound_log_has_no_findings() -> None:
    assert findings(big(), earlier=[log_of(*SCANS[:n]).head() for n in (0, 5, 252, 253, 254, 300)]) == []
    assert findings(MemoryLog()) == []
    assert findings(MemoryLog().append(START[:1])) == []
    assert findings(log_of(*(record(number) for number in range(3)))) == []


BIG = big()
FILES = sorted(
    path for path in BIG.files if path in {t.path for level in (ENTRIES, 0, 1) for t in tiles_of(603, level)}
)


SMALL = log_of(*SCANS[:260])


@given(st.sampled_from(sorted(SMALL.files)), st.integers(0, 10**6), st.integers(0, 7))
def test_any_flipped_bit_of_any_file_is_found_at_its_index(path: str, at: int, bit: int) -> None:
    log = MemoryLog()
    log.files, log.frontier = dict(SMALL.files), SMALL.frontier
    raw = bytearray(log.files[path])
    at %= len(raw)
    raw[at] ^= 1 << bit
    log.files[path] = bytes(raw)
    found = [row for row in findings(log) if row.about == About.LOG]
    assert found
    if not path.startswith("tile/entries"):
        number = int(path.split("/")[2].removesuffix(".p"))
        span = 256 ** int(path.split("/")[1])
        assert (number * 256 + at // 32) * span in {row.index for row in found}


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 602])
def test_another_entry_in_place_of_one_is_found_at_its_index(index: int) -> None:
    log = big()
    log.set_entry(index, scan(OTHER, 1, None, station="bench-08"))
    assert (About.LOG, "hash", index) in told(findings(log))


def test_one_wrong_hash_is_found_where_it_is_and_at_its_parent_only() -> None:
    log = big()
    raw = log.files["tile/0/001"]
    log.files["tile/0/001"] = raw[:320] + bytes(32) + raw[352:]
    assert told(findings(log)) == [(About.LOG, "hash", 266), (About.LOG, "hash", 256)]
    log = big()
    log.files["tile/1/000.p/2"] = log.files["tile/1/000.p/2"][:32] + bytes(32)
    assert told(findings(log)) == [(About.LOG, "hash", 256), (About.LOG, "root", None)]


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("left", [None, 0, 31, -1])
def test_missing_and_cut_files_are_found(path: str, left: int | None) -> None:
    log = big()
    if left is None:
        del log.files[path]
    else:
        log.files[path] = log.files[path][:left]
    found = [row for row in findings(log) if row.about == About.LOG]
    assert any(path in row.detail for row in found)
    # A missing tile is derived from what lies below it, so nothing else seems wrong with the tree.
    assert len(found) == 1


def test_entries_and_their_leaves_gone_together_leave_the_root_unknown() -> None:
    log = big()
    del log.files["tile/entries/002.p/91"], log.files["tile/0/002.p/91"]
    codes = [code for _, code, _ in told(findings(log, earlier=[big().head()])) if code != "gap"]
    assert codes == ["tile", "tile", "root-unknown"]


def test_entries_gone_are_covered_by_their_leaves_for_earlier_checkpoints() -> None:
    log = big()
    del log.files["tile/entries/000"]
    found = findings(log, earlier=[log_of(*SCANS[:10]).head()])
    assert (About.LOG, "tile", 0) in told(found)
    assert "fork" not in {row.code for row in found}


def test_a_head_of_an_absurd_size_does_not_keep_the_auditor_for_ever() -> None:
    log = big()
    absurd = sign_checkpoint(Checkpoint(origin=ORIGIN, size=2**62, root=leaf_hash(b"x")), LOG)
    found = findings(log, note=absurd)
    assert found[-1].code == "gave-up"
    assert len(found) < 300


def test_a_head_of_an_absurd_size_over_files_full_of_junk_does_not_keep_the_auditor_for_ever() -> None:
    absurd = sign_checkpoint(Checkpoint(origin=ORIGIN, size=2**56, root=leaf_hash(b"x")), LOG)

    def junk(tile: TileId) -> bytes:
        return bytes((2 if tile.level == ENTRIES else 32) * tile.width)

    found = list(islice(Audit(get_checkpoint=lambda: absurd, get_tile=junk, log=LOG_VERIFIER).run(), MAX_WRONG + 1000))
    assert MAX_WRONG < len(found) < MAX_WRONG + 1000
    assert (found[-1].about, found[-1].code, "is wrong" in found[-1].detail) == (About.LOG, "gave-up", True)


def test_a_log_that_grows_as_it_is_read_is_read_to_the_checkpoint_that_the_audit_began_with() -> None:
    log, told_of = big(), []
    note, size = log.note(), len(log.entries)

    def grow(tile: TileId) -> bytes:
        held = log.get(tile)
        log.append([record(len(log.entries))])
        return held

    run = Audit(get_checkpoint=lambda: note, get_tile=grow, log=LOG_VERIFIER)
    run.progress = lambda done, whole: told_of.append((done, whole))
    assert list(run.run()) == []
    assert (run.done, told_of[0], told_of[-1]) == (size, (0, size), (size, size))


def test_an_audit_of_more_entries_than_the_auditor_wants_to_read_reads_none() -> None:
    log = big()

    def run(most: int, kept: Kept | None = None) -> Audit:
        return Audit(get_checkpoint=log.note, get_tile=log.get, log=LOG_VERIFIER, most=most, kept=kept)

    whole, short = run(len(log.entries)), run(len(log.entries) - 1)
    assert list(whole.run()) == []
    (found,) = short.run()
    assert (found.code, found.detail) == ("gave-up", "603 entries are to be read, and you want to read 602 at most")
    assert (short.done, short.keep()) == (0, None)
    assert list(run(0, kept=whole.keep()).run()) == [], "what was read in an earlier audit is not read again"


def test_a_log_that_is_wrong_in_many_places_is_listed_to_the_end() -> None:
    found = told(findings(log_of(*(b"junk %d" % number for number in range(1000)))))
    assert found == [(About.LOG, "cbor", index) for index in range(3, 1003)]


def test_no_number_of_wrongs_that_people_did_makes_an_audit_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custody.ledger.audit.MAX_WRONG", 10)
    strangers = [scan(STRANGER, 1, None, content=b"%d" % number) for number in range(300)]
    found = told(findings(log_of(*strangers)))
    assert found == [(About.STATEMENT, "key", index) for index in range(3, 303)]


def test_a_head_of_another_tree_is_found() -> None:
    log = big()
    wrong = sign_checkpoint(Checkpoint(origin=ORIGIN, size=603, root=leaf_hash(b"x")), LOG)
    assert told(findings(log, note=wrong)) == [(About.LOG, "root", None)]


@pytest.mark.parametrize("note", [b"", b"x" * 200, log_of().note()[:-2]])
def test_a_head_that_cannot_be_taken_ends_the_audit(note: bytes) -> None:
    assert [row.index for row in findings(big(), note=note)] == [None]


def test_a_head_signed_by_another_key_ends_the_audit() -> None:
    log = big()
    note = sign_checkpoint(log.head(), STRANGER)
    assert told(findings(log, note=note)) == [(About.LOG, "note", None)]


def test_a_log_that_shrank_or_forked_is_found_by_earlier_checkpoints() -> None:
    old, forked = log_of(*SCANS[:10]), log_of(*SCANS[:9], record(1))
    assert told(findings(old, earlier=[big().head()])) == [(About.LOG, "rollback", None)]
    assert (About.LOG, "fork", None) in told(findings(forked, earlier=[old.head()]))
    assert (About.LOG, "fork", None) in told(findings(log_of(*SCANS[:9], record(1), record(2)), earlier=[old.head()]))


def test_a_statement_in_the_log_twice_is_found() -> None:
    assert told(findings(log_of(SCANS[0], SCANS[1], SCANS[0]))) == [(About.LOG, "duplicate", 5)]


def test_entries_that_are_no_statements_are_found() -> None:
    transparent = cose.parse(SCANS[1]).with_unprotected({394: [b"x"]}).raw
    detached = cose.sign({15: {1: ISS, 2: SUB, 6: 1}, 395: 1}, b"r" * 32, OPERATOR, detached=True)
    receipt = cose.sign({15: {1: ISS, 2: SUB, 6: 1}, 395: 1}, b"r" * 32, OPERATOR)
    found = findings(log_of(SCANS[0], transparent, b"junk", detached, receipt))
    assert told(found) == [
        (About.LOG, "entry", 4),
        (About.LOG, "cbor", 5),
        (About.LOG, "payload", 6),
        (About.LOG, "entry", 7),
    ]


def test_what_the_registry_ignores_is_reported() -> None:
    found = findings(log_of(key_revoke(STATION, suspect_from=99)))
    assert told(found) == [(About.REGISTRY, "not-allowed", 3)]


def test_statements_by_keys_whose_word_does_not_count_are_reported() -> None:
    unknown, revoke = signer(70), key_revoke(STATION, suspect_from=4)
    log = log_of(SCANS[0], revoke, SCANS[1], scan(unknown, 1, None, station="bench-09"))
    found = findings(log)
    assert told(found) == [
        (About.STATEMENT, "revoked-key", 5),
        (About.STATEMENT, "key", 6),
    ]


def test_a_revocation_puts_earlier_statements_in_doubt() -> None:
    log = log_of(*SCANS[:4], key_revoke(STATION, suspect_from=5))
    assert told(findings(log)) == [(About.STATEMENT, "suspect-key", 5), (About.STATEMENT, "suspect-key", 6)]


def test_borrowed_names_and_forged_signatures_are_reported() -> None:
    foreign = scan(OTHER, 1, None, station="bench-07")
    message = cose.parse(SCANS[0])
    forged = cose.sign({**message.protected, 4: STATION.public.kid}, b"d" * 32, STRANGER)
    nobody = cose.sign({15: {1: "urn:weaklink:operator:other", 2: SUB, 6: 1}}, b"d" * 32, OPERATOR)
    nameless = cose.sign({15: {2: SUB, 6: 1}}, b"d" * 32, OPERATOR)
    found = findings(log_of(foreign, forged, nobody, nameless))
    assert told(found) == [
        (About.STATEMENT, "issuer", 3),
        (About.STATEMENT, "signature", 4),
        (About.STATEMENT, "issuer", 5),
        (About.STATEMENT, "issuer", 6),
    ]


def test_a_stations_chain_may_arrive_in_any_order_but_whole() -> None:
    assert findings(log_of(SCANS[2], SCANS[0], SCANS[1])) == []
    assert told(findings(log_of(SCANS[0], SCANS[2], SCANS[5]))) == [
        (About.STATION, "gap", 4),
        (About.STATION, "gap", 5),
    ]
    assert told(findings(log_of(SCANS[3]))) == [(About.STATION, "gap", 3)]


def test_two_statements_with_one_number_and_false_predecessors_are_found() -> None:
    second = scan(STATION, 2, cose.parse(SCANS[0]).digest, content=b"another story")
    astray = scan(STATION, 2, b"p" * 32)
    assert told(findings(log_of(SCANS[0], SCANS[1], second))) == [(About.STATION, "fork", 5)]
    assert told(findings(log_of(SCANS[0], astray))) == [(About.STATION, "prev", 4)]


@pytest.mark.parametrize(
    ("seq", "prev"), [(0, None), (-1, b"p" * 32), (1, b"p" * 32), (2, None), (2, b"p"), (True, None)]
)
def test_a_place_in_the_chain_that_makes_no_sense_is_found(seq: int, prev: bytes | None) -> None:
    assert told(findings(log_of(scan(STATION, seq, prev)))) == [(About.STATION, "seq", 3)]


def test_two_stations_do_not_disturb_each_other() -> None:
    other = chain(OTHER, 3, station="bench-08")
    assert findings(log_of(SCANS[0], other[0], other[1], SCANS[1], other[2])) == []


def test_entry_0_names_the_key_that_signs_the_checkpoints() -> None:
    statement = policy_statement(policy(log_key=STRANGER.public))
    assert told(findings(MemoryLog().append([statement]))) == [(About.REGISTRY, "log-key", 0)]
    found = told(findings(MemoryLog().append([SCANS[0]])))
    assert found == [
        (About.REGISTRY, "not-allowed", 0),
        (About.STATEMENT, "key", 0),
        (About.REGISTRY, "policy", None),
    ]


def test_an_auditor_with_another_log_in_mind_takes_nothing() -> None:
    log = log_of()
    other = Ed25519Verifier(key=text_key("other.example", LOG.public))
    assert told(list(Audit(get_checkpoint=log.note, get_tile=log.get, log=other).run())) == [(About.LOG, "note", None)]


def test_the_files_of_a_log_are_those_of_its_size() -> None:
    assert list(levels_of(603)) == [0, 1]
    assert FILES == [
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/91",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/91",
    ]


def batch(seq: int, count: object, prev: bytes | None) -> bytes:
    claims = {1: "urn:weaklink:station:bench-07", 2: SUB, 6: 1_790_000_000, "seq": seq, "count": count}
    if prev is not None:
        claims["prev"] = prev
    return cose.sign({3: "application/vnd.weaklink.scan-batch", 15: claims}, leaf_hash(b"root"), STATION)


def test_a_batch_takes_its_numbers_and_the_next_statement_names_it() -> None:
    three = batch(2, 3, cose.parse(SCANS[0]).digest)
    fifth = scan(STATION, 5, cose.parse(three).digest)
    assert findings(log_of(SCANS[0], three, fifth)) == []
    assert findings(log_of(fifth, three, SCANS[0])) == []
    assert told(findings(log_of(SCANS[0], three, scan(STATION, 6, b"p" * 32)))) == [(About.STATION, "gap", 5)]
    astray = scan(STATION, 5, cose.parse(SCANS[0]).digest)
    assert told(findings(log_of(SCANS[0], three, astray))) == [(About.STATION, "prev", 5)]
    inside = scan(STATION, 3, cose.parse(SCANS[1]).digest)
    assert told(findings(log_of(SCANS[0], three, inside))) == [(About.STATION, "fork", 5)]


@pytest.mark.parametrize("count", [0, -1, 257, True, "3", None])
def test_a_count_that_makes_no_sense_is_found(count: object) -> None:
    assert told(findings(log_of(batch(1, count, None)))) == [(About.STATION, "seq", 3)]
