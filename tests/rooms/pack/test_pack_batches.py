"""A parcel whose handovers came partly in batches: trail, replay, pack and erasure look at each scan by itself."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import scitt_cose

from custody.investigation.pack.archive import read_zip, write_zip
from custody.investigation.pack.entries import PackedVerdict, PackEntry, PackScan
from custody.investigation.pack.log import replay
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.scans import check_scans
from custody.investigation.verify.verification import Notebook, PackStep
from custody.ledger.registry import Registry
from custody.scans.batch import BATCH, read_batch, verify_scan
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import QUARANTINED
from custody.store import log_reader
from custody.trail.describe import describe_trail
from custody.trail.finding import FindingKind
from custody.usecases.erase import erase
from custody.usecases.export_pack import Beside, PackExported
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.read_trail import read_trail
from custody.usecases.replay_verdicts import compare_verdicts
from tests.rooms.pack.pack_world import IMEI, ORDER, PARCEL, World, key, open_world, send_parcel, whole_story

TOGETHER = frozenset({"bench-4", "dock-2", "lorry-9", "courier-7"})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Lend the whole story, told with four stations that sign in batches."""
    folder = tmp_path_factory.mktemp("batches")
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}", together=TOGETHER) as told:
        whole_story(told)
        yield told


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Lend the same story with a statement for each scan."""
    folder = tmp_path_factory.mktemp("plain")
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}") as told:
        whole_story(told)
        yield told


@pytest.fixture(scope="module")
def opened(pack: PackExported) -> OpenedPack:
    """Lend the pack, opened."""
    return open_pack(pack.content)


def codes(ack: ScanAnswer) -> set[str]:
    """The codes of its flags."""
    return {flag.code for flag in ack.verdict.flags}


def test_batched_scans_have_the_verdicts_that_plain_ones_have(world: World, plain: World) -> None:
    words = [
        [(ack.verdict.result, ack.verdict.code, codes(ack) - {"late_offline"}) for ack in each.acks]
        for each in (world, plain)
    ]
    assert words[0] == words[1], "but for waiting for the batch to be closed"
    assert {ack.position for ack in world.acks} == {None, 0, 1, 2, 3, 4}


@pytest.mark.parametrize("item", [PARCEL, IMEI, f"po:{ORDER}"])
def test_the_trail_is_the_one_that_plain_scans_make(world: World, plain: World, item: str) -> None:
    trails = []
    for each in (world, plain):
        with each.house.read() as session:
            trails.append(read_trail(session, item, parcel=PARCEL).trail)
    ours, theirs = trails
    assert [entry.event.event_id for entry in ours.entries] == [entry.event.event_id for entry in theirs.entries]
    assert [(link.name, link.signing) for link in ours.links] == [(link.name, link.signing) for link in theirs.links]
    kinds = [[one.kind for one in each.findings if one.kind is not FindingKind.LATE_ARRIVAL] for each in trails]
    assert kinds[0] == kinds[1], "but for waiting for the batch to be closed"
    assert (
        len({entry.where for entry in ours.entries}) == len(ours.entries) > len({entry.index for entry in ours.entries})
    )


def test_a_weighing_between_scans_of_one_batch_is_its_own_check(world: World) -> None:
    with world.house.read() as session:
        trail = read_trail(session, PARCEL).trail
    assert [reading.where.partition(".")[2] for reading in trail.weight.readings] == ["3", ""]
    assert [point.mass_g for point in trail.checkpoints if point.mass_g is not None] == [541, 539]
    shown = describe_trail(trail)["entries"]
    assert {entry["position"] for entry in shown if "position" in entry} == {0, 1, 2, 3}


def test_every_verdict_follows_from_the_log(world: World) -> None:
    with world.house.read() as session:
        found = compare_verdicts(session, Tolerances())
    assert (found.different, found.unread, found.after_erased) == ((), (), ())
    assert found.same == len(world.scans)


def test_the_pack_holds_and_proves_each_of_its_scans_alone(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    verification = verify_pack(pack.content, vkey=world.vkey)
    verification.demand()
    batches = [entry for entry in opened.entries if entry.content_type == BATCH]
    assert len(batches) == len(TOGETHER)
    for entry in batches:
        station = read_batch(entry.raw).station
        for scan in entry.scans:
            assert scan.opening is not None
            proved = verify_scan(entry.raw, scan.leaf, scan.opening, scan.receipt, key(station).public)
            assert proved.event.keys() & {PARCEL, IMEI}


def test_nothing_of_another_parcel_of_the_batch_is_in_the_pack(world: World, pack: PackExported) -> None:
    files = read_zip(pack.content)
    others = [scan for scan in world.scans if not scan.event.keys() & {PARCEL, IMEI}]
    assert len(others) == 2
    held = b"".join(files.values())
    for scan in others:
        assert scan.opening not in held
        assert scan.leaf.raw not in held
        assert scan.event.epcs[0].encode() not in held


def test_a_foreign_tool_takes_the_receipt_of_a_batched_scan(opened: OpenedPack) -> None:
    entry = next(entry for entry in opened.entries if entry.content_type == BATCH)
    pem = key(read_batch(entry.raw).station).public.pem()
    scan = entry.scans[0]
    assert scitt_cose.verify_receipt(scan.receipt, leaf_entry_hex=scan.leaf.hex(), log_public_key_pem=pem).ok
    assert not scitt_cose.verify_receipt(scan.receipt, leaf_entry_hex=entry.raw.hex(), log_public_key_pem=pem).ok


@pytest.mark.parametrize("end", ["leaf", "receipt", "opening"])
def test_a_flipped_byte_of_a_batched_scan_is_refused_in_the_step_of_scans(pack: PackExported, end: str) -> None:
    files = read_zip(pack.content)
    name = next(name for name in sorted(files) if name.endswith(f".{end}") and name.count(".") == 2)
    raw = bytearray(pack.content)
    at = pack.content.index(files[name]) + len(files[name]) - 2
    raw[at] ^= 1
    assert not verify_pack(bytes(raw)).ok
    changed = bytearray(files[name])
    changed[-2] ^= 1
    assert not verify_pack(write_zip({**files, name: bytes(changed)})).ok


def test_what_is_withheld_of_a_batch_is_named(world: World, opened: OpenedPack) -> None:
    entry = next(entry for entry in opened.entries if entry.content_type == BATCH)
    pack = world.export(Beside(locks=world.locks, withhold={entry.index: "for the test"}))
    verification = verify_pack(pack.content)
    assert verification.ok
    files = read_zip(pack.content)
    rows = [row for row in json.loads(files["scans.json"]) if row["index"] == entry.index]
    assert {row["opening"] for row in rows} == {"withheld"}
    assert not [name for name in files if name.startswith(f"entries/{entry.index:012d}.") and name.endswith(".opening")]


def test_erasing_a_parcel_leaves_its_neighbours_and_every_proof(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("erased")
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}", together=TOGETHER) as world:
        send_parcel(world)
        other = next(scan for scan in world.scans if not scan.event.keys() & {PARCEL, IMEI})
        with world.house.unit() as unit:
            done = erase(unit, PARCEL, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ())
        assert [each for each in done.openings if isinstance(each, tuple)]
        with world.house.unit() as unit:
            again = erase(unit, PARCEL, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ())
        assert again.repeated
        assert again.openings == done.openings
        with world.house.read() as session:
            gone = read_trail(session, PARCEL)
            kept = read_trail(session, other.event.epcs[0])
            found = compare_verdicts(session, Tolerances())
            size = log_reader.head(session).size
        assert gone.scans == ()
        assert len(gone.erased) == 12, "that of the handset before it was packed is found under no key any more"
        assert [scan.digest for scan in kept.scans] == [other.digest]
        assert found.different == ()
        assert len(found.unread) == 13
        assert size > max(row.index for row in gone.erased)


def first_batch(opened: OpenedPack) -> PackEntry:
    return next(entry for entry in opened.entries if len(entry.scans) > 1)


def judged(opened: OpenedPack, batch: PackEntry, scans: tuple[PackScan, ...], registry: Registry) -> Notebook:
    entries = tuple(replace(entry, scans=scans) if entry is batch else entry for entry in opened.entries)
    notes = Notebook(step=PackStep.SCANS)
    check_scans(replace(opened, entries=entries), registry, notes)
    return notes


def test_a_scan_that_is_told_to_stand_elsewhere_in_its_batch_is_refused(opened: OpenedPack) -> None:
    batch = first_batch(opened)
    one, two, *others = batch.scans
    moved = (replace(one, position=two.position), replace(two, position=one.position), *others)
    notes = judged(opened, batch, moved, replay(opened.entries))
    assert [check.what for check in notes.checks if check.ok is False] == [
        f"the scan at {two.position} has another number"
    ]


def test_the_content_of_a_scan_in_a_batch_is_what_its_leaf_says(opened: OpenedPack) -> None:
    batch = first_batch(opened)
    one, *others = batch.scans
    assert one.opening is not None
    told = (replace(one, opening=bytes(32) + one.opening[32:]), *others)
    found = judged(opened, batch, told, replay(opened.entries)).checks
    assert [check.where for check in found if check.ok is False] == [f"entry {batch.index}"]


def test_a_batch_under_a_revoked_key_stands_apart_only_if_every_scan_of_it_does(opened: OpenedPack) -> None:
    batch, registry = first_batch(opened), replay(opened.entries)
    row = registry.keys[read_batch(batch.raw).message.kid]
    gone = replace(row, revoked_at=batch.index, suspect_from=batch.index)
    revoked = replace(registry, keys={**registry.keys, row.key.kid: gone})
    one, *others = (
        replace(scan, judged=PackedVerdict(result=QUARANTINED, code="S41", flags=("key_revoked",)))
        for scan in batch.scans
    )
    for scans, ok in (((one, *others), None), ((replace(one, judged=batch.scans[0].judged), *others), False)):
        found = judged(opened, batch, scans, revoked).checks
        assert next(check.ok for check in found if "the station's key was" in check.what) is ok
