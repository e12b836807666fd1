"""`weaklink log audit` as an outsider runs it: with a key and an address, and nothing else of ours."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.cli.instance import Instance
from api.compose import free_port
from custody.kernel import cbor
from custody.kernel.keys import new_signer
from custody.ledger.note import text_key
from custody.scans.place import index_of
from tests.doors.command_line import CommandLine
from tests.doors.log_desk import Desk

SCANS = {"Content-Type": "application/vnd.weaklink.scans+cbor"}


@pytest.fixture(scope="module")
def desk(instance: Instance) -> Iterator[Desk]:
    """One station with 300 scans in the log."""
    made = Desk(instance)
    grow(made, 300)
    yield made
    made.http.close()


@pytest.fixture
def outsider(tmp_path: Path) -> CommandLine:
    """Lend a shell that knows no service."""
    return CommandLine(address="http://127.0.0.1:9", folder=tmp_path)


def grow(desk: Desk, count: int) -> None:
    content = cbor.encode([list(desk.sign()) for _ in range(count)])
    assert desk.http.post("/v1/scans:batch", content=content, headers=SCANS).status_code == 200


def test_a_key_and_an_address_are_enough(instance: Instance, desk: Desk, outsider: CommandLine) -> None:
    vkey, size = desk.log["vkey"], desk.http.get("/v1/log").json()["size"]
    for address in (instance.address, f"{instance.address}/", f"{instance.address}/log"):
        told = outsider.json("log", "audit", address, "--vkey", vkey)
        assert (told["ok"], told["key"], told["size"], told["findings"]) == (True, "given", size, [])
    assert told["kinds"]["application/vnd.weaklink.scan+epcis"] == 300
    assert (told["stations"], told["station_keys"]) == (1, 1)
    believed = outsider.run("log", "audit", instance.address)
    assert "only the service's own word" in believed.out
    assert "The log is sound" in believed.out


def test_an_auditor_sees_first_how_much_there_is_and_may_say_how_much_he_reads(
    instance: Instance, desk: Desk, outsider: CommandLine
) -> None:
    words, size = (
        ("log", "audit", instance.address, "--vkey", desk.log["vkey"]),
        desk.http.get("/v1/log").json()["size"],
    )
    assert f"0 of {size:,} entries" in outsider.run(*words, "--most", str(size)).err
    told = outsider.json(*words, "--most", str(size - 1), expect=3)
    assert (told["size"], [row["code"] for row in told["findings"]]) == (size, ["gave-up"])


def test_what_was_kept_saves_reading_again_and_catches_a_log_that_was_set_back(
    instance: Instance, desk: Desk, outsider: CommandLine, tmp_path: Path
) -> None:
    words = ("log", "audit", instance.address, "--vkey", desk.log["vkey"])
    first = outsider.json(*words, "--state", "log.state")
    assert (first["ok"], first["from"]) == (True, 0)
    outsider.run("log", "export", "old", "--from", f"{instance.address}/log", "--vkey", desk.log["vkey"])
    grow(desk, 20)
    note = tmp_path / "later.checkpoint"
    note.write_bytes(desk.http.get("/log/checkpoint").content)
    second = outsider.json(*words, "--state", "log.state", "--since", str(tmp_path / "old" / "checkpoint"))
    assert (second["ok"], second["from"], second["size"]) == (True, 256, first["size"] + 20)
    whole = outsider.json(*words, "--state", "log.state", "--whole")
    assert (whole["ok"], whole["from"]) == (True, 0)
    folder = ("log", "audit", "old", "--vkey", desk.log["vkey"])
    for kept in (("--state", "log.state"), ("--since", str(note))):
        back = outsider.json(*folder, *kept, expect=1)
        assert [row["code"] for row in back["findings"]] == ["rollback"]
    assert (tmp_path / "log.state").read_bytes(), "what was kept stays after a fault"


@pytest.mark.parametrize("path", ["tile/entries/000", "tile/0/000", "checkpoint"])
def test_a_flipped_byte_is_found_and_the_exit_code_says_so(
    instance: Instance, desk: Desk, outsider: CommandLine, tmp_path: Path, path: str
) -> None:
    vkey = desk.log["vkey"]
    outsider.run("log", "export", "mirror", "--from", f"{instance.address}/log", "--vkey", vkey)
    assert outsider.json("log", "audit", "mirror", "--vkey", vkey)["ok"]
    file = tmp_path / "mirror" / path
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(bytes(raw))
    told = outsider.json("log", "audit", "mirror", "--vkey", vkey, expect=1)
    found = [row for row in told["findings"] if row["about"] == "log"]
    assert found
    assert all(row["detail"] for row in found)
    if path != "checkpoint":
        assert all(0 <= row["index"] < 256 for row in found)


def test_a_state_that_is_no_file_is_told_and_left_alone(instance: Instance, desk: Desk, outsider: CommandLine) -> None:
    pipe = outsider.folder / "pipe"
    os.mkfifo(pipe)
    for state in (".", "pipe"):
        words = ("log", "audit", instance.address, "--vkey", desk.log["vkey"], "--state", state)
        told = outsider.run(*words, expect=2)
        assert "is no ordinary file" in told.err
    assert pipe.is_fifo()


def test_witnesses_that_the_auditor_demands_must_have_cosigned(
    instance: Instance, desk: Desk, outsider: CommandLine, tmp_path: Path
) -> None:
    witness = text_key("carrier.example/w1", new_signer().public, kind=4).vkey()
    lines = [f"log {desk.log['vkey']}", f"witness carrier {witness}", "quorum carrier", ""]
    (tmp_path / "verdict.policy").write_text("\n".join(lines))
    words = ("log", "audit", instance.address, "--vkey", desk.log["vkey"], "--witnesses", "verdict.policy")
    told = outsider.json(*words, expect=3)
    assert [(row["about"], row["code"]) for row in told["findings"]] == [("witness", "quorum")]
    assert told["cosigned"] == {"given": {"enough": False, "parties": [], "awaited": ["carrier"]}}


def test_one_key_under_two_names_is_not_two_witnesses(
    instance: Instance, desk: Desk, outsider: CommandLine, tmp_path: Path
) -> None:
    key = new_signer().public
    names = ("carrier.example/w1", "ombudsman.example/w1")
    lines = [f"witness {name} {text_key(name, key, kind=4).vkey()}" for name in names]
    lines = [f"log {desk.log['vkey']}", *lines, f"group both all {' '.join(names)}", "quorum both", ""]
    (tmp_path / "doubled.policy").write_text("\n".join(lines))
    words = ("log", "audit", instance.address, "--vkey", desk.log["vkey"], "--witnesses", "doubled.policy")
    told = outsider.run(*words, expect=2)
    assert "line 3: the same public key" in told.err
    assert told.out == ""


def test_what_cannot_be_read_is_not_called_wrong(desk: Desk, outsider: CommandLine, tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{free_port()}/log"
    told = outsider.json("log", "audit", away, "--vkey", desk.log["vkey"], expect=3)
    assert [row["code"] for row in told["findings"]] == ["unavailable"]
    outsider.run("log", "audit", away, expect=3)
    outsider.run("log", "audit", away, "--vkey", "nonsense", expect=2)
    outsider.run("log", "audit", away, "--vkey", desk.log["vkey"], "--since", "nothing-there", expect=2)
    (tmp_path / "log.state").write_bytes(b"not what an audit wrote")
    outsider.run("log", "audit", away, "--vkey", desk.log["vkey"], "--state", "log.state", expect=2)


@pytest.mark.parametrize("source", ["", "nowhere", "log.example", "http://127.0.0.1:port/log", "."])
@pytest.mark.parametrize("words", [("log", "audit"), ("log", "export", "mirror", "--from")])
def test_a_source_that_is_no_log_is_unfit_input_and_no_accusation(
    desk: Desk, outsider: CommandLine, words: tuple[str, ...], source: str
) -> None:
    told = outsider.run(*words, source, "--vkey", desk.log["vkey"], expect=2)
    assert f"{source or 'an empty word'} is neither" in told.err
    assert "a folder with an exported log, or a URL that begins with http://" in told.err
    assert told.out == ""


@pytest.mark.parametrize("words", [("log", "audit"), ("log", "export", "copy", "--from")])
def test_a_folder_names_no_key_so_it_must_be_given_where_no_service_answers(
    instance: Instance, desk: Desk, outsider: CommandLine, words: tuple[str, ...]
) -> None:
    outsider.run("log", "export", "mirror", "--from", f"{instance.address}/log", "--vkey", desk.log["vkey"])
    told = outsider.run(*words, "mirror", expect=2)
    assert "mirror names no key" in told.err
    assert "--vkey" in told.err
    inside = CommandLine(address=instance.address, folder=outsider.folder)
    assert inside.run(*words, "mirror").code == 0


def test_a_mirror_that_has_grown_still_serves_the_end_of_an_older_checkpoint(
    instance: Instance, desk: Desk, outsider: CommandLine, tmp_path: Path
) -> None:
    vkey, mirror = desk.log["vkey"], tmp_path / "mirror"
    outsider.run("log", "export", "mirror", "--from", f"{instance.address}/log", "--vkey", vkey)
    size = httpx.get(f"{instance.address}/v1/log").json()["size"]
    old = (mirror / "checkpoint").read_bytes()
    grow(desk, 512 - size % 256)
    outsider.run("log", "export", "mirror", "--from", f"{instance.address}/log", "--vkey", vkey)
    (mirror / "checkpoint").write_bytes(old)
    for partial in mirror.rglob("*.p"):
        if partial.is_dir() and partial.with_suffix("").is_file():
            shutil.rmtree(partial)
    told = outsider.json("log", "audit", "mirror", "--vkey", vkey)
    assert (told["ok"], told["size"]) == (True, size)


def test_every_verdict_is_replayed_from_the_log_and_a_changed_one_is_found(
    instance: Instance, desk: Desk, outsider: CommandLine
) -> None:
    grow(desk, 3)
    told = outsider.json("log", "verdicts", "--data", str(instance.data))
    assert (told["ok"], told["different"]) == (True, [])
    assert told["same"] >= 303
    database = sqlite3.connect(instance.data / "weaklink.db")
    try:
        newest = "SELECT place, result FROM scan ORDER BY place DESC LIMIT 1"
        (place, result) = database.execute(newest).fetchone()
        for changed, expect in (("quarantined", 1), (result, 0)):
            database.execute("UPDATE scan SET result = ? WHERE place = ?", (changed, place))
            database.commit()
            found = outsider.json("log", "verdicts", "--data", str(instance.data), expect=expect)
            assert [row["index"] for row in found["different"]] == [index_of(place)] * expect
    finally:
        database.close()
    outsider.run("log", "verdicts", "--data", "nowhere", expect=2)


def test_a_proof_and_a_receipt_are_checked_offline_and_refused_after_one_flipped_byte(
    instance: Instance, desk: Desk, outsider: CommandLine, tmp_path: Path
) -> None:
    inside = CommandLine(address=instance.address, folder=tmp_path)
    inside.run("log", "entry", "17", "--out", "17.cose")
    for what, file in (("proof", "17.tlog-proof"), ("receipt", "17.receipt")):
        said = inside.run("log", what, "17", "--out", file).out
        written = {"file": file, "bytes": (tmp_path / file).stat().st_size}
        assert said == f"{file}: {written['bytes']} bytes.\n"
        assert inside.json("log", what, "17", "--out", f"again.{what}") == {**written, "file": f"again.{what}"}
    assert inside.json("log", "proof", "17") == {"proof": inside.run("log", "proof", "17").out}
    (tmp_path / "note").write_bytes(desk.http.get("/log/checkpoint").content)
    size, vkey = desk.http.get("/v1/log").json()["size"], ("--vkey", desk.log["vkey"])
    for file, more, claimed in (("17.tlog-proof", (), False), ("17.receipt", ("--checkpoint", "note"), False)):
        told = outsider.json("log", "check", file, "17.cose", *vkey, *more)
        assert (told["ok"], told["index"], told["size"], told["claimed"]) == (True, 17, size, claimed)
    assert outsider.json("log", "check", "17.receipt", "17.cose", *vkey)["claimed"]
    for file, at in (("17.tlog-proof", 45), ("17.receipt", -1), ("17.cose", 60)):
        raw = bytearray((tmp_path / file).read_bytes())
        raw[at] ^= 1
        (tmp_path / f"bad-{file}").write_bytes(bytes(raw))
    outsider.run("log", "check", "bad-17.tlog-proof", "17.cose", *vkey, expect=1)
    outsider.run("log", "check", "bad-17.receipt", "17.cose", *vkey, expect=1)
    for file in ("17.tlog-proof", "17.receipt"):
        outsider.run("log", "check", file, "bad-17.cose", *vkey, expect=1)
    witness = text_key("carrier.example/w1", new_signer().public, kind=4).vkey()
    lines = [f"log {desk.log['vkey']}", f"witness carrier {witness}", "quorum carrier", ""]
    (tmp_path / "verdict.policy").write_text("\n".join(lines))
    for file, code in (("17.tlog-proof", 3), ("17.receipt", 2)):  # a receipt alone carries nothing of witnesses
        outsider.run("log", "check", file, "17.cose", *vkey, "--witnesses", "verdict.policy", expect=code)
