import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Rejected
from custody.kernel.keys import ES256, new_signer
from custody.ledger.note import (
    Ed25519Verifier,
    Note,
    NoteSignature,
    SignatureKind,
    VerifierKey,
    add_signatures,
    open_note,
    parse_note,
    parse_vkey,
    sign_text,
    text_key,
)
from tests.rooms.ledger.small_world import LOG, LOG_VERIFIER, ORIGIN, STRANGER, flips, refused

# The example of C2SP signed-note (CC BY 4.0).
EXAMPLE = (
    "This is an example message.\n\n"
    "\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
EXAMPLE_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

TEXT = "one\n\ntwo\n"
SIGNED = Note(text=TEXT, signatures=(sign_text(TEXT, name=ORIGIN, signer=LOG),)).raw()


def test_the_example_of_the_specification_opens() -> None:
    key = parse_vkey(EXAMPLE_VKEY)
    assert key.vkey() == EXAMPLE_VKEY
    assert open_note(EXAMPLE, [Ed25519Verifier(key=key)]).text == "This is an example message.\n"


def test_the_last_empty_line_parts_text_and_signatures() -> None:
    assert open_note(SIGNED, [LOG_VERIFIER]).text == TEXT
    assert parse_note(SIGNED).raw() == SIGNED


def test_any_flipped_byte_of_a_note_is_refused() -> None:
    for bad in flips(SIGNED):
        refused(open_note, bad, [LOG_VERIFIER])


@given(st.binary(max_size=120))
def test_no_bytes_make_the_note_parser_raise_anything_but_rejected(raw: bytes) -> None:
    try:
        note = parse_note(raw)
    except Rejected:
        return
    assert note.raw() == raw


@given(st.integers(0, len(SIGNED)), st.binary(max_size=4), st.integers(0, 4))
def test_a_mutated_note_is_refused_or_is_the_note_itself(at: int, put: bytes, cut: int) -> None:
    raw = SIGNED[:at] + put + SIGNED[at + cut :]
    try:
        note = open_note(raw, [LOG_VERIFIER])
    except Rejected:
        return
    assert note.text == TEXT


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"text\n",
        b"text\n\n",
        SIGNED[:-1],
        SIGNED + b"\n",
        SIGNED.replace(b"\n\n\xe2\x80\x94", b"\n\xe2\x80\x94"),
        SIGNED.replace(b"one", b"o\te"),
        SIGNED.replace(b"one", b"o\xffe"),
        SIGNED.replace(b"one\n", b"one\r\n"),
        SIGNED.replace(b"\xe2\x80\x94 ", b"- "),
        SIGNED.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94  "),
        SIGNED.replace(ORIGIN.encode(), b"log+name"),
        SIGNED.replace(ORIGIN.encode(), "log\u00a0name".encode()),
        SIGNED.replace(ORIGIN.encode(), b""),
        SIGNED.replace(b"=\n", b"\n"),
        SIGNED.replace(b"=\n", b"= \n"),
        b"text\n\n\xe2\x80\x94 name AAAAAA==\n",
        b"text\n\n\xe2\x80\x94 name \n",
        b"text\n\n\xe2\x80\x94 name\n",
        b"text\n\n\xe2\x80\x94\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAB=\n",
    ],
)
def test_notes_are_read_strictly(raw: bytes) -> None:
    refused(parse_note, raw, code="note")


def test_a_signature_line_without_text_and_empty_line_is_no_note() -> None:
    line = parse_note(SIGNED).signatures[0].line().encode()
    for raw in (line, b"x" + line):
        refused(parse_note, raw, code="note")


def test_a_text_may_be_one_empty_line_and_no_less() -> None:
    line = parse_note(SIGNED).signatures[0].line().encode()
    assert parse_note(b"\n\n" + line).text == "\n"
    refused(parse_note, b"\n" + line, code="note")


def test_more_than_a_hundred_signatures_are_too_many() -> None:
    line = parse_note(SIGNED).signatures[0].line().encode()
    assert len(parse_note(b"text\n\n" + line * 100).signatures) == 100
    refused(parse_note, b"text\n\n" + line * 101, code="note")


def test_sixteen_signatures_and_more_are_taken() -> None:
    note = SIGNED
    for number in range(40):
        note = add_signatures(note, [NoteSignature(name=f"w{number}", key_id=b"abcd", blob=b"x" * 64)])
    assert len(parse_note(note).signatures) == 41
    assert len(open_note(note, [LOG_VERIFIER]).signatures) == 1


def test_lines_of_unknown_keys_are_ignored_even_if_name_or_id_is_known() -> None:
    own = parse_note(SIGNED).signatures[0]
    namesake = NoteSignature(name=own.name, key_id=b"\0\0\0\0", blob=own.blob)
    same_id = NoteSignature(name="other.example", key_id=own.key_id, blob=own.blob)
    opened = open_note(add_signatures(SIGNED, [namesake, same_id]), [LOG_VERIFIER])
    assert opened.signatures == (own,)


def test_a_line_of_a_known_key_that_fails_refuses_the_note() -> None:
    own = parse_note(SIGNED).signatures[0]
    forged = NoteSignature(name=own.name, key_id=own.key_id, blob=bytes(64))
    refused(open_note, add_signatures(SIGNED, [forged]), [LOG_VERIFIER], code="signature")


def test_a_note_without_a_line_of_a_known_key_is_refused() -> None:
    stranger = Ed25519Verifier(key=text_key(ORIGIN, STRANGER.public))
    refused(open_note, SIGNED, [stranger], code="note")
    refused(open_note, SIGNED, [], code="note")


def test_only_text_that_can_stand_in_a_note_is_signed() -> None:
    refused(sign_text, "no newline", name=ORIGIN, signer=LOG, code="note")
    refused(sign_text, "a\tb\n", name=ORIGIN, signer=LOG, code="note")
    refused(sign_text, "text\n", name="a b", signer=LOG, code="vkey")
    refused(sign_text, "text\n", name=ORIGIN, signer=new_signer(ES256), code="vkey")


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "exa mple+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        EXAMPLE_VKEY.replace("530d903a", "530D903A"),
        EXAMPLE_VKEY.replace("530d903a", "530d903b"),
        EXAMPLE_VKEY.replace("530d903a", "0x530d90"),
        EXAMPLE_VKEY.replace("foo", "fop"),
        EXAMPLE_VKEY[:-1],
        EXAMPLE_VKEY + "=",
        EXAMPLE_VKEY + "\n",
        "\ud800+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+",
        "example.com/foo+530d903a+Ag==",
        "example.com/foo+530d903a+Beky",
    ],
)
def test_vkeys_are_read_strictly(vkey: str) -> None:
    refused(parse_vkey, vkey, code="vkey")


@pytest.mark.parametrize("kind", list(SignatureKind))
@pytest.mark.parametrize("length", [0, 31, 33, 1311, 1313])
def test_vkeys_hold_a_key_of_their_kinds_length(kind: SignatureKind, length: int) -> None:
    refused(parse_vkey, VerifierKey(name="name.example", kind=kind, raw=b"x" * length).vkey(), code="vkey")


@given(st.text(max_size=80))
def test_no_text_makes_the_vkey_parser_raise_anything_but_rejected(text: str) -> None:
    try:
        key = parse_vkey(text)
    except Rejected:
        return
    assert key.vkey() == text


@pytest.mark.parametrize("raw", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_vkeys_of_weak_keys_are_refused(raw: bytes) -> None:
    refused(parse_vkey, VerifierKey(name="weak.example", kind=SignatureKind.ED25519, raw=raw).vkey(), code="key")


def test_one_key_under_two_kinds_has_two_ids() -> None:
    ids = {
        text_key(ORIGIN, LOG.public, kind=kind).key_id
        for kind in (SignatureKind.ED25519, SignatureKind.ED25519_COSIGNATURE)
    }
    assert len(ids) == 2
