from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Rejected
from custody.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from custody.ledger.merkle import EMPTY_ROOT, leaf_hash
from custody.ledger.note import Ed25519Verifier, Note, sign_text, text_key
from tests.rooms.ledger.small_world import LOG, LOG_VERIFIER, ORIGIN, flips, refused

ROOT = leaf_hash(b"x")
HEAD = Checkpoint(origin=ORIGIN, size=7, root=ROOT)
B64 = HEAD.text().split("\n")[2]


def test_a_checkpoint_of_ours_is_three_lines_that_read_back() -> None:
    assert HEAD.text() == f"{ORIGIN}\n7\n{B64}\n"
    assert parse_checkpoint(HEAD.text()) == HEAD
    assert open_checkpoint(sign_checkpoint(HEAD, LOG), LOG_VERIFIER) == HEAD


def test_extension_lines_of_other_logs_are_kept_and_change_nothing_else() -> None:
    extended = replace(HEAD, extensions=("first", " second \u2028+"))
    assert extended.text() == f"{HEAD.text()}first\n second \u2028+\n"
    assert parse_checkpoint(extended.text()) == extended
    note = sign_checkpoint(extended, LOG)
    assert open_checkpoint(note, LOG_VERIFIER) == extended
    refused(open_checkpoint, note.replace(b"first", b"fi-st"), LOG_VERIFIER, code="signature")
    refused(open_checkpoint, note.replace(b"first\n", b""), LOG_VERIFIER, code="signature")


def test_any_flipped_byte_of_a_checkpoint_is_refused() -> None:
    for bad in flips(sign_checkpoint(HEAD, LOG)):
        refused(open_checkpoint, bad, LOG_VERIFIER)


@pytest.mark.parametrize(
    "size", ["007", "-7", "+7", " 7", "7 ", "", "7.0", "0x7", "\u0667", "7_0", str(2**63), "9" * 40, "9" * 5000]
)
def test_sizes_are_plain_decimals(size: str) -> None:
    refused(parse_checkpoint, f"{ORIGIN}\n{size}\n{B64}\n", code="checkpoint")


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n7\n{B64}",
        f"{ORIGIN}\n7\n{B64}\nx",
        f"{ORIGIN}\n7\n{B64}\n\n",
        f"{ORIGIN}\n7\n{B64}\nfirst\n\nthird\n",
        f"{ORIGIN}\n7\n{B64}\nnot ended",
        f"{ORIGIN}\n7\n{B64}\na\tb\n",
        f"{ORIGIN}\n7\n\n{B64}\n",
        f"\n7\n{B64}\n",
        f"{'o' * 256}\n7\n{B64}\n",
        f"{'ö' * 128}\n7\n{B64}\n",
        f"a\tb\n7\n{B64}\n",
        f"{ORIGIN}\n7\n{B64[:-1]}\n",
        f"{ORIGIN}\n7\nAAAA\n",
        f"{ORIGIN}\n7\n{B64[:-2]}{chr(ord(B64[-2]) + 1)}=\n",
    ],
)
def test_anything_else_is_no_checkpoint(text: str) -> None:
    refused(parse_checkpoint, text, code="checkpoint")


@pytest.mark.parametrize("origin", ["o", "o" * 255, "ö" * 127 + "o"])
def test_an_origin_is_1_to_255_bytes_of_utf_8(origin: str) -> None:
    assert parse_checkpoint(f"{origin}\n7\n{B64}\n").origin == origin


@given(st.text(alphabet="log\n 0123456789+/=AB", max_size=60))
def test_a_text_that_is_taken_is_written_back_as_it_was(text: str) -> None:
    try:
        assert parse_checkpoint(text).text() == text
    except Rejected:
        return


def test_the_empty_log_has_the_empty_root() -> None:
    empty = Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT)
    assert open_checkpoint(sign_checkpoint(empty, LOG), LOG_VERIFIER) == empty
    wrong = Checkpoint(origin=ORIGIN, size=0, root=ROOT)
    refused(sign_checkpoint, wrong, LOG, code="checkpoint")
    note = Note(text=wrong.text(), signatures=(sign_text(wrong.text(), name=ORIGIN, signer=LOG),)).raw()
    refused(open_checkpoint, note, LOG_VERIFIER, code="checkpoint")


def test_one_key_does_not_speak_for_two_logs() -> None:
    other = Checkpoint(origin="other.example", size=7, root=ROOT)
    note = Note(text=other.text(), signatures=(sign_text(other.text(), name=ORIGIN, signer=LOG),)).raw()
    refused(open_checkpoint, note, LOG_VERIFIER, code="checkpoint")
    other_name = Ed25519Verifier(key=text_key("other.example", LOG.public))
    refused(open_checkpoint, sign_checkpoint(HEAD, LOG), other_name, code="note")


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint(origin=ORIGIN, size=-1, root=ROOT),
        Checkpoint(origin=ORIGIN, size=2**63, root=ROOT),
        Checkpoint(origin=ORIGIN, size=1, root=ROOT[:-1]),
        Checkpoint(origin="", size=1, root=ROOT),
        Checkpoint(origin="two\nlines", size=1, root=ROOT),
        Checkpoint(origin=HEAD.text().removesuffix("\n"), size=1, root=ROOT),
        Checkpoint(origin=ORIGIN, size=1, root=ROOT, extensions=("",)),
        Checkpoint(origin=ORIGIN, size=1, root=ROOT, extensions=("two\nlines",)),
        Checkpoint(origin="a space", size=1, root=ROOT),
        Checkpoint(origin="\ud800", size=1, root=ROOT),
    ],
)
def test_impossible_heads_are_not_signed(checkpoint: Checkpoint) -> None:
    refused(sign_checkpoint, checkpoint, LOG)
