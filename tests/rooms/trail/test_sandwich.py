"""Between which moments a trail's scans were made, by witnesses and by no station's clock."""

from custody.gs1.named_information import write_ni
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.cosignature import cosign
from custody.ledger.merkle import leaf_hash
from custody.ledger.note import SignatureKind, add_signatures, text_key
from custody.ledger.time_bounds import TimeBounds, note_digest
from custody.ledger.witness_policy import parse_policy
from custody.trail.describe import describe_trail
from custody.trail.sandwich import bound_times
from tests.rooms.ledger.small_world import LOG, LOG_VERIFIER, ORIGIN, refused, signer
from tests.rooms.trail.world import World, wl

WITNESS = signer(30)
VKEY = text_key("carrier.example", WITNESS.public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()
POLICY = parse_policy(f"log {LOG_VERIFIER.key.vkey()}\nwitness carrier {VKEY}\nquorum carrier\n")


def note(size: int, at_s: int) -> bytes:
    head = Checkpoint(origin=ORIGIN, size=size, root=leaf_hash(str(size).encode()))
    return add_signatures(sign_checkpoint(head, LOG), [cosign(head, name="carrier.example", signer=WITNESS, at_s=at_s)])


def test_each_scan_stands_between_what_it_saw_and_what_covered_it() -> None:
    seen, covering = note(5, 100), note(5_000, 200)
    world = World()
    plain = world.weigh("dock-2", 538)
    bound = world.obj("lorry-9", **wl({"wl:witnessedCheckpoint": write_ni(note_digest(seen))}))
    elsewhere = world.obj("depot-2", **wl({"wl:witnessedCheckpoint": write_ni(b"\x05" * 32)}))
    trail = world.trail()
    bounds = bound_times(trail.entries, POLICY, seen={note_digest(seen): seen}, covering=lambda _index: [covering])
    assert bounds == {
        plain.digest: TimeBounds(not_after_ms=200_999),
        bound.digest: TimeBounds(not_before_ms=100_000, not_after_ms=200_999),
        elsewhere.digest: TimeBounds(not_after_ms=200_999),
    }
    told = {row["digest"]: (row["not_before_ms"], row["not_after_ms"]) for row in _rows(trail, bounds)}
    assert told[bound.digest.hex()] == (100_000, 200_999)
    assert {(row["not_before_ms"], row["not_after_ms"]) for row in _rows(trail, {})} == {(None, None)}


def _rows(trail: object, bounds: dict[bytes, TimeBounds]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = describe_trail(trail, bounds=bounds)["entries"]
    return rows


def test_an_entry_that_no_cosigned_tree_covers_yet_has_no_upper_bound() -> None:
    world = World()
    scan = world.weigh("dock-2", 538)
    short = note(scan.index, 200)
    bounds = bound_times(world.trail().entries, POLICY, seen={}, covering=lambda _index: [short])
    assert bounds == {scan.digest: TimeBounds()}


def test_bounds_change_nothing_else_in_the_trail() -> None:
    world = World().journey(deliver=False)
    trail = world.trail()
    bounds = bound_times(trail.entries, POLICY, seen={}, covering=lambda _index: [note(5_000, 200)])
    with_bounds, without = describe_trail(trail, bounds=bounds), describe_trail(trail)
    for entry in (*with_bounds["entries"], *without["entries"]):
        del entry["not_before_ms"], entry["not_after_ms"]
    assert with_bounds == without


def test_a_checkpoint_that_is_not_the_logs_is_refused() -> None:
    world = World()
    world.weigh("dock-2", 538)
    refused(bound_times, world.trail().entries, POLICY, seen={b"": b"nonsense"}, covering=lambda _index: [])
