import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Rejected
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.merkle import EMPTY_ROOT, leaf_hash
from custody.ledger.note import Note, parse_note, sign_text
from custody.ledger.spellings import write_base64
from custody.ledger.witness import (
    SIZE_TYPE,
    AddCheckpoint,
    decide,
    format_add_checkpoint,
    parse_add_checkpoint,
)
from tests.rooms.ledger.small_world import (
    LOG,
    LOG_VERIFIER,
    ORIGIN,
    STRANGER,
    leaves_of,
    naive_consistency,
    naive_root,
    refused,
)

LEAVES = leaves_of(12)
HASH = leaf_hash(b"another tree")


def head(size: int, *, root: bytes | None = None) -> Checkpoint:
    return Checkpoint(origin=ORIGIN, size=size, root=naive_root(LEAVES[:size]) if root is None else root)


def request(old: int, new: Checkpoint, path: list[bytes]) -> AddCheckpoint:
    text = new.text()
    note = Note(text=text, signatures=(sign_text(text, name=ORIGIN, signer=LOG),)).raw()
    return parse_add_checkpoint(format_add_checkpoint(old, path, note))


def status(old: int, new: Checkpoint, path: list[bytes], latest: Checkpoint | None) -> int:
    return decide(request(old, new, path), trusted=[LOG_VERIFIER], latest=latest).status


@pytest.mark.parametrize("old", range(13))
def test_every_growth_of_a_small_log_is_cosigned(old: int) -> None:
    for size in range(old, 13):
        path = naive_consistency(old, LEAVES[:size]) if old else []
        latest = head(old) if old else None
        decision = decide(request(old, head(size), path), trusted=[LOG_VERIFIER], latest=latest)
        assert (decision.status, decision.checkpoint) == (200, head(size))


def test_the_checks_come_in_the_order_of_the_specification() -> None:
    path = naive_consistency(5, LEAVES[:9])
    good = request(5, head(9), path)
    # 404 before 403, 403 before 400, 400 before 409, 409 before 422: each request is wrong from here on down.
    stranger = sign_checkpoint(head(3), STRANGER)
    hopeless = parse_add_checkpoint(format_add_checkpoint(5, [HASH], stranger))
    assert decide(hopeless, trusted=[], latest=head(7)).status == 404
    assert decide(hopeless, trusted=[LOG_VERIFIER], latest=head(7)).status == 403
    assert status(5, head(3), [HASH], head(7)) == 400
    decision = decide(request(5, head(9), [HASH]), trusted=[LOG_VERIFIER], latest=head(7))
    assert (decision.status, decision.body, decision.content_type) == (409, "7\n", SIZE_TYPE)
    assert status(5, head(9), [HASH], head(5)) == 422
    assert decide(good, trusted=[LOG_VERIFIER], latest=head(5)).status == 200


def test_a_client_that_does_not_know_the_size_learns_it() -> None:
    decision = decide(request(0, head(9), []), trusted=[LOG_VERIFIER], latest=head(5))
    assert (decision.status, decision.body) == (409, "5\n")
    decision = decide(request(5, head(9), []), trusted=[LOG_VERIFIER], latest=None)
    assert (decision.status, decision.body) == (409, "0\n")


def test_403_for_a_trusted_key_whose_signature_fails_or_for_none() -> None:
    text = head(9).text()
    own = sign_text(text, name=ORIGIN, signer=LOG)
    forged = parse_note(sign_checkpoint(head(8), LOG)).signatures[0]
    body = format_add_checkpoint(0, [], Note(text=text, signatures=(own, forged)).raw())
    assert decide(parse_add_checkpoint(body), trusted=[LOG_VERIFIER], latest=None).status == 403


@pytest.mark.parametrize(
    ("old", "new", "path", "latest"),
    [
        (0, head(0, root=HASH), [], None),
        (0, head(5), [HASH], None),
        (0, head(0), [HASH], None),
        (5, head(9), [], head(5)),
        (5, head(9, root=HASH), naive_consistency(5, LEAVES[:9]), head(5)),
        (5, head(9), naive_consistency(5, LEAVES[:9]), head(5, root=HASH)),
        (5, head(5, root=HASH), [], head(5)),
        (5, head(5), [HASH], head(5)),
    ],
)
def test_422_for_what_is_not_consistent(
    old: int, new: Checkpoint, path: list[bytes], latest: Checkpoint | None
) -> None:
    assert status(old, new, path, latest) == 422


def test_a_repeat_at_the_same_size_and_root_is_cosigned_again() -> None:
    assert status(5, head(5), [], head(5)) == 200
    assert status(0, head(0), [], None) == 200
    assert status(0, head(0), [], head(0)) == 200
    assert head(0).root == EMPTY_ROOT


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 0\n\n",
        b"old 0" + sign_checkpoint(head(5), LOG),
        b"new 0\n\n" + sign_checkpoint(head(5), LOG),
        b"old  0\n\n" + sign_checkpoint(head(5), LOG),
        b"old 00\n\n" + sign_checkpoint(head(5), LOG),
        b"old -1\n\n" + sign_checkpoint(head(5), LOG),
        b"old 0\r\n\n" + sign_checkpoint(head(5), LOG),
        b"\n\nold 0\n\n" + sign_checkpoint(head(5), LOG),
        b"old 0\nAAAA\n\n" + sign_checkpoint(head(5), LOG),
        b"old 0\n" + write_base64(HASH).encode()[:-1] + b"\n\n" + sign_checkpoint(head(5), LOG),
        b"old \xd9\xa0\n\n" + sign_checkpoint(head(5), LOG),
        format_add_checkpoint(1, [HASH] * 64, sign_checkpoint(head(5), LOG)),
        format_add_checkpoint(0, [], sign_checkpoint(head(5), LOG).replace(b"\n5\n", b"\n05\n")),
    ],
)
def test_malformed_requests_are_refused(body: bytes) -> None:
    refused(parse_add_checkpoint, body)


def test_sixty_three_proof_lines_are_read() -> None:
    body = format_add_checkpoint(1, [HASH] * 63, sign_checkpoint(head(5), LOG))
    assert len(parse_add_checkpoint(body).path) == 63


@given(st.binary(max_size=60))
def test_no_bytes_make_the_request_parser_raise_anything_but_rejected(raw: bytes) -> None:
    for body in (raw, b"old 0\n" + raw, b"old 0\n\n" + raw):
        try:
            parse_add_checkpoint(body)
        except Rejected:
            continue
