import pytest

from custody.kernel.keys import ES256, new_signer
from custody.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from custody.ledger.cosignature import (
    Cosigner,
    cosign,
    cosign_mldsa,
    cosigned_at_s,
    ed25519_message,
    mldsa_key,
    mldsa_message,
    new_mldsa_signer,
    read_log_key,
    verifier_of,
)
from custody.ledger.merkle import leaf_hash
from custody.ledger.note import (
    Ed25519Verifier,
    Note,
    NoteSignature,
    SignatureKind,
    add_signatures,
    open_note,
    parse_note,
    parse_vkey,
    text_key,
)
from custody.ledger.witness_policy import Cosigned, parse_policy
from tests.rooms.ledger.small_world import LOG, LOG_VERIFIER, ORIGIN, flips, refused, signer

NAME = "carrier.example/w1"
HEAD = Checkpoint(origin=ORIGIN, size=7, root=leaf_hash(b"x"))
NOTE = sign_checkpoint(HEAD, LOG)
WITNESS, PQ_WITNESS = signer(20), new_mldsa_signer(b"\x07" * 32)
AT_S = 1_790_000_000
LINES = {
    SignatureKind.ED25519_COSIGNATURE: cosign(HEAD, name=NAME, signer=WITNESS, at_s=AT_S),
    SignatureKind.MLDSA44_COSIGNATURE: cosign_mldsa(HEAD, name=NAME, signer=PQ_WITNESS, at_s=AT_S),
}
KEYS = {
    SignatureKind.ED25519_COSIGNATURE: text_key(NAME, WITNESS.public, kind=SignatureKind.ED25519_COSIGNATURE),
    SignatureKind.MLDSA44_COSIGNATURE: mldsa_key(NAME, PQ_WITNESS),
}
BOTH = pytest.mark.parametrize("kind", list(LINES))


@BOTH
def test_a_cosignature_verifies_beside_the_logs_own_and_tells_its_time(kind: SignatureKind) -> None:
    cosigner = Cosigner(key=KEYS[kind])
    opened = open_note(add_signatures(NOTE, [LINES[kind]]), [LOG_VERIFIER, cosigner])
    assert [line.name for line in opened.signatures] == [ORIGIN, NAME]
    assert cosigned_at_s(opened.signatures[1].blob) == AT_S
    assert open_checkpoint(add_signatures(NOTE, [LINES[kind]]), LOG_VERIFIER) == HEAD


@BOTH
def test_vkeys_of_cosigners_read_back_and_make_verifiers(kind: SignatureKind) -> None:
    assert parse_vkey(KEYS[kind].vkey()) == KEYS[kind]
    assert verifier_of(KEYS[kind]) == Cosigner(key=KEYS[kind])
    assert verifier_of(LOG_VERIFIER.key) == Ed25519Verifier(key=LOG_VERIFIER.key)


def test_a_log_signs_with_a_key_of_kind_1_or_6() -> None:
    for key in (LOG_VERIFIER.key, KEYS[SignatureKind.MLDSA44_COSIGNATURE]):
        assert read_log_key(key.vkey()) == key
    assert "0x04" in refused(read_log_key, KEYS[SignatureKind.ED25519_COSIGNATURE].vkey(), code="vkey").detail


def test_a_checkpoint_that_only_the_mldsa_key_of_its_log_signed_is_taken_from_that_key_alone() -> None:
    own = cosign_mldsa(HEAD, name=ORIGIN, signer=PQ_WITNESS, at_s=AT_S)
    note = Note(text=HEAD.text(), signatures=(own, LINES[SignatureKind.MLDSA44_COSIGNATURE])).raw()
    assert open_checkpoint(note, verifier_of(mldsa_key(ORIGIN, PQ_WITNESS))) == HEAD
    refused(open_checkpoint, note, LOG_VERIFIER, code="note")
    refused(open_checkpoint, note, verifier_of(KEYS[SignatureKind.MLDSA44_COSIGNATURE]), code="checkpoint")


def test_the_messages_are_those_of_the_specification() -> None:
    assert ed25519_message(HEAD, AT_S) == b"cosignature/v1\ntime 1790000000\n" + HEAD.text().encode()
    assert mldsa_message(HEAD, NAME, AT_S) == b"".join(
        [
            b"subtree/v1\n\0",
            bytes([len(NAME)]) + NAME.encode(),
            AT_S.to_bytes(8, "big"),
            bytes([len(ORIGIN)]) + ORIGIN.encode(),
            bytes(8) + (7).to_bytes(8, "big"),
            HEAD.root,
        ]
    )
    assert [len(LINES[kind].blob) for kind in LINES] == [72, 2428]


@BOTH
def test_any_flipped_byte_of_a_cosigned_text_or_blob_is_refused(kind: SignatureKind) -> None:
    line, cosigner = LINES[kind], Cosigner(key=KEYS[kind])
    cosigner.verify(HEAD.text(), line.blob)
    step = 1 if kind == SignatureKind.ED25519_COSIGNATURE else 37
    for bad in [*flips(line.blob)[::step], line.blob[:-1], line.blob + b"\0", line.blob[:8], b""]:
        refused(cosigner.verify, HEAD.text(), bad)
    for bad in flips(HEAD.text().encode())[::3]:
        try:
            text = bad.decode()
        except UnicodeDecodeError:
            continue
        refused(cosigner.verify, text, line.blob)


@BOTH
@pytest.mark.parametrize(("at_s", "code"), [(0, "signature"), (2**63, "cosignature"), (2**64 - 1, "cosignature")])
def test_a_time_of_zero_or_beyond_the_range_is_never_made_and_not_put_under_a_signature(
    kind: SignatureKind, at_s: int, code: str
) -> None:
    blob = at_s.to_bytes(8, "big") + LINES[kind].blob[8:]
    refused(Cosigner(key=KEYS[kind]).verify, HEAD.text(), blob, code=code)
    refused(cosign, HEAD, name=NAME, signer=WITNESS, at_s=at_s, code="cosignature")
    refused(cosign_mldsa, HEAD, name=NAME, signer=PQ_WITNESS, at_s=at_s, code="cosignature")


@BOTH
def test_the_last_time_of_the_range_is_a_time(kind: SignatureKind) -> None:
    line = (
        cosign(HEAD, name=NAME, signer=WITNESS, at_s=2**63 - 1)
        if kind == SignatureKind.ED25519_COSIGNATURE
        else cosign_mldsa(HEAD, name=NAME, signer=PQ_WITNESS, at_s=2**63 - 1)
    )
    Cosigner(key=KEYS[kind]).verify(HEAD.text(), line.blob)
    assert cosigned_at_s(line.blob) == 2**63 - 1


def timeless(kind: SignatureKind) -> NoteSignature:
    """A right cosignature that tells no time."""
    message = ed25519_message(HEAD, 0) if kind == SignatureKind.ED25519_COSIGNATURE else mldsa_message(HEAD, NAME, 0)
    signed = WITNESS.sign(message) if kind == SignatureKind.ED25519_COSIGNATURE else PQ_WITNESS.sign(message)
    return NoteSignature(name=NAME, key_id=KEYS[kind].key_id, blob=bytes(8) + signed)


@BOTH
def test_a_right_cosignature_without_a_time_verifies_and_is_counted_for_nobody(kind: SignatureKind) -> None:
    line, other = timeless(kind), next(each for each in LINES if each != kind)
    Cosigner(key=KEYS[kind]).verify(HEAD.text(), line.blob)
    assert cosigned_at_s(line.blob) == 0
    lines = f"log {LOG_VERIFIER.key.vkey()}\nwitness a {KEYS[kind].vkey()}\nwitness b {KEYS[other].vkey()}\n"
    note = add_signatures(NOTE, [line, LINES[other]])
    for quorum, enough in (("a", False), ("b", True)):
        witnessed = parse_policy(f"{lines}quorum {quorum}\n").judge(note)
        assert (witnessed.parties, witnessed.satisfied) == ((Cosigned(party="b", at_s=AT_S),), enough)
    both = add_signatures(note, [LINES[kind]])
    assert parse_policy(f"{lines}group all all a b\nquorum all\n").judge(both).satisfied


def test_only_the_mldsa_cosignature_binds_the_cosigners_name() -> None:
    other = mldsa_key("other.example", PQ_WITNESS)
    refused(Cosigner(key=other).verify, HEAD.text(), LINES[SignatureKind.MLDSA44_COSIGNATURE].blob, code="signature")


def test_a_logs_signature_is_no_cosignature_and_the_other_way_round() -> None:
    own = parse_note(NOTE).signatures[0]
    as_cosigner = Cosigner(key=text_key(ORIGIN, LOG.public, kind=SignatureKind.ED25519_COSIGNATURE))
    refused(open_note, NOTE, [as_cosigner], code="note")
    disguised = NoteSignature(name=ORIGIN, key_id=as_cosigner.key.key_id, blob=own.blob)
    refused(open_note, Note(text=HEAD.text(), signatures=(disguised,)).raw(), [as_cosigner])


def test_cosignatures_need_the_right_kind_of_key_and_a_name_that_fits() -> None:
    refused(cosign, HEAD, name=NAME, signer=new_signer(ES256), at_s=AT_S, code="vkey")
    refused(text_key, NAME, WITNESS.public, kind=SignatureKind.MLDSA44_COSIGNATURE, code="vkey")
    assert len(cosign_mldsa(HEAD, name="n" * 255, signer=PQ_WITNESS, at_s=AT_S).blob) == 2428
    refused(cosign_mldsa, HEAD, name="n" * 256, signer=PQ_WITNESS, at_s=AT_S, code="cosignature")
    short = KEYS[SignatureKind.MLDSA44_COSIGNATURE].vkey()[:-4]
    refused(parse_vkey, short, code="vkey")


def test_fresh_mldsa_keys_differ() -> None:
    assert new_mldsa_signer().public_raw != new_mldsa_signer().public_raw
