"""What verifiers attest is in the pack and replayed: what was named stays, and nobody puts a word in their mouths."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from custody.investigation.pack.attested import attestations
from custody.investigation.pack.draw_up import derive
from custody.investigation.pack.earlier import SIXTH
from custody.investigation.pack.entries import PackEntry, write_entries
from custody.investigation.pack.inquiry import FORMAT, read_inquiry
from custody.investigation.pack.json_form import read_json
from custody.investigation.pack.trail import FILE as TRAIL
from custody.investigation.passage import Dispute, Pin
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep, Verification
from custody.kernel.clock import HOUR_MS
from custody.kernel.errors import Rejected
from custody.ledger.attestation import ATTESTATION
from custody.trail.edition import ReadingEdition
from custody.usecases.enrol_verifier import revoke_verifier
from custody.usecases.export_pack import PackExported
from custody.usecases.investigate import Inquirer
from tests.rooms.pack import pack_world
from tests.rooms.pack.pack_world import (
    CARRIER,
    World,
    examine,
    key,
    open_case_of,
    open_world,
    send_parcel,
)
from tests.rooms.pack.tamper import failed_steps, verification_of
from tests.rooms.pack.test_examined_chain import NOT_THE_ONE, refused
from tests.verifying import CHECKED, Verifier


@contextmanager
def checked_world(folder: Path, *, together: frozenset[str] = frozenset()) -> Iterator[tuple[World, Verifier]]:
    """A parcel that was delivered with a PIN, its report, and whoever gave out the PIN."""
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}", together=together) as world:
        pins = Verifier(house=world.house, signer=key("pins"))
        pins.enrol(key("registrar"))
        send_parcel(world, **CHECKED)
        open_case_of(world)
        yield world, pins


@pytest.fixture(name="parts")
def _parts(tmp_path: Path) -> Iterator[tuple[World, Verifier]]:
    with checked_world(tmp_path) as parts:
        yield parts


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, PackExported]]:
    """The world in which the PIN service verified before the chain was examined, and its pack."""
    with checked_world(tmp_path_factory.mktemp("verified")) as (world, pins):
        pins.attest(world.scans[-1].digest)
        examine(world)
        yield world, world.export()


def pin_of(pack: PackExported) -> Pin:
    return read_inquiry(open_pack(pack.content).investigation["inquiry"]).inputs.dispute.pin


def delivery_of(pack: PackExported) -> tuple[str, bool | None]:
    told = read_json(open_pack(pack.content).files[TRAIL], where=TRAIL)["delivery"]
    return told["strength"], told["check_verified"]


def judged_pin(world: World) -> Pin:
    with world.house.read() as session:
        (dispute,) = Inquirer().gather(session, {}, asked=world.case).disputes
    return dispute.pin


def changed(world: World, pack: PackExported, change: Callable[[PackEntry], PackEntry | None]) -> Verification:
    """What a checker says of the pack with other entries, and all that followed from the true ones."""
    opened = open_pack(pack.content)
    entries = [changed for entry in opened.entries if (changed := change(entry)) is not None]
    old = write_entries(opened.entries, opened.note)
    return verification_of(world, pack.content, {**dict.fromkeys(old), **write_entries(entries, opened.note)})


def test_a_pack_holds_what_was_attested_and_verifies(verified: tuple[World, PackExported]) -> None:
    world, pack = verified
    verification = verify_pack(pack.content, vkey=world.vkey)
    assert verification.ok, verification.failures
    said = [check.what for check in verification.checks]
    assert "1 attestations are signed by the verifiers that registrars enrolled, and open" in said
    assert "1 verifier keys, 0 revoked" in said
    assert "verifier pins of urn:example:pins attests that the check 'pin6' held" in said
    assert any("scans and 1 attestations show" in what for what in said)
    assert (pin_of(pack), delivery_of(pack)) == (Pin.VERIFIED, ("pin_sealed", True))
    assert open_pack(pack.content).investigation["inquiry"]["format"] == FORMAT == "weaklink-investigation/7"
    assert f"keys/verifier-pins-{key('pins').public.kid.hex()[:8]}.pem" in open_pack(pack.content).files


@pytest.mark.parametrize(("held", "pin", "strength"), [(True, "verified", "pin_sealed"), (False, "absent", "none")])
def test_trail_and_investigation_read_the_same_word(
    parts: tuple[World, Verifier],
    held: bool,  # noqa: FBT001 - a parameter of the test
    pin: str,
    strength: str,
) -> None:
    world, pins = parts
    pins.attest(world.scans[-1].digest, held=held)
    examine(world)
    pack = world.export()
    assert verify_pack(pack.content, vkey=world.vkey).ok
    assert (pin_of(pack), judged_pin(world), delivery_of(pack)[0]) == (pin, pin, strength)


def test_a_delivery_in_a_batch_is_attested_by_its_own_name(tmp_path: Path) -> None:
    with checked_world(tmp_path, together=frozenset({"courier-7"})) as (world, pins):
        assert pins.attest(world.scans[-1].digest).scan == "known"
        examine(world)
        pack = world.export()
        assert verify_pack(pack.content, vkey=world.vkey).ok
        assert (pin_of(pack), judged_pin(world), delivery_of(pack)) == ("verified", "verified", ("pin_sealed", True))


def test_what_comes_after_the_naming_changes_nothing_that_was_named_and_a_new_one_hears_it(
    parts: tuple[World, Verifier],
) -> None:
    world, pins = parts
    examine(world)
    pins.attest(world.scans[-1].digest, held=False)
    pack = world.export()
    verification = verify_pack(pack.content, vkey=world.vkey)
    assert verification.ok, verification.failures
    assert any(check.what.endswith("show; 1 came in later") for check in verification.checks)
    assert (pin_of(pack), delivery_of(pack)) == (Pin.RECORDED, ("none", None))
    assert judged_pin(world) is Pin.ABSENT
    examine(world)
    later = world.export()
    assert verify_pack(later.content, vkey=world.vkey).ok
    assert pin_of(later) is Pin.ABSENT


def test_a_verifier_that_contradicts_itself_leaves_the_check_a_recorded_one(parts: tuple[World, Verifier]) -> None:
    world, pins = parts
    for held in (False, True):
        pins.attest(world.scans[-1].digest, held=held)
    examine(world)
    pack = world.export()
    verification = verify_pack(pack.content, vkey=world.vkey)
    assert verification.ok, verification.failures
    assert (pin_of(pack), judged_pin(world), delivery_of(pack)) == (Pin.RECORDED, Pin.RECORDED, ("pin_sealed", None))
    assert any("attested and refuted" in check.what for check in verification.checks)


def test_a_key_that_is_in_doubt_later_leaves_what_was_named(parts: tuple[World, Verifier]) -> None:
    world, pins = parts
    index = pins.attest(world.scans[-1].digest).index
    examine(world)
    with world.house.unit() as unit:
        revoke_verifier(unit, "pins", reason="copied", suspect_from=index, registrar=key("registrar"))
    pack = world.export()
    verification = verify_pack(pack.content, vkey=world.vkey)
    assert verification.ok, verification.failures
    assert (pin_of(pack), delivery_of(pack)) == (Pin.VERIFIED, ("pin_sealed", None))
    assert judged_pin(world) is Pin.RECORDED
    world.clock.at_ms += 3 * HOUR_MS
    examine(world)
    later = world.export()
    assert verify_pack(later.content, vkey=world.vkey).ok
    assert pin_of(later) is Pin.RECORDED


def test_an_investigation_that_does_not_hear_a_verifier_is_found_out(parts: tuple[World, Verifier]) -> None:
    world, pins = parts
    pins.attest(world.scans[-1].digest, held=False)
    world.clock.at_ms += 3 * HOUR_MS
    examine(world)
    pack = world.export()

    def unheard(dispute: Dispute) -> Dispute:
        return replace(dispute, pin=Pin.RECORDED)

    said = [check.what for check in refused(world, pack, unheard)]
    assert "1 words of verifiers were not heard that could be an hour before the answer was found" in said
    verified_by_nobody = [check.what for check in refused(world, pack, lambda d: replace(d, pin=Pin.VERIFIED))]
    assert NOT_THE_ONE in verified_by_nobody


def test_an_answer_that_heard_a_verifier_before_the_log_did_is_found_out(
    parts: tuple[World, Verifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, pins = parts
    digest = world.scans[-1].digest
    with monkeypatch.context() as patch:  # the operator counts a word that he has yet to bring about
        patch.setattr(pack_world, "attested_checks", lambda *_: {digest: True})
        examine(world)
    pins.attest(digest)
    pack = world.export()
    assert pin_of(pack) is Pin.VERIFIED
    verification = verify_pack(pack.content, vkey=world.vkey)
    assert NOT_THE_ONE in [check.what for check in verification.failures]


def test_a_word_cannot_be_put_in_another_ones_mouth(verified: tuple[World, PackExported]) -> None:
    world, pack = verified
    digest = world.scans[-1].digest
    forger = Verifier(house=world.house, signer=key("courier-7"))
    forged, opening = forger.sign(digest, held=False)

    def by_a_station(entry: PackEntry) -> PackEntry:
        return replace(entry, raw=forged, opening=opening) if entry.content_type == ATTESTATION else entry

    def unsigned(entry: PackEntry) -> PackEntry:
        flipped = entry.raw[:-1] + bytes([entry.raw[-1] ^ 1])
        return replace(entry, raw=flipped) if entry.content_type == ATTESTATION else entry

    for change in (by_a_station, unsigned):
        assert {PackStep.ENTRIES, PackStep.SCANS} <= failed_steps(changed(world, pack, change))


def test_without_its_verifiers_enrolment_a_word_is_nobodys(verified: tuple[World, PackExported]) -> None:
    world, pack = verified

    def without(entry: PackEntry) -> PackEntry | None:
        return None if entry.content_type.endswith("verifier-key-add+cbor") else entry

    assert {PackStep.REGISTRY, PackStep.SCANS, PackStep.TRAIL} <= failed_steps(changed(world, pack, without))


def test_a_word_of_the_carriers_own_verifier_is_in_the_pack_and_counts_for_nothing(
    parts: tuple[World, Verifier],
) -> None:
    world, _ = parts
    own = Verifier(house=world.house, signer=key("own"), name="carrier-pins", custodian=CARRIER)
    own.enrol(key("registrar"))
    with pytest.raises(Rejected, match="counts for nothing"):
        own.attest(world.scans[-1].digest)
    examine(world)
    pack = world.export()
    assert verify_pack(pack.content, vkey=world.vkey).ok
    assert len(attestations(open_pack(pack.content).entries)) == 1
    assert (pin_of(pack), delivery_of(pack)) == (Pin.RECORDED, ("pin_sealed", None))


def test_a_pack_of_before_is_read_as_it_was(parts: tuple[World, Verifier]) -> None:
    world, pins = parts
    examine(world)
    pack = world.export()
    source = open_pack(pack.content).source
    assert derive(source) == derive(source, edition=ReadingEdition.FIFTH)
    assert refused(world, pack, lambda dispute: dispute, form=SIXTH) == []
    pins.attest(world.scans[-1].digest)
    later = world.export()
    assert refused(world, later, lambda dispute: dispute, form=SIXTH) == []


def test_the_trail_of_the_editions_before_knows_no_verifier(verified: tuple[World, PackExported]) -> None:
    source = open_pack(verified[1].content).source
    told = read_json(derive(source, edition=ReadingEdition.FIFTH)[TRAIL], where=TRAIL)["delivery"]
    assert (told["strength"], told["check_verified"]) == ("pin_sealed", None)


def test_an_inquiry_of_format_6_knows_no_verifier(verified: tuple[World, PackExported]) -> None:
    world, pack = verified
    assert NOT_THE_ONE in [check.what for check in refused(world, pack, lambda dispute: dispute, form=SIXTH)]
    recorded = refused(world, pack, lambda dispute: replace(dispute, pin=Pin.RECORDED), form=SIXTH)
    assert recorded == []
