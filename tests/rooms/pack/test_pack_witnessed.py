"""A pack shows between which moments witnesses place its scans, and refuses a checkpoint that does not belong there."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from custody.gs1.named_information import write_ni
from custody.investigation.pack.archive import read_zip
from custody.investigation.pack.howto import FILE as HOWTO
from custody.investigation.pack.json_form import read_json, write_json
from custody.investigation.pack.log import replay
from custody.investigation.pack.trail import FILE as TRAIL
from custody.investigation.pack.witnessed import name_of, way_of
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.log import check_witnesses
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import Notebook, PackStep, Verification
from custody.kernel.base64url import b64
from custody.kernel.clock import DAY_MS, HOUR_MS, SECOND_MS
from custody.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from custody.ledger.cosignature import cosign
from custody.ledger.note import Ed25519Verifier, SignatureKind, parse_vkey, text_key
from custody.ledger.time_bounds import note_digest
from custody.ledger.witness_policy import parse_policy
from custody.store import log_reader, witness_book
from custody.usecases.cosign import ask, take
from custody.usecases.export_pack import Beside
from custody.usecases.open_log import name_witnesses
from tests.rooms.pack.pack_world import ORIGIN, PARCEL, World, key, observe, open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import edit, failed_steps, told_otherwise, verification_of

NAME = "carrier.example/w1"
CARRIER = text_key(NAME, key("carrier").public, kind=SignatureKind.ED25519_COSIGNATURE)


class Witnessed:
    """A world whose log names one witness, who looks when he is asked to."""

    def __init__(self, world: World) -> None:
        self.world = world
        text = f"log {world.vkey}\nwitness carrier {CARRIER.vkey()}\nquorum carrier\n"
        with world.house.unit() as unit:
            name_witnesses(world.house, unit, {"working": text}, registrar=key("registrar"))
        self.policy = text

    def cosign(self) -> tuple[bytes, int]:
        """The newest head, cosigned and shown; and when."""
        self.world.clock.at_ms += 60 * SECOND_MS
        at_s = self.world.clock.at_ms // SECOND_MS
        with self.world.house.read() as session:
            asked = ask(session, 0)
            note = log_reader.head(session).note
        verifier = Ed25519Verifier(key=parse_vkey(self.world.vkey))
        line = cosign(open_checkpoint(note, verifier), name=NAME, signer=key("carrier"), at_s=at_s)
        with self.world.house.unit() as unit:
            take(unit, asked, line.line(), keys={"carrier": CARRIER}, policy=parse_policy(self.policy))
        with self.world.house.read() as session:
            shown = witness_book.newest(session)
        assert shown is not None
        return shown.note, at_s * SECOND_MS


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A parcel, one of whose scans saw a cosigned checkpoint."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('witnessed') / 'house.sqlite3'}") as told:
        yield told


@pytest.fixture(scope="module")
def told(world: World) -> tuple[bytes, dict[str, int], bytes]:
    """The pack, the moments, and the checkpoint that the scan embeds."""
    court = Witnessed(world)
    send_parcel(world)
    seen, seen_ms = court.cosign()
    embeds = {"wl:witnessedCheckpoint": write_ni(note_digest(seen))}
    world.scan("courier-7", "ObjectEvent", observe(PARCEL, "inspecting", **embeds))
    open_case_of(world)
    head, head_ms = court.cosign()
    content = world.export(Beside(note=head)).content
    return content, {"seen_ms": seen_ms, "head_ms": head_ms}, seen


def test_the_scan_that_embeds_a_checkpoint_is_placed_between_it_and_the_head(
    world: World, told: tuple[bytes, dict[str, int], bytes]
) -> None:
    content, times, seen = told
    verification = verify_pack(content, vkey=world.vkey)
    verification.demand()
    files = read_zip(content)
    assert files[name_of(seen)] == seen
    *others, last = read_json(files[TRAIL], where=TRAIL)["entries"]
    assert (last["not_before_ms"], last["not_after_ms"]) == (times["seen_ms"], times["head_ms"] + 999)
    assert last["not_before_ms"] <= last["received_ms"] <= last["not_after_ms"]
    assert {(row["not_before_ms"], row["not_after_ms"]) for row in others} == {(None, times["head_ms"] + 999)}
    said = [check.what for check in verification.checks if check.step is PackStep.WITNESSES]
    assert f"witnesses place 1 of {len(others) + 1} scans between two moments" in said
    assert b"witnessed/H.note" in files[HOWTO]


def test_a_time_that_the_checkpoints_do_not_tell_is_refused(
    world: World, told: tuple[bytes, dict[str, int], bytes]
) -> None:
    content = told[0]

    def earlier(trail: dict[str, list[dict[str, int]]]) -> None:
        trail["entries"][-1]["not_before_ms"] -= SECOND_MS

    changed = edit(open_pack(content), TRAIL, earlier)
    assert failed_steps(verification_of(world, content, changed)) == {PackStep.TRAIL}


def test_a_checkpoint_that_is_missing_or_torn_is_refused(
    world: World, told: tuple[bytes, dict[str, int], bytes]
) -> None:
    content, _, seen = told
    name, gone = name_of(seen), dict.fromkeys((name_of(seen), way_of(note_digest(seen))))
    assert PackStep.TRAIL in failed_steps(verification_of(world, content, gone))
    torn = seen[:-8] + b"AAAAAA=\n"
    assert failed_steps(verification_of(world, content, {name: torn})) == {PackStep.FORM}
    assert PackStep.TRAIL in failed_steps(verification_of(world, content, {**gone, name_of(torn): torn}))


def test_a_checkpoint_that_no_scan_embeds_is_refused(world: World, told: tuple[bytes, dict[str, int], bytes]) -> None:
    content = told[0]
    other = open_pack(content).note
    assert failed_steps(verification_of(world, content, {name_of(other): other})) == {PackStep.WITNESSES}
    assert failed_steps(verification_of(world, content, {"witnessed/x.note": other})) == {PackStep.FORM}


def size_of(world: World) -> int:
    with world.house.read() as session:
        return log_reader.head(session).size


UNPROVEN = "is of the same history is not proven here"


def said_of(verification: Verification, note: bytes) -> list[tuple[bool | None, str]]:
    return [(check.ok, check.what) for check in verification.checks if check.where == name_of(note)]


def test_the_head_is_proven_to_go_on_from_a_checkpoint_or_this_is_named(
    world: World, told: tuple[bytes, dict[str, int], bytes]
) -> None:
    content, _, seen = told
    digest = note_digest(seen)
    assert open_pack(content).ways.keys() == {digest}
    assert said_of(verify_pack(content, vkey=world.vkey), seen) == []
    bare = verification_of(world, content, {way_of(digest): None})
    bare.demand()
    ((ok, what),) = said_of(bare, seen)
    assert (ok, UNPROVEN in what) == (None, True)
    for path in ([], ["AA"], [b64(bytes(32))]):
        assert failed_steps(verification_of(world, content, {way_of(digest): write_json(path)})) == {PackStep.WITNESSES}
    for other in ({way_of(digest): b"{}"}, {way_of(bytes(32)): write_json([])}):
        assert failed_steps(verification_of(world, content, other)) == {PackStep.FORM}


def test_a_checkpoint_of_another_history_is_refused_also_if_it_is_a_short_one(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        forked = sign_checkpoint(Checkpoint(origin=ORIGIN, size=3, root=bytes(32)), key("log"))
        embeds = {"wl:witnessedCheckpoint": write_ni(note_digest(forked))}
        world.scan("courier-7", "ObjectEvent", observe(PARCEL, "inspecting", **embeds))
        open_case_of(world)
        content = world.export().content
        unproven = told_otherwise(world, content, witnessed=(forked,))
        assert [(ok, UNPROVEN in what) for ok, what in said_of(unproven, forked)] == [(None, True)]
        with world.house.read() as session:
            path = tuple(log_reader.prove_consistency(session, 3, open_pack(content).head.size))
        for way in (path, (), path[:-1]):
            refused = told_otherwise(world, content, witnessed=(forked,), ways={note_digest(forked): way})
            assert failed_steps(refused) == {PackStep.WITNESSES}


def test_a_checkpoint_that_a_scan_saw_and_the_pack_leaves_out_is_named_with_its_entry(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        forked = sign_checkpoint(Checkpoint(origin=ORIGIN, size=900, root=bytes(32)), key("log"))
        embeds = {"wl:witnessedCheckpoint": write_ni(note_digest(forked))}
        world.scan("courier-7", "ObjectEvent", observe(PARCEL, "inspecting", **embeds))
        scanned = size_of(world) - 1
        open_case_of(world)
        content = world.export().content
        assert failed_steps(told_otherwise(world, content, witnessed=(forked,))) == {PackStep.WITNESSES}
        left_out = verify_pack(content, vkey=world.vkey)
        left_out.demand()
        (check,) = [check for check in left_out.checks if UNPROVEN in check.what]
        assert (check.ok, check.step, check.where) == (None, PackStep.WITNESSES, f"entry {scanned}")
        assert write_ni(note_digest(forked)) in check.what


def test_a_checkpoint_that_the_service_has_shown_is_in_the_pack_and_nothing_is_left_unproven(
    world: World, told: tuple[bytes, dict[str, int], bytes]
) -> None:
    verification = verify_pack(told[0], vkey=world.vkey)
    assert not [check for check in verification.checks if UNPROVEN in check.what]


def test_a_kept_checkpoint_that_is_no_text_has_no_proof_and_is_refused_by_who_checks(tmp_path: Path) -> None:
    torn = b"\xff\xfe no note\n"
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        embeds = {"wl:witnessedCheckpoint": write_ni(note_digest(torn))}
        world.scan("courier-7", "ObjectEvent", observe(PARCEL, "inspecting", **embeds))
        open_case_of(world)
        with world.house.unit() as unit:
            witness_book.publish(unit.session, 3, torn, at_ms=unit.now_ms)
        content = world.export().content
        assert open_pack(content).ways == {}
        assert failed_steps(verify_pack(content, vkey=world.vkey)) == {PackStep.WITNESSES}


def test_a_pack_that_is_dated_before_its_cosignatures_is_refused_by_whoever_knows_the_witnesses(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        court = Witnessed(world)
        open_case_of(world)
        for later_ms, dated_back in ((HOUR_MS, False), (DAY_MS, True)):
            opened_ms = world.clock.at_ms
            world.clock.at_ms += later_ms - 90 * SECOND_MS
            head, _ = court.cosign()
            world.clock.at_ms = opened_ms
            content = world.export(Beside(note=head)).content
            for given, ok in ((None, None), (court.policy, False)):
                verification = verify_pack(content, vkey=world.vkey, witnesses=given)
                told = [check.ok for check in verification.checks if "when witnesses cosigned" in check.what]
                assert (told, verification.ok) == ([ok] * dated_back, ok is None or not dated_back)


def test_a_head_that_the_logs_own_witnesses_have_not_cosigned_yet_is_named_and_refused_by_who_asks_for_them(
    tmp_path: Path,
) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        court = Witnessed(world)
        send_parcel(world)
        open_case_of(world)
        content = world.export().content
        for given, ok in ((None, None), (court.policy, False)):
            verification = verify_pack(content, vkey=world.vkey, witnesses=given)
            told = [check.ok for check in verification.checks if check.what.endswith("cosigned by nobody; not enough")]
            assert (told, verification.ok) == ([ok], ok is None)


def said_by_witnesses(opened: OpenedPack) -> list[tuple[bool | None, str]]:
    """What the last step says of a pack."""
    notes = Notebook(step=PackStep.WITNESSES)
    check_witnesses(opened, replay(opened.entries), notes, witnesses=None)
    return [(check.ok, check.what) for check in notes.checks]


def test_a_scan_is_placed_only_where_the_trail_shows_it_and_the_head_is_cosigned(
    world: World, told: tuple[bytes, dict[str, int], bytes]
) -> None:
    def places(opened: OpenedPack) -> bool:
        return any("witnesses place" in what for _, what in said_by_witnesses(opened))

    opened, alone = open_pack(told[0]), open_pack(world.export().content)
    trail = read_json(opened.files[TRAIL], where=TRAIL)
    left_out = {**opened.files, TRAIL: write_json({**trail, "entries": trail["entries"][:-1]})}
    assert [places(each) for each in (opened, replace(opened, files=left_out), alone)] == [True, False, False]


def test_the_clocks_of_witnesses_may_be_an_hour_before_the_services(told: tuple[bytes, dict[str, int], bytes]) -> None:
    opened, cosigned_ms = open_pack(told[0]), told[1]["head_ms"]
    for behind_ms, told_so in ((HOUR_MS, False), (HOUR_MS + 1, True)):
        dated = replace(opened, manifest=replace(opened.manifest, created_ms=cosigned_ms - behind_ms))
        assert any("when witnesses cosigned" in what for _, what in said_by_witnesses(dated)) is told_so
