"""A log that lies to `weaklink log audit`: the auditor reads what was found, and not what the log wants him to read."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from api.cli.foreign_words import harmless
from custody.kernel import cose
from custody.kernel.keys import SoftwareSigner
from custody.ledger import audit
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.cosignature import cosign
from custody.ledger.merkle import leaf_hash
from custody.ledger.note import SignatureKind, add_signatures, text_key
from tests.doors.command_line import CommandLine
from tests.rooms.ledger.small_world import (
    LOG,
    LOG_VERIFIER,
    ORIGIN,
    SUB,
    MemoryLog,
    chain,
    key_add,
    policy,
    policy_statement,
    signer,
)

VKEY = LOG_VERIFIER.key.vkey()
AUDIT = ("log", "audit", "log", "--vkey", VKEY)
STATION, CARRIER, EVIL = signer(60), signer(70), signer(71)
OTHER = text_key(ORIGIN, EVIL.public).vkey()


@pytest.fixture
def outsider(tmp_path: Path) -> CommandLine:
    """Lend a shell that knows no service."""
    return CommandLine(address="http://127.0.0.1:9", folder=tmp_path)


def folder_of(log: MemoryLog, folder: Path, *, note: bytes | None = None) -> None:
    """Put the log's files there."""
    for path, data in log.files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (folder / "checkpoint").write_bytes(log.note() if note is None else note)


def witness_policy(party: str, key: SoftwareSigner) -> str:
    vkey = text_key(f"{party}.example/w", key.public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()
    return f"log {VKEY}\nwitness {party} {vkey}\nquorum {party}\n"


def test_a_split_view_of_the_kept_size_is_seen_on_the_command_line(outsider: CommandLine, tmp_path: Path) -> None:
    folder_of(MemoryLog().append([policy_statement(), key_add(STATION), *chain(STATION, 254)]), tmp_path / "log")
    theirs = Checkpoint(origin=ORIGIN, size=256, root=leaf_hash(b"what somebody else was shown"))
    (tmp_path / "theirs.note").write_bytes(sign_checkpoint(theirs, LOG))
    outsider.run(*AUDIT, "--state", "mine.state")
    for more in ((), ("--state", "mine.state"), ("--state", "mine.state", "--whole")):
        told = outsider.json(*AUDIT, "--since", "theirs.note", *more, expect=1)
        assert [row["code"] for row in told["findings"]] == ["fork"]


@pytest.mark.parametrize("spoilt", [b"", b"\r\n", b"another log's key"])
def test_a_kept_checkpoint_that_is_none_is_unfit_input_and_no_accusation(
    spoilt: bytes, outsider: CommandLine, tmp_path: Path
) -> None:
    log = MemoryLog().append([policy_statement()])
    folder_of(log, tmp_path / "log")
    notes = {b"": b"", b"\r\n": log.note().replace(b"\n", b"\r\n")}
    (tmp_path / "old.note").write_bytes(notes.get(spoilt, sign_checkpoint(log.head(), EVIL)))
    told = outsider.run(*AUDIT, "--since", "old.note", expect=2)
    assert "old.note is no checkpoint under this key" in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("kind", "issuer"),
    [
        ("application/x[/sound]", "urn:weaklink:station:bench-07"),
        ("application/x", "urn:weaklink:station:[/nobody]"),
        ("application/x[/a", "urn:weaklink:station:] [/b"),
        ("application/x\x1b[2J\x1b[8m", "urn:weaklink:station:\u202e\x9b2J\nThe log is sound"),
    ],
    ids=["markup in the kind", "markup in the issuer", "a tag in two parts", "control characters"],
)
def test_words_in_an_entry_are_shown_as_they_are_and_rule_neither_the_audit_nor_the_screen(
    kind: str, issuer: str, outsider: CommandLine, tmp_path: Path
) -> None:
    statement = cose.sign({3: kind, 15: {1: issuer, 2: SUB, 6: 1, "seq": 1}}, b"payload", STATION)
    folder_of(MemoryLog().append([policy_statement(), key_add(STATION), statement]), tmp_path / "log")
    told = outsider.run(*AUDIT).out
    assert "The log is sound: every entry" in told
    assert harmless(kind.rpartition(".")[2]) in told
    assert (harmless(issuer) in told) == (issuer != "urn:weaklink:station:bench-07")
    assert all(letter.isprintable() or letter == "\n" for letter in told)
    assert [line[:17] for line in told.splitlines()].count("The log is sound:") == 1
    as_json = outsider.run(*AUDIT, "--json").out
    assert as_json.removesuffix("\n").isprintable()
    assert kind in json.loads(as_json)["kinds"]


@pytest.mark.parametrize(("line", "why"), [(f"log {OTHER}\n", "is of another log"), ("", "names no log")])
def test_a_policy_of_another_log_is_the_auditors_mistake_and_no_accusation(
    line: str, why: str, outsider: CommandLine, tmp_path: Path
) -> None:
    folder_of(MemoryLog().append([policy_statement()]), tmp_path / "log")
    (tmp_path / "mine.policy").write_text(f"{line}quorum none\n")
    told = outsider.run(*AUDIT, "--witnesses", "mine.policy", expect=2)
    assert f"this policy {why}" in told.err
    assert f"log {VKEY}" in told.err
    assert told.out == ""


def test_witnesses_who_did_not_countersign_are_nothing_wrong_with_the_log_and_leave_it_open(
    outsider: CommandLine, tmp_path: Path
) -> None:
    log = MemoryLog().append([policy_statement()])
    folder_of(log, tmp_path / "log")
    (tmp_path / "mine.policy").write_text(witness_policy("carrier", CARRIER))
    asked = (*AUDIT, "--witnesses", "mine.policy")
    told = outsider.run(*asked, expect=3).out
    assert "The log holds" in told
    assert "The witnesses you asked for did not countersign." in told
    who = "only the operator signed; wait for the countersignature of carrier"
    assert f"It is OPEN: nothing is wrong, but {who}, then audit again." in " ".join(told.split())
    assert "WRONG" not in told
    assert "signed evidence" not in told
    value = outsider.json(*asked, expect=3)
    assert (value["outcome"], value["ok"], value["wrong"]) == ("OPEN", False, False)
    assert value["cosigned"]["given"]["awaited"] == ["carrier"]
    told = outsider.run(*asked, "--most", "0", expect=3).out
    assert "could NOT be read to the end" in told
    assert "did not countersign" in told
    line = cosign(log.head(), name="carrier.example/w", signer=CARRIER, at_s=1_800_000_000)
    (tmp_path / "log" / "checkpoint").write_bytes(add_signatures(log.note(), [line]))
    assert outsider.json(*asked)["outcome"] == "SOUND"
    assert "OPEN" not in outsider.run(*asked).out


def test_a_log_that_is_wrong_is_not_only_open_for_want_of_witnesses(outsider: CommandLine, tmp_path: Path) -> None:
    log = MemoryLog().append([policy_statement(), b"junk"])
    folder_of(log, tmp_path / "log")
    (tmp_path / "log" / "tile" / "entries" / "000.p" / "2").write_bytes(b"\0\1a\0\1b")
    (tmp_path / "mine.policy").write_text(witness_policy("carrier", CARRIER))
    asked = (*AUDIT, "--witnesses", "mine.policy")
    told = outsider.run(*asked, expect=1).out
    assert "Something is WRONG with the log." in told
    assert "nothing is wrong" not in told
    assert outsider.json(*asked, expect=1)["outcome"] == "WRONG"


def test_a_countersignature_that_does_not_verify_is_wrong_and_not_awaited(
    outsider: CommandLine, tmp_path: Path
) -> None:
    log = MemoryLog().append([policy_statement()])
    line = cosign(log.head(), name="carrier.example/w", signer=CARRIER, at_s=1_800_000_000)
    forged = replace(line, blob=line.blob[:-1] + bytes([line.blob[-1] ^ 1]))
    folder_of(log, tmp_path / "log", note=add_signatures(log.note(), [forged]))
    (tmp_path / "mine.policy").write_text(witness_policy("carrier", CARRIER))
    asked = (*AUDIT, "--witnesses", "mine.policy")
    told = outsider.run(*asked, expect=1).out
    assert "The log holds" in told
    assert "A countersignature is WRONG" in told
    assert "signed evidence" not in told
    value = outsider.json(*asked, expect=1)
    assert (value["outcome"], value["ok"], value["wrong"]) == ("WRONG", False, True)


def test_an_audit_that_was_not_read_to_the_end_is_open_and_the_help_says_so(
    outsider: CommandLine, tmp_path: Path
) -> None:
    folder_of(MemoryLog().append([policy_statement()]), tmp_path / "log")
    assert outsider.json(*AUDIT, "--most", "0", expect=3)["outcome"] == "OPEN"
    assert outsider.json(*AUDIT)["outcome"] == "SOUND"
    assert "3: it is OPEN" in " ".join(outsider.run("log", "audit", "--help").out.split())


@pytest.mark.parametrize(("hours", "is_told"), [(0, False), (26, True)])
def test_an_audit_says_how_old_the_newest_countersignature_is(
    outsider: CommandLine, tmp_path: Path, hours: int, *, is_told: bool
) -> None:
    """A log whose witnesses are away shows an old checkpoint, and is sound as far as that goes."""
    log, at_s = MemoryLog().append([policy_statement()]), int(time.time()) - hours * 3_600
    line = cosign(log.head(), name="carrier.example/w", signer=CARRIER, at_s=at_s)
    folder_of(log, tmp_path / "log", note=add_signatures(log.note(), [line]))
    (tmp_path / "mine.policy").write_text(witness_policy("carrier", CARRIER))
    told = outsider.run(*AUDIT, "--witnesses", "mine.policy").out
    assert ("the newest of these is 26 hours old" in told) == is_told
    assert outsider.json(*AUDIT, "--witnesses", "mine.policy")["cosigned_age_s"] >= hours * 3_600
    assert outsider.json(*AUDIT)["cosigned_age_s"] is None


def test_a_checkpoint_that_the_key_did_not_sign_is_not_called_signed_evidence(
    outsider: CommandLine, tmp_path: Path
) -> None:
    folder_of(MemoryLog().append([policy_statement()]), tmp_path / "log")
    told = outsider.run("log", "audit", "log", "--vkey", OTHER, expect=1).out
    assert "No checkpoint could be opened with this key" in told
    assert "signed evidence" not in told


@pytest.mark.parametrize("purpose", ["given", "your policy"])
def test_a_purpose_of_the_logs_own_policy_is_not_shown_as_the_auditors(
    purpose: str, outsider: CommandLine, tmp_path: Path
) -> None:
    log = MemoryLog().append([policy_statement(policy(witnesses={purpose: witness_policy("evil", EVIL)}))])
    line = cosign(log.head(), name="evil.example/w", signer=EVIL, at_s=1_800_000_000)
    folder_of(log, tmp_path / "log", note=add_signatures(log.note(), [line]))
    (tmp_path / "mine.policy").write_text(witness_policy("carrier", CARRIER))
    told = outsider.run(*AUDIT, "--witnesses", "mine.policy", expect=3).out
    assert "  your policy: cosigned by nobody; not enough" in told
    assert f"  the log's own for {purpose}: cosigned by evil at 2027-01-15T08:00:00.000Z; enough" in told
    value = outsider.json(*AUDIT, "--witnesses", "mine.policy", expect=3)
    assert value["cosigned"] == {"given": {"enough": False, "parties": [], "awaited": ["carrier"]}}
    assert value["named"][purpose]["enough"]
    assert "  your policy" not in outsider.run(*AUDIT).out
    assert outsider.json(*AUDIT)["cosigned"] == {}


def test_where_an_audit_was_given_up_is_told_however_much_was_found_before(
    outsider: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_WRONG", 600)
    folder_of(
        MemoryLog().append([policy_statement(), *(b"junk %d" % number for number in range(1100))]), tmp_path / "log"
    )
    told = outsider.run(*AUDIT, expect=1).out
    assert "... and 568 more; --json shows all of them" in told
    assert "gave-up at 768: too much of the log is wrong; nothing after this was looked at" in told
    assert "Something is WRONG with the log" in told


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("tile/entries/001", None),
        ("tile/entries/001", b"\0\1a" * 256),
        ("tile/0/001", bytes(8192)),
        ("tile/1/000.p/2", None),
        ("tile/entries/002.p/88", b""),
    ],
)
def test_files_that_somebody_lost_or_changed_are_evidence_against_nobody(
    outsider: CommandLine, tmp_path: Path, path: str, content: bytes | None
) -> None:
    folder_of(MemoryLog().append([policy_statement(), key_add(STATION), *chain(STATION, 598)]), tmp_path / "log")
    file = tmp_path / "log" / path
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    told = " ".join(outsider.run(*AUDIT, expect=1).out.split())
    value = outsider.json(*AUDIT, expect=1)
    assert value["files_hold"] is False
    assert "Something is WRONG with the log." in told
    assert "signed evidence" not in told
    assert "whoever keeps these files may have changed or lost them" in told
    people = any(row["about"] != "log" for row in value["findings"])
    assert people == ("entries/001" in path), "a station seems to have left out what lay in that bundle"
    assert ("counts against nobody" in told) == people


def test_a_log_whose_own_entries_are_wrong_has_signed_the_evidence(outsider: CommandLine, tmp_path: Path) -> None:
    folder_of(MemoryLog().append([policy_statement(), b"junk"]), tmp_path / "log")
    assert "Keep its checkpoint: it is signed evidence." in outsider.run(*AUDIT, expect=1).out
    assert outsider.json(*AUDIT, expect=1)["files_hold"]


def test_fewer_entries_than_before_may_be_an_older_copy_and_two_pasts_are_signed_evidence(
    outsider: CommandLine, tmp_path: Path
) -> None:
    entries = [policy_statement(), key_add(STATION), *chain(STATION, 300)]
    folder_of(MemoryLog().append(entries), tmp_path / "log")
    asked = (*AUDIT, "--state", "log.state")
    outsider.run(*asked)
    kept = (tmp_path / "log.state").read_bytes()
    folder_of(MemoryLog().append(entries[:280]), tmp_path / "log")
    told = " ".join(outsider.run(*asked, expect=1).out.split())
    assert "It shows fewer entries than before: an older copy, or it was set back. Keep both checkpoints" in told
    assert "signed evidence" not in told
    folder_of(MemoryLog().append([*entries[:-1], *chain(CARRIER, 40)]), tmp_path / "log")
    told = " ".join(outsider.run(*asked, expect=1).out.split())
    assert "It has shown two pasts. Keep both checkpoints: they are signed evidence." in told
    assert (tmp_path / "log.state").read_bytes() == kept


def test_a_tile_that_is_missing_on_the_way_from_an_older_checkpoint_is_evidence_against_nobody(
    outsider: CommandLine, tmp_path: Path
) -> None:
    entries = [policy_statement(), key_add(STATION), *chain(STATION, 600)]
    folder_of(MemoryLog().append(entries), tmp_path / "log")
    outsider.run(*AUDIT, "--state", "log.state")
    (tmp_path / "older.note").write_bytes(MemoryLog().append(entries[:300]).note())
    (tmp_path / "log" / "tile" / "0" / "001").unlink()
    told = " ".join(outsider.run(*AUDIT, "--state", "log.state", "--since", "older.note", expect=1).out.split())
    assert "the way from size 300 cannot be proven" in told
    assert "signed evidence" not in told
