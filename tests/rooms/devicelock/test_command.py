from dataclasses import replace
from typing import Any

import pytest

from custody.kernel import cbor, cose
from custody.kernel.errors import Forbidden, Rejected
from custody.kernel.keys import ES256, SoftwareSigner, new_signer
from devicelock.rules.command import (
    CONTENT_TYPE,
    HOLD_MAX_S,
    LIFE_MAX_S,
    MAX_BYTES,
    Basis,
    CommandSigners,
    KeyRing,
    Op,
    Reason,
    make_command,
    open_command,
)
from devicelock.rules.signed import DEVICE_URN, MAX_COUNT, MAX_SECONDS
from tests.rooms.devicelock.samples import (
    AUTHORITY,
    DEVICE,
    HOUR_S,
    KEYS,
    LOCK_SIGNER,
    NOW_S,
    OPERATOR,
    OTHER_SIGNER,
    SCREEN,
    SIGNERS,
    UNLOCK_SIGNER,
    command,
)

REASONS = {
    Op.LOCK: {"never_received", "substituted", "misdelivered", "missing_from_custody", "lost_on_return"},
    Op.RETIRE: {"receipt_confirmed", "leaving", "remedy_settled", "wrong_device"},
    Op.UNLOCK: {
        *("found_by_customer", "released_by_staff", "wrong_device", "withdrawn", "lapsed"),
        *("leaving", "cancelled", "receipt_confirmed", "remedy_settled"),
    },
}
"""Why each command may be signed, written down once more: a word that moved would lock where it should release."""


SHOWN = {
    **{name: getattr(SCREEN, name) for name in ("who", "why", "reference", "phone", "recourse", "bought")},
    "deadline": SCREEN.deadline_s,
}
"""The screen of a good LOCK as it goes over the wire."""


def forge(signer: SoftwareSigner = LOCK_SIGNER, *, claims: Any = None, header: Any = None, **changes: Any) -> bytes:
    """A signed message made by hand: the body of a good LOCK with changes; None takes a field away."""
    good = cose.parse(make_command(command(Op.LOCK), SIGNERS))
    assert good.payload is not None
    body = {**cbor.decode(good.payload), **changes}
    body = {name: value for name, value in body.items() if value is not None}
    protected = {
        cose.CONTENT_TYPE: CONTENT_TYPE,
        cose.CWT_CLAIMS: claims or {cose.ISS: OPERATOR, cose.SUB: DEVICE_URN + DEVICE, cose.IAT: NOW_S},
        **(header or {}),
    }
    return cose.sign(protected, cbor.encode(body), signer)


@pytest.mark.parametrize("op", list(Op))
def test_what_was_made_opens_to_the_same_command(op: Op) -> None:
    made = command(op)
    assert open_command(make_command(made, SIGNERS), KEYS) == made


def test_a_lock_from_before_screens_told_a_buyer_what_to_do_is_read_and_none_is_signed_any_more() -> None:
    older = command(Op.LOCK, screen=replace(SCREEN, bought=None))
    texts = {name: text for name, text in SHOWN.items() if name != "bought"}
    assert open_command(forge(screen=texts), KEYS) == older
    with pytest.raises(Rejected):
        make_command(older, SIGNERS)


def test_a_command_may_be_signed_with_p256_keys() -> None:
    lock, unlock = new_signer(ES256), new_signer(ES256)
    raw = make_command(command(Op.LOCK), CommandSigners(lock=lock, unlock=unlock))
    assert open_command(raw, KeyRing(lock=lock.public, unlock=unlock.public)).op is Op.LOCK


def test_there_is_no_fourth_command() -> None:
    assert {str(op) for op in Op} == {"lock", "unlock", "retire"}
    with pytest.raises(Rejected) as refused:
        open_command(forge(op="wipe"), KEYS)
    assert refused.value.code == "field"


def test_a_lock_verifies_under_the_lock_key_only() -> None:
    swapped = CommandSigners(lock=UNLOCK_SIGNER, unlock=LOCK_SIGNER)
    with pytest.raises(Rejected) as refused:
        open_command(make_command(command(Op.LOCK), swapped), KEYS)
    assert refused.value.code == "key"


@pytest.mark.parametrize("op", [Op.UNLOCK, Op.RETIRE])
@pytest.mark.parametrize("signer", [UNLOCK_SIGNER, LOCK_SIGNER])
def test_a_release_verifies_under_either_key(op: Op, signer: SoftwareSigner) -> None:
    raw = make_command(command(op), CommandSigners(lock=None, unlock=signer))
    assert open_command(raw, KEYS).op is op


@pytest.mark.parametrize("op", list(Op))
def test_no_command_verifies_under_a_key_that_is_not_pinned(op: Op) -> None:
    raw = make_command(command(op), CommandSigners(lock=OTHER_SIGNER, unlock=OTHER_SIGNER))
    with pytest.raises(Rejected, match="key"):
        open_command(raw, KEYS)


def test_after_retire_no_lock_verifies_and_a_release_still_does() -> None:
    retired = KeyRing(lock=None, unlock=UNLOCK_SIGNER.public)
    with pytest.raises(Rejected, match="key"):
        open_command(make_command(command(Op.LOCK), SIGNERS), retired)
    assert open_command(make_command(command(Op.UNLOCK), SIGNERS), retired).op is Op.UNLOCK


def test_a_process_without_the_lock_key_signs_releases_and_no_lock() -> None:
    desk = CommandSigners(lock=None, unlock=UNLOCK_SIGNER)
    assert make_command(command(Op.UNLOCK), desk)
    with pytest.raises(Forbidden) as refused:
        make_command(command(Op.LOCK), desk)
    assert refused.value.code == "lock_key"


def test_one_key_for_both_roles_is_refused() -> None:
    with pytest.raises(Rejected, match="keys"):
        KeyRing(lock=LOCK_SIGNER.public, unlock=LOCK_SIGNER.public)


def test_every_flipped_byte_is_refused() -> None:
    raw = make_command(command(Op.LOCK), SIGNERS)
    for place in range(len(raw)):
        broken = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(Rejected):
            open_command(broken, KEYS)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"held_until_s": None},
        {"screen": None},
        {"nonce": b"short"},
        {"not_after_s": NOW_S},
        {"not_after_s": NOW_S + LIFE_MAX_S + 1, "held_until_s": NOW_S + 2 * LIFE_MAX_S},
        {"held_until_s": NOW_S + HOUR_S - 1},
        {"held_until_s": NOW_S + HOLD_MAX_S + 1},
        {"epoch": 0},
        {"counter": 0},
        {"device": "a/b"},
        {"device": "490154203237518"},
        {"command_id": "a b"},
        {"order": ""},
        {"issuer": "urn:weaklink:station:s1"},
        {"reason": Reason.FOUND_BY_CUSTOMER},
        {"authority": replace(AUTHORITY, basis=Basis.ONE_PERSON)},
        {"authority": replace(AUTHORITY, basis=Basis.CUSTOMER)},
        {"authority": replace(AUTHORITY, text="")},
        {"authority": replace(AUTHORITY, text="x" * 301)},
        {"authority": replace(AUTHORITY, references=("r",) * 9)},
        {"screen": replace(SCREEN, phone=" ")},
        {"screen": replace(SCREEN, phone="0" * 21)},
        {"screen": replace(SCREEN, why="x" * 351)},
        {"screen": replace(SCREEN, who="line\nbreak")},
        {"screen": replace(SCREEN, recourse="")},
        {"screen": replace(SCREEN, bought="")},
        {"screen": replace(SCREEN, deadline_s=-1)},
        {"counter": MAX_COUNT + 1},
        {"issued_s": -1},
        {"authority": replace(AUTHORITY, references=("",))},
        {"authority": replace(AUTHORITY, references=("r" * 121,))},
        {"screen": replace(SCREEN, deadline_s=MAX_SECONDS + 1)},
    ],
)
def test_a_lock_that_breaks_a_rule_of_the_format_is_never_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        make_command(command(Op.LOCK, **changes), SIGNERS)


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": MAX_COUNT, "counter": MAX_COUNT},
        {"issued_s": 0, "not_after_s": 1, "held_until_s": 1},
        {"not_after_s": NOW_S + LIFE_MAX_S, "held_until_s": NOW_S + LIFE_MAX_S},
        {"held_until_s": NOW_S + HOLD_MAX_S},
        {"issued_s": MAX_SECONDS - 1, "not_after_s": MAX_SECONDS, "held_until_s": MAX_SECONDS},
        {"screen": replace(SCREEN, deadline_s=0)},
        {"screen": replace(SCREEN, deadline_s=MAX_SECONDS)},
    ],
)
def test_what_a_rule_of_the_format_just_allows_is_signed_and_taken(changes: dict[str, Any]) -> None:
    made = command(Op.LOCK, **changes)
    assert open_command(make_command(made, SIGNERS), KEYS) == made


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"held_until": None},
        {"screen": None},
        {"not_after": NOW_S},
        {"not_after": NOW_S + LIFE_MAX_S + 1, "held_until": NOW_S + 2 * LIFE_MAX_S},
        {"held_until": NOW_S + HOLD_MAX_S + 1},
        {"id": "a b"},
        {"order": "a/b"},
        {"reason": "found_by_customer"},
        {"authority": {"basis": "one_person", "text": "t", "refs": []}},
        {"op": "unlock", "reason": "found_by_customer"},
        {"claims": {cose.ISS: OPERATOR, cose.SUB: DEVICE_URN + "a+b", cose.IAT: NOW_S}},
        {"claims": {cose.ISS: "urn:weaklink:station:s", cose.SUB: DEVICE_URN + DEVICE, cose.IAT: NOW_S}},
    ],
)
def test_a_device_takes_no_lock_that_breaks_a_rule_whoever_signed_it(changes: dict[str, Any]) -> None:
    assert open_command(forge(), KEYS) == command(Op.LOCK)
    with pytest.raises(Rejected):
        open_command(forge(**changes), KEYS)


@pytest.mark.parametrize("op", [Op.UNLOCK, Op.RETIRE])
@pytest.mark.parametrize("changes", [{"nonce": b"n" * 16}, {"held_until_s": NOW_S + 9999}, {"screen": SCREEN}])
def test_nonce_hold_and_screen_belong_to_a_lock(op: Op, changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        make_command(command(op, **changes), SIGNERS)


@pytest.mark.parametrize("op", list(Op))
@pytest.mark.parametrize("reason", list(Reason))
def test_reasons_are_a_closed_list_for_each_op(op: Op, reason: Reason) -> None:
    if str(reason) in REASONS[op]:
        assert make_command(command(op, reason=reason), SIGNERS)
    else:
        with pytest.raises(Rejected):
            make_command(command(op, reason=reason), SIGNERS)


@pytest.mark.parametrize("basis", list(Basis))
def test_a_lock_rests_on_the_policy_or_on_two_people(basis: Basis) -> None:
    asked = command(Op.LOCK, authority=replace(AUTHORITY, basis=basis))
    if str(basis) in {"standing_policy", "two_people"}:
        assert make_command(asked, SIGNERS)
    else:
        with pytest.raises(Rejected):
            make_command(asked, SIGNERS)


@pytest.mark.parametrize(
    "raw",
    [
        forge(unknown=1),
        forge(epoch=None),
        forge(epoch=True),
        forge(epoch=1.0),
        forge(epoch=2**53),
        forge(counter=-1),
        forge(nonce="n" * 16),
        forge(screen=[]),
        forge(screen={"who": "w"}),
        forge(screen={**SHOWN, "more": 1}),
        forge(screen=[*SHOWN.items()]),
        forge(id=5),
        forge(authority={"basis": "two_people", "text": "t", "refs": "r"}),
        forge(authority={"basis": "two_people", "text": "t", "refs": [1]}),
        forge(authority={"basis": "two_people", "text": "t", "refs": [], "more": 1}),
        forge(authority={"basis": "my own", "text": "t", "refs": []}),
        forge(reason="because"),
        forge(header={99: 1}),
        forge(header={cose.CONTENT_TYPE: "application/cbor"}),
        forge(header={cose.KID: b"short"}),
        forge(claims={cose.ISS: OPERATOR, cose.SUB: DEVICE_URN + DEVICE}),
        forge(claims={True: OPERATOR, cose.SUB: DEVICE_URN + DEVICE, cose.IAT: NOW_S}),
        forge(claims={cose.ISS: OPERATOR, cose.SUB: "urn:weaklink:station:s", cose.IAT: NOW_S}),
        forge(claims={cose.ISS: OPERATOR, cose.SUB: DEVICE_URN, cose.IAT: NOW_S}),
        forge(claims={cose.ISS: OPERATOR, cose.SUB: DEVICE_URN + DEVICE, cose.IAT: 1.5}),
        forge(claims={cose.ISS: OPERATOR, cose.SUB: DEVICE_URN + DEVICE, cose.IAT: NOW_S, "more": 1}),
        b"",
        b"x" * (MAX_BYTES + 1),
    ],
)
def test_what_is_not_exactly_the_format_is_refused_though_signed(raw: bytes) -> None:
    with pytest.raises(Rejected):
        open_command(raw, KEYS)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"x" * (MAX_BYTES + 1), "size"),
        (b"x" * MAX_BYTES, "cbor"),
        (forge(header={cose.KID: b"short"}), "header"),
        (forge(claims={cose.ISS: OPERATOR, cose.SUB: DEVICE_URN + DEVICE, cose.IAT: NOW_S, 7: b"x"}), "header"),
        (forge(claims={1.0: OPERATOR, cose.SUB: DEVICE_URN + DEVICE, cose.IAT: NOW_S}), "cose"),
        (forge(claims={cose.ISS: OPERATOR, cose.SUB: DEVICE_URN, cose.IAT: NOW_S}), "claim"),
    ],
)
def test_a_refusal_names_what_is_wrong(raw: bytes, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        open_command(raw, KEYS)
    assert refused.value.code == code


def test_a_label_that_only_python_takes_for_another_is_refused() -> None:
    good = cose.parse(forge())
    assert good.payload is not None
    claims = {cose.ISS: OPERATOR, cose.SUB: DEVICE_URN + DEVICE, cose.IAT: NOW_S}
    alike = {cose.CONTENT_TYPE: CONTENT_TYPE, float(cose.CWT_CLAIMS): claims}
    with pytest.raises(Rejected, match="neither a number nor a text"):
        open_command(cose.sign(alike, good.payload, LOCK_SIGNER), KEYS)


def test_a_list_of_pairs_is_no_map() -> None:
    good = cose.parse(forge())
    assert good.payload is not None
    header = {label: value for label, value in good.protected.items() if label not in {cose.ALG, cose.KID}}
    pairs = [list(pair) for pair in cbor.decode(good.payload).items()]
    with pytest.raises(Rejected, match="not a map"):
        open_command(cose.sign(header, cbor.encode(pairs), LOCK_SIGNER), KEYS)


def test_an_unprotected_header_or_a_detached_payload_is_refused() -> None:
    good = cose.parse(make_command(command(Op.LOCK), SIGNERS))
    with pytest.raises(Rejected, match="header"):
        open_command(good.with_unprotected({394: []}).raw, KEYS)
    assert good.payload is not None
    protected = {label: value for label, value in good.protected.items() if label not in {cose.ALG, cose.KID}}
    with pytest.raises(Rejected, match="header"):
        open_command(cose.sign(protected, good.payload, LOCK_SIGNER, detached=True), KEYS)


def test_a_command_too_long_for_a_device_is_never_signed() -> None:
    wide = replace(SCREEN, why="\N{CJK UNIFIED IDEOGRAPH-5BB6}" * 350, recourse="\N{CJK UNIFIED IDEOGRAPH-5BB6}" * 200)
    long = replace(AUTHORITY, references=tuple("\N{CJK UNIFIED IDEOGRAPH-5BB6}" * 120 for _ in range(8)))
    with pytest.raises(Rejected) as refused:
        make_command(command(Op.LOCK, screen=wide, authority=long), SIGNERS)
    assert refused.value.code == "size"


def test_a_full_command_of_plain_texts_fits() -> None:
    texts = {"who": "w" * 60, "why": "y" * 350, "reference": "r" * 40, "phone": "0" * 20}
    full = replace(SCREEN, **texts, recourse="c" * 200, bought="b" * 200)
    authority = replace(AUTHORITY, text="t" * 300, references=("r" * 120,) * 8)
    names: dict[str, Any] = {"command_id": "c" * 64, "order": "o" * 64, "device": "d" * 64}
    raw = make_command(command(Op.LOCK, screen=full, authority=authority, **names), SIGNERS)
    assert len(raw) <= MAX_BYTES
    assert open_command(raw, KEYS).screen == full
