"""What an outsider checks offline with `weaklink log check` and `log audit`, whatever a witness or a log has signed."""

import os
import threading
from pathlib import Path

import pytest

from custody.kernel.receipt import make_receipt
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.cosignature import cosign
from custody.ledger.merkle import inclusion_path, leaf_hash
from custody.ledger.note import SignatureKind, add_signatures, text_key
from custody.ledger.proof import make_proof
from tests.doors.command_line import CommandLine
from tests.rooms.ledger.small_world import (
    LOG,
    LOG_VERIFIER,
    ORIGIN,
    MemoryLog,
    NaiveReader,
    chain,
    key_add,
    policy,
    policy_statement,
    signer,
)

VKEY = LOG_VERIFIER.key.vkey()
NAME = "carrier.example/w"
CARRIER = signer(70)
POLICY = (
    f"log {VKEY}\nwitness carrier {text_key(NAME, CARRIER.public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()}\n"
    "quorum carrier\n"
)
FAR_S = 2**62
CHECK = ("log", "check", "2.tlog-proof", "2.cose", "--vkey", VKEY)


@pytest.fixture
def outsider(tmp_path: Path) -> CommandLine:
    """Lend a shell that knows no service."""
    return CommandLine(address="http://127.0.0.1:9", folder=tmp_path)


def small_log() -> MemoryLog:
    """Five entries."""
    station = signer(60)
    return MemoryLog().append([policy_statement(), key_add(station), *chain(station, 3)])


def write_proof(log: MemoryLog, folder: Path, *, note: bytes) -> None:
    """Entry 2 and its proof."""
    path = inclusion_path(2, len(log.entries), NaiveReader([leaf_hash(entry) for entry in log.entries]))
    (folder / "2.tlog-proof").write_bytes(make_proof(index=2, path=path, note=note))
    (folder / "2.cose").write_bytes(log.entries[2])
    (folder / "mine.policy").write_text(POLICY)


def test_a_proof_whose_witness_signed_at_the_end_of_time_is_shown(outsider: CommandLine, tmp_path: Path) -> None:
    log = small_log()
    line = cosign(log.head(), name=NAME, signer=CARRIER, at_s=FAR_S)
    write_proof(log, tmp_path, note=add_signatures(log.note(), [line]))
    told = outsider.json(*CHECK, "--witnesses", "mine.policy")
    assert told["parties"] == [{"party": "carrier", "at": f"{FAR_S} s after 1970"}]


def test_names_in_a_policy_are_octets_and_no_two_of_them_become_one(outsider: CommandLine, tmp_path: Path) -> None:
    """C2SP tlog-policy, Character set: what is no ASCII is opaque, be it UTF-8 or not."""
    log = small_log()
    write_proof(log, tmp_path, note=add_signatures(log.note(), [cosign(log.head(), name=NAME, signer=CARRIER, at_s=1)]))
    parties = ((b"caf\xe9", NAME, CARRIER), (b"caf\xe8", "other.example/w", signer(72)))
    lines = [f"log {VKEY}".encode()]
    for party, name, own in parties:
        vkey = text_key(name, own.public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()
        lines.append(b"witness %s %s" % (party, vkey.encode()))
    for (party, *_), code, awaited in ((parties[0], 0, []), (parties[1], 3, ["caf\udce8"])):
        (tmp_path / "mine.policy").write_bytes(b"\n".join([*lines, b"quorum " + party, b""]))
        value = outsider.json(*CHECK, "--witnesses", "mine.policy", expect=code)
        assert (value["parties"][0]["party"], value["awaited"]) == ("caf\udce9", awaited)
        assert r"caf\udce9 at 1970" in outsider.run(*CHECK, "--witnesses", "mine.policy", expect=code).out


def test_a_bare_carriage_return_ends_no_line_of_a_policy(outsider: CommandLine, tmp_path: Path) -> None:
    """C2SP tlog-policy, Character set: no control character but tab and newline; a comment stays one to its end."""
    write_proof(small_log(), tmp_path, note=small_log().note())
    (tmp_path / "mine.policy").write_bytes(f"log {VKEY}\n# mine\rquorum none\n".encode())
    assert "control character" in outsider.run(*CHECK, "--witnesses", "mine.policy", expect=2).err
    (tmp_path / "mine.policy").write_bytes(POLICY.replace("\n", "\r\n").encode())
    outsider.run(*CHECK, "--witnesses", "mine.policy", expect=3)


def test_a_proof_whose_witnesses_have_not_cosigned_holds_and_is_open(outsider: CommandLine, tmp_path: Path) -> None:
    log = small_log()
    write_proof(log, tmp_path, note=log.note())
    told = " ".join(outsider.run(*CHECK, "--witnesses", "mine.policy", expect=3).out.split())
    who = "only the operator signed; wait for the countersignature of carrier"
    assert told.endswith(f"It is OPEN: nothing is wrong with it, but {who}, then ask for a fresh proof.")
    value = outsider.json(*CHECK, "--witnesses", "mine.policy", expect=3)
    assert (value["outcome"], value["ok"], value["awaited"]) == ("OPEN", False, ["carrier"])
    assert outsider.json(*CHECK)["outcome"] == "SOUND"
    assert "3: it is OPEN" in " ".join(outsider.run("log", "check", "--help").out.split())


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_cosignature_from_the_end_of_time_ends_no_audit(
    outsider: CommandLine, tmp_path: Path, more: tuple[str, ...]
) -> None:
    log = MemoryLog().append([policy_statement(policy(witnesses={"working": POLICY}))])
    line = cosign(log.head(), name=NAME, signer=CARRIER, at_s=FAR_S)
    for path, data in log.files.items():
        (tmp_path / "log" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "log" / path).write_bytes(data)
    (tmp_path / "log" / "checkpoint").write_bytes(add_signatures(log.note(), [line]))
    assert str(FAR_S) in outsider.run("log", "audit", "log", "--vkey", VKEY, *more).out


def test_a_proof_is_held_against_the_checkpoint_that_the_checker_gives(outsider: CommandLine, tmp_path: Path) -> None:
    log = small_log()
    write_proof(log, tmp_path, note=log.note())
    (tmp_path / "known.note").write_bytes(log.note())
    assert outsider.json(*CHECK, "--checkpoint", "known.note")["ok"]
    size = len(log.entries)
    for known, why in ((size, "two different trees"), (size + 1, f"of {size + 1}")):
        other = Checkpoint(origin=ORIGIN, size=known, root=leaf_hash(b"what the carrier was shown"))
        (tmp_path / "known.note").write_bytes(sign_checkpoint(other, LOG))
        assert why in outsider.run(*CHECK, "--checkpoint", "known.note", expect=1).err
    (tmp_path / "known.note").write_bytes(sign_checkpoint(log.head(), signer(99)))
    assert "under this key" in outsider.run(*CHECK, "--checkpoint", "known.note", expect=2).err
    outsider.run(*CHECK, "--checkpoint", "absent.note", expect=2)


def test_a_checkpoint_that_can_be_read_only_once_is_taken(outsider: CommandLine, tmp_path: Path) -> None:
    log = small_log()
    note = add_signatures(log.note(), [cosign(log.head(), name=NAME, signer=CARRIER, at_s=1)])
    write_proof(log, tmp_path, note=note)
    pipe = tmp_path / "known.note"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(note,), daemon=True)
    writer.start()
    assert outsider.json(*CHECK, "--checkpoint", "known.note", "--witnesses", "mine.policy")["ok"]
    writer.join()


def test_a_receipt_and_a_checkpoint_of_other_sizes_are_told_the_sizes_first(
    outsider: CommandLine, tmp_path: Path
) -> None:
    log = small_log()
    write_proof(log, tmp_path, note=log.note())
    path = inclusion_path(2, len(log.entries), NaiveReader([leaf_hash(entry) for entry in log.entries]))
    size, root = len(log.entries), log.head().root
    receipt = make_receipt(
        size=size, index=2, path=path, root=root, signer=LOG, iss=ORIGIN, sub=ORIGIN, iat_s=1_790_000_000
    )
    (tmp_path / "2.receipt").write_bytes(receipt)
    shorter = MemoryLog().append(log.entries[:4])
    (tmp_path / "known.note").write_bytes(shorter.note())
    told = outsider.run("log", "check", "2.receipt", *CHECK[3:], "--checkpoint", "known.note", expect=1).err
    assert "the receipt is of 5 entries and the checkpoint of 4" in told
    assert "another tree" not in told
