"""The statement of a plain scan is held by its values alone, and comes out as it went in or not at all."""

import hashlib
import zlib
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel import cbor
from custody.scans.cwt_claims import ISSUER_PREFIX
from custody.scans.plain_form import read_plain
from custody.scans.scan import CAPTURED, CONTENT_TYPE
from custody.store.press import STATEMENTS
from custody.store.statement_press import ALGORITHMS, CAPTURE, HAS_PREV, MARK, press_statement, whole_statement
from simulators.load import load_stations, presign

SUBJECT = "urn:uuid:3e6f87cf-5e07-4d01-af35-ec14ce48c5b3"
NUMBERS = (1, 2, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1)
VALUES_BYTES = 1 + 4 + 1 + 32 + 32 + 64 + 16 + 4


def digest(word: str) -> bytes:
    """Thirty-two bytes that look like chance."""
    return hashlib.sha256(word.encode()).digest()


def statement(**changed: Any) -> bytes:
    """A statement of a plain scan."""
    told = {"seq": 7, "alg": -8, "station": "hub-1-belt", "sub": SUBJECT, "iat": 1_796_117_306, "kind": CONTENT_TYPE}
    told |= changed
    claims: dict[Any, Any] = {1: ISSUER_PREFIX + told["station"], 2: told["sub"], 6: told["iat"], "seq": told["seq"]}
    if told["seq"] > 1:
        claims["prev"] = digest("prev")
    protected = cbor.encode({1: told["alg"], 4: digest("kid"), 15: claims, 258: -16, 259: told["kind"]})
    return b"\xd2" + cbor.encode([protected, {}, digest("payload"), digest("one") + digest("other")])


FORMS = [
    *[statement(seq=seq) for seq in NUMBERS],
    *[statement(alg=alg, kind=kind) for alg in (-7, -8, -9, -19) for kind in (CONTENT_TYPE, CAPTURED)],
    *[statement(station=name) for name in ("hub", "x" * 100, "a.b:c_d-e")],
    *[statement(iat=iat) for iat in (65_536, 2**32 - 1)],
]


@pytest.mark.parametrize("plain", FORMS)
def test_the_values_alone_are_held_and_the_statement_comes_out(plain: bytes) -> None:
    found = read_plain(plain)
    assert found is not None, "it is the form that stations send"
    seq = found.claims["seq"]
    most = VALUES_BYTES + len(cbor.encode(seq)) + (32 if seq > 1 else 0) + len(found.claims[1]) - len(ISSUER_PREFIX)
    held = press_statement(plain)
    assert held.startswith(MARK)
    assert len(held) == most, "none of its words is held"
    assert whole_statement(held) == plain


def test_what_stations_sign_takes_25_bytes_less_than_over_the_dictionary() -> None:
    (lane,) = presign(load_stations(1, seed=8), each=20, at_ms=1_790_000_000_000, seed=8)
    for plain in [scan.statement for scan in lane]:
        held = press_statement(plain)
        assert whole_statement(held) == plain
        assert len(held) <= len(STATEMENTS.press(plain)) - 25


OTHER = {
    "a station of two letters": statement(station="ab"),
    "a subject that is no UUID": statement(sub="shipment-7"),
    "a UUID spelt in capitals": statement(sub=SUBJECT.upper()),
    "issued in 1970": statement(iat=7),
    "issued after 2106": statement(iat=2**32),
    "a number of eight bytes": statement(seq=2**32),
    "another kind": statement(kind="application/vnd.weaklink.policy"),
    "another algorithm": statement(alg=-6),
    "cut short": statement()[:-1],
    "longer": statement() + b"\x00",
    "a longer number than need be": statement(seq=7).replace(b"\x63seq\x07", b"\x63seq\x18\x07"),
    "a wrong length": statement().replace(b"\x02\x78\x2d", b"\x02\x78\x2e"),
    "nothing": b"",
}


@pytest.mark.parametrize("plain", OTHER.values(), ids=list(OTHER))
def test_whatever_else_an_entry_is_comes_out_too(plain: bytes) -> None:
    assert whole_statement(press_statement(plain)) == plain


@given(plain=st.sampled_from(FORMS), at=st.integers(0, 400), put=st.binary(max_size=3), gone=st.integers(0, 3))
def test_a_statement_with_any_bytes_changed_comes_out_as_it_went_in(
    plain: bytes, at: int, put: bytes, gone: int
) -> None:
    changed = plain[:at] + put + plain[at + gone :]
    assert whole_statement(press_statement(changed)) == changed


@pytest.mark.parametrize("plain", [statement(), statement(seq=1), *FORMS[-2:]])
def test_a_row_of_before_is_read_still(plain: bytes) -> None:
    assert whole_statement(STATEMENTS.press(plain)) == plain


@pytest.mark.parametrize("plain", [statement(), statement(seq=1), statement(seq=300, kind=CAPTURED)])
def test_a_row_with_any_bit_changed_is_refused(plain: bytes) -> None:
    held = press_statement(plain)
    for bit in range(8 * len(held)):
        changed = bytearray(held)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(zstandard.ZstdError):
            whole_statement(bytes(changed))


@given(st.binary(max_size=300))
def test_whatever_a_row_holds_is_a_statement_or_refused(rest: bytes) -> None:
    try:
        plain = whole_statement(MARK + rest)
    except zstandard.ZstdError:
        return
    assert zlib.crc32(plain).to_bytes(4, "big") == rest[:4]


def test_what_rows_hold_for_an_algorithm_and_a_kind_never_changes() -> None:
    assert (ALGORITHMS, CAPTURE, HAS_PREV, MARK) == (b"\x26\x27\x28\x32", 0x10, 0x20, b"\x09")
    held = press_statement(statement(seq=300, kind=CAPTURED))
    assert held.hex() == (
        "09"
        + zlib.crc32(statement(seq=300, kind=CAPTURED)).to_bytes(4, "big").hex()
        + "31"
        + (digest("kid") + digest("payload") + digest("one") + digest("other")).hex()
        + "3e6f87cf5e074d01af35ec14ce48c5b3"
        + (1_796_117_306).to_bytes(4, "big").hex()
        + "19012c"
        + digest("prev").hex()
        + b"hub-1-belt".hex()
    )
