"""A quorum of witnesses that has not cosigned yet leaves a pack open, which is neither wrong nor sound."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli.commands import app
from custody.investigation.pack.case import FILE as CASE
from custody.kernel.clock import SECOND_MS
from custody.ledger.checkpoint import open_checkpoint
from custody.ledger.cosignature import cosign
from custody.ledger.note import Ed25519Verifier, SignatureKind, add_signatures, parse_vkey, text_key
from custody.store import log_reader
from custody.usecases.export_pack import Beside
from custody.usecases.open_log import name_witnesses
from tests.rooms.pack.pack_world import World, key, open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import reseal

PARTIES = ("carrier", "ombudsman")
OPERATOR_ALONE = (
    "It is OPEN: nothing is wrong with it, but only the operator signed; wait for the countersignatures of enough of "
    "carrier, ombudsman, then ask for the pack again."
)
CARRIER_TOO = (
    "It is OPEN: nothing is wrong with it, but only the operator and carrier signed; wait for the countersignature of "
    "ombudsman, then ask for the pack again."
)


def policy(world: World, count: str) -> str:
    """Both parties as witnesses, and how many of them are enough."""
    vkeys = [
        text_key(f"{name}.example/w", key(name).public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()
        for name in PARTIES
    ]
    lines = [f"witness {name} {vkey}" for name, vkey in zip(PARTIES, vkeys, strict=True)]
    return "\n".join([f"log {world.vkey}", *lines, f"group both {count} {' '.join(PARTIES)}", "quorum both", ""])


def export(world: World, *parties: str) -> bytes:
    """A pack against a head that these have cosigned."""
    with world.house.read() as session:
        note = log_reader.head(session).note
    head = open_checkpoint(note, Ed25519Verifier(key=parse_vkey(world.vkey)))
    at_s = world.clock.at_ms // SECOND_MS
    lines = [cosign(head, name=f"{party}.example/w", signer=key(party), at_s=at_s) for party in parties]
    return world.export(Beside(note=add_signatures(note, lines))).content


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A case in a log that names no witnesses."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('plain') / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        yield world


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A case in a log that names the carrier for daily work, and both parties for a verdict."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('named') / 'house.sqlite3'}") as world:
        with world.house.unit() as unit:
            given = {"working": policy(world, "any"), "verdict": policy(world, "all")}
            name_witnesses(world.house, unit, given, registrar=key("registrar"))
        send_parcel(world)
        open_case_of(world)
        yield world


class Reader:
    """Somebody with a pack, the log's key, and a policy or none."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder = folder
        self.world = world

    def tell(self, content: bytes, *more: str, witnesses: str | None = None) -> Result:
        """What the command says."""
        (self.folder / "pack.zip").write_bytes(content)
        if witnesses is not None:
            (self.folder / "mine.policy").write_text(witnesses)
            more = (*more, "--witnesses", str(self.folder / "mine.policy"))
        return CliRunner().invoke(app, ["verify", str(self.folder / "pack.zip"), "--vkey", self.world.vkey, *more])

    def value(self, content: bytes, *, witnesses: str | None = None) -> tuple[int, str, bool, bool]:
        """The exit code, and what a program reads."""
        told = self.tell(content, "--json", witnesses=witnesses)
        value = json.loads(told.stdout)
        return told.exit_code, value["outcome"], value["ok"], value["complete"]


def test_a_verdict_policy_of_the_log_whose_quorum_is_not_met_leaves_the_pack_open(named: World, tmp_path: Path) -> None:
    reader = Reader(tmp_path, named)
    for parties, ending in (((), OPERATOR_ALONE), (("carrier",), CARRIER_TOO)):
        content = export(named, *parties)
        assert reader.value(content) == (3, "OPEN", True, False)
        told = reader.tell(content)
        assert told.exit_code == 3
        assert told.stdout.splitlines()[-1] == ending
        assert "   OPEN  verdict: cosigned by " in told.stdout
        assert "none against it." in told.stdout
        assert "REFUSED" not in told.stdout
    content = export(named, *PARTIES)
    assert reader.value(content) == (0, "SOUND", True, True)
    assert "OPEN" not in reader.tell(content).stdout


def test_a_quorum_that_the_reader_asks_for_leaves_the_pack_open_until_it_is_met(plain: World, tmp_path: Path) -> None:
    reader, asked = Reader(tmp_path, plain), policy(plain, "all")
    for parties, ending in (((), OPERATOR_ALONE), (("carrier",), CARRIER_TOO)):
        content = export(plain, *parties)
        assert reader.value(content, witnesses=asked) == (3, "OPEN", False, False)
        assert reader.tell(content, witnesses=asked).stdout.splitlines()[-1] == ending
    assert reader.value(export(plain, *PARTIES), witnesses=asked) == (0, "SOUND", True, True)


def test_the_readers_policy_takes_the_place_of_those_that_the_log_names(named: World, tmp_path: Path) -> None:
    reader, content = Reader(tmp_path, named), export(named, "carrier")
    assert reader.value(content, witnesses=policy(named, "any")) == (0, "SOUND", True, True)
    nobody = f"log {named.vkey}\nquorum none\n"
    assert reader.value(export(named), witnesses=nobody) == (0, "SOUND", True, True)


def test_a_pack_of_a_log_without_witnesses_is_sound_without_them(plain: World, tmp_path: Path) -> None:
    assert Reader(tmp_path, plain).value(export(plain)) == (0, "SOUND", True, True)


def test_a_pack_that_is_wrong_is_refused_and_not_only_open(named: World, tmp_path: Path) -> None:
    reader, content = Reader(tmp_path, named), export(named)
    spoilt = reseal(named, content, {CASE: b"{}"})
    for witnesses in (None, policy(named, "all")):
        assert reader.value(spoilt, witnesses=witnesses)[:3] == (1, "WRONG", False)
        told = reader.tell(spoilt, witnesses=witnesses).stdout
        assert "The pack is REFUSED: " in told.splitlines()[-1]
        assert "nothing is wrong" not in told


def test_a_countersignature_that_does_not_verify_is_wrong_and_not_awaited(plain: World, tmp_path: Path) -> None:
    with plain.house.read() as session:
        note = log_reader.head(session).note
    head = open_checkpoint(note, Ed25519Verifier(key=parse_vkey(plain.vkey)))
    line = cosign(head, name="carrier.example/w", signer=key("ombudsman"), at_s=plain.clock.at_ms // SECOND_MS)
    own = text_key("carrier.example/w", key("carrier").public, kind=SignatureKind.ED25519_COSIGNATURE)
    forged = type(line)(name=line.name, key_id=own.key_id, blob=line.blob)
    content = plain.export(Beside(note=add_signatures(note, [forged]))).content
    assert Reader(tmp_path, plain).value(content, witnesses=policy(plain, "any"))[:3] == (1, "WRONG", False)


def test_the_help_says_what_an_open_pack_is() -> None:
    told = " ".join(CliRunner().invoke(app, ["verify", "--help"]).stdout.split())
    assert "3: it is OPEN" in told
    assert "countersigned" in told
