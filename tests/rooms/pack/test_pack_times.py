"""A pack's times rest on the witnesses whom its checker believes; a checkpoint of another history is seen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.gs1.named_information import write_ni
from custody.investigation.pack.witnessed import name_of
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep, Verification
from custody.kernel.clock import DAY_MS, SECOND_MS
from custody.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from custody.ledger.cosignature import cosign
from custody.ledger.merkle import leaf_hash
from custody.ledger.note import Ed25519Verifier, SignatureKind, add_signatures, parse_note, parse_vkey, text_key
from custody.ledger.time_bounds import note_digest
from custody.store import log_reader
from custody.store.tables import CosignedNoteRow
from custody.usecases.export_pack import Beside
from custody.usecases.open_log import name_witnesses
from tests.rooms.pack.pack_world import ORIGIN, PARCEL, World, key, observe, open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import failed_steps


def witnesses(world: World, *names: str) -> str:
    """A policy that demands all of these."""
    vkeys = {
        name: text_key(f"{name}.example/w", key(name).public, kind=SignatureKind.ED25519_COSIGNATURE) for name in names
    }
    lines = [f"log {world.vkey}", *(f"witness {name} {vkey.vkey()}" for name, vkey in vkeys.items())]
    return "\n".join([*lines, f"group g all {' '.join(names)}", "quorum g", ""])


class Court:
    """A world whose log names the carrier as its witness, and a scan that embeds whatever checkpoint it is shown."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.log = Ed25519Verifier(key=parse_vkey(world.vkey))
        with world.house.unit() as unit:
            policies = {"working": witnesses(world, "carrier")}
            name_witnesses(world.house, unit, policies, registrar=key("registrar"))

    def head(self) -> bytes:
        with self.world.house.read() as session:
            return log_reader.head(session).note

    def cosigned(self, note: bytes, *, names: tuple[str, ...] = ("carrier",), late_ms: int = 0) -> bytes:
        head, at_s = open_checkpoint(note, self.log), (self.world.clock.at_ms + late_ms) // SECOND_MS
        lines = [cosign(head, name=f"{name}.example/w", signer=key(name), at_s=at_s) for name in names]
        return add_signatures(note, lines)

    def embed(self, note: bytes) -> None:
        size = parse_checkpoint(parse_note(note).text).size
        with self.world.house.unit() as unit:
            shown = {"digest": note_digest(note), "size": size, "note": note, "at_ms": unit.now_ms}
            unit.session.add(CosignedNoteRow(**shown))
        embeds = {"wl:witnessedCheckpoint": write_ni(note_digest(note))}
        self.world.scan("courier-7", "ObjectEvent", observe(PARCEL, "inspecting", **embeds))

    def pack(self, *, names: tuple[str, ...] = ("carrier",)) -> bytes:
        open_case_of(self.world)
        content = self.world.export(Beside(note=self.cosigned(self.head(), names=names))).content
        assert open_pack(content).witnessed
        return content


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Court]:
    """A parcel on its way through the network of a log with a witness."""
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as told:
        made = Court(told)
        send_parcel(told)
        yield made


def said(verification: Verification, words: str) -> list[bool | None]:
    return [check.ok for check in verification.checks if check.step is PackStep.WITNESSES and words in check.what]


def test_a_scan_is_not_placed_after_the_moment_at_which_it_was_in_the_log(court: Court) -> None:
    court.embed(court.cosigned(court.head(), late_ms=10 * DAY_MS))
    verification = verify_pack(court.pack(), vkey=court.world.vkey)
    assert said(verification, "between two moments") == []
    assert said(verification, "contradict each other") == [None]


def test_a_checkpoint_of_a_longer_log_than_the_scan_was_entered_in_is_a_split_view(court: Court) -> None:
    forked = sign_checkpoint(Checkpoint(origin=ORIGIN, size=100_000, root=leaf_hash(b"another past")), court.world.log)
    court.embed(court.cosigned(forked))
    verification = verify_pack(court.pack(), vkey=court.world.vkey)
    assert failed_steps(verification) == {PackStep.WITNESSES}
    assert said(verification, "a split view") == [False]


def test_a_split_view_by_a_single_entry_is_seen_and_the_longest_honest_checkpoint_is_none(court: Court) -> None:
    size = open_checkpoint(court.head(), court.log).size
    court.embed(court.cosigned(court.head()))
    forked = sign_checkpoint(Checkpoint(origin=ORIGIN, size=size + 2, root=leaf_hash(b"another past")), court.world.log)
    shown = court.cosigned(forked)
    court.embed(shown)
    verification = verify_pack(court.pack(), vkey=court.world.vkey)
    found = [check.where for check in verification.failures]
    assert found == [name_of(shown), f"entry {size + 1}"]


def test_a_checkpoint_that_the_log_did_not_sign_is_refused_even_where_no_witness_is_named(court: Court) -> None:
    with court.world.house.unit() as unit:
        name_witnesses(court.world.house, unit, {}, registrar=key("registrar"))
    court.embed(sign_checkpoint(Checkpoint(origin=ORIGIN, size=3, root=leaf_hash(b"a past")), key("thief")))
    open_case_of(court.world)
    assert failed_steps(verify_pack(court.world.export().content, vkey=court.world.vkey)) == {PackStep.WITNESSES}


def test_the_checkers_own_witnesses_are_believed_about_times_and_nobody_else(court: Court) -> None:
    both = ("carrier", "ombudsman")
    court.embed(court.cosigned(court.head()))
    court.embed(court.cosigned(court.head(), names=both))
    content = court.pack(names=both)
    assert said(verify_pack(content), "witnesses place 2 of 15 scans") == [True]
    mine = verify_pack(content, witnesses=witnesses(court.world, "ombudsman"))
    assert said(mine, "witnesses place 1 of 15 scans") == [True]
    assert said(mine, "rest on the witnesses of the log's own policy") == [None]
    other = verify_pack(content, witnesses=witnesses(court.world, "scheme"))
    assert said(other, "between two moments") == []
