import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Rejected
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.proof import HEADER, LogProof, make_proof, parse_proof, verify_proof
from tests.rooms.ledger.small_world import (
    LOG,
    LOG_VERIFIER,
    ORIGIN,
    STRANGER,
    flips,
    leaves_of,
    naive_inclusion,
    naive_root,
    refused,
)


def entry(index: int) -> bytes:
    return f"entry {index}".encode()


def note(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(origin=ORIGIN, size=size, root=naive_root(leaves_of(size))), LOG)


def proof(index: int, size: int, extra: bytes | None = None) -> bytes:
    return make_proof(index=index, path=naive_inclusion(index, leaves_of(size)), note=note(size), extra=extra)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 11])
def test_every_entry_has_a_proof_that_reads_back_and_verifies(size: int) -> None:
    for index in range(size):
        placed = verify_proof(proof(index, size), entry(index), LOG_VERIFIER)
        assert (placed.index, placed.checkpoint.size) == (index, size)
        assert parse_proof(proof(index, size)) == LogProof(
            index=index, path=tuple(naive_inclusion(index, leaves_of(size))), note=note(size)
        )


def test_the_file_is_that_of_the_specification() -> None:
    lines = proof(0, 1).split(b"\n")
    assert lines[:4] == [b"c2sp.org/tlog-proof@v1", b"index 0", b"", ORIGIN.encode()]
    assert proof(0, 1, extra=b"hi").split(b"\n")[1] == b"extra aGk="
    assert parse_proof(proof(2, 3, extra=b"hi")).extra == b"hi"
    assert parse_proof(proof(2, 3, extra=b"")).extra == b""


def test_any_flipped_byte_of_proof_or_entry_is_refused() -> None:
    whole = proof(3, 11)
    for bad in flips(whole):
        refused(verify_proof, bad, entry(3), LOG_VERIFIER)
    for bad in flips(entry(3)):
        refused(verify_proof, whole, bad, LOG_VERIFIER)


def test_a_proof_from_a_log_that_is_not_known_is_refused() -> None:
    other = sign_checkpoint(Checkpoint(origin=ORIGIN, size=1, root=naive_root(leaves_of(1))), STRANGER)
    refused(verify_proof, make_proof(index=0, path=[], note=other), entry(0), LOG_VERIFIER, code="note")


BODY = proof(3, 11)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        BODY.replace(b"@v1", b"@v2"),
        BODY.replace(b"index 3", b"index 03"),
        BODY.replace(b"index 3", b"index -3"),
        BODY.replace(b"index 3", b"index  3"),
        BODY.replace(b"index 3", b"index \xd9\xa3"),
        BODY.replace(b"index 3\n", b""),
        BODY.replace(b"index 3\n", b"3\n"),
        BODY.replace(b"index 3\n", b"index 3\nindex 3\n"),
        BODY.replace(b"index 3\n", b"index 3\nextra aGk=\n"),
        BODY.replace(b"index 3\n", b"extra aGk\nindex 3\n"),
        BODY.replace(b"index 3\n", b"extra aGk=\nextra aGk=\nindex 3\n"),
        BODY.replace(b"index 3\n", b"index 3\nAAAA\n"),
        BODY.replace(b"\n", b"\r\n"),
        BODY.replace(b"\n\n", b"\n"),
        b"\n" + BODY,
        make_proof(index=3, path=[b"x" * 32] * 65, note=note(11)),
        HEADER.encode() + b"\n\n" + note(11),
        HEADER.encode() + b"\nindex 3\n\nno note",
    ],
)
def test_proofs_are_read_strictly(raw: bytes) -> None:
    refused(parse_proof, raw)


@given(st.binary(max_size=60))
def test_no_bytes_make_the_proof_parser_raise_anything_but_rejected(raw: bytes) -> None:
    for body in (raw, HEADER.encode() + b"\n" + raw, BODY[:60] + raw):
        try:
            parse_proof(body)
        except Rejected:
            continue
