"""Deterministic CBOR: one spelling for one value, and nothing but Rejected for anything else."""

import random

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel import cbor
from custody.kernel.errors import Rejected

INTEGERS = st.integers(min_value=-(2**64), max_value=2**64 - 1)
SCALARS = st.none() | st.booleans() | INTEGERS | st.binary(max_size=40) | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(INTEGERS | st.text(max_size=8) | st.binary(max_size=8), inner)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_decoding_what_was_encoded_gives_the_same_value_and_bytes(value: object) -> None:
    raw = cbor.encode(value)
    again = cbor.decode(raw)
    assert again == value
    assert cbor.encode(again) == raw


@given(st.dictionaries(INTEGERS | st.text(max_size=8), st.none(), min_size=2))
def test_map_keys_stand_in_bytewise_order_of_their_encoding(value: dict[object, None]) -> None:
    keys = [cbor.encode(key) for key in cbor.decode(cbor.encode(value))]
    assert keys == sorted(keys)


@given(VALUES, st.data())
def test_every_truncation_is_rejected(value: object, data: st.DataObject) -> None:
    raw = cbor.encode(value)
    cut = data.draw(st.integers(min_value=0, max_value=len(raw) - 1))
    with pytest.raises(Rejected) as caught:
        cbor.decode(raw[:cut])
    assert caught.value.code == "cbor"


@given(VALUES, st.binary(min_size=1, max_size=4))
def test_bytes_after_the_item_are_rejected(value: object, more: bytes) -> None:
    with pytest.raises(Rejected):
        cbor.decode(cbor.encode(value) + more)


@given(st.binary(max_size=64))
@settings(max_examples=300)
def test_arbitrary_bytes_raise_rejected_or_are_deterministic(raw: bytes) -> None:
    try:
        value = cbor.decode(raw)
    except Rejected:
        return
    assert cbor.encode(value) == raw


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        ("1800", "a one-byte integer in two bytes"),
        ("190001", "a one-byte integer in three bytes"),
        ("9f01ff", "an indefinite list"),
        ("bf0101ff", "an indefinite map"),
        ("5f4101ff", "an indefinite byte string"),
        ("a201010102", "the key 1 twice"),
        ("a202000100", "keys out of order"),
        ("a26161000100", "a text key before an integer key"),
        ("c0", "a tag without an item"),
        ("f7", "undefined"),
        ("1c", "a reserved length"),
        ("", "nothing"),
        ("9b7fffffffffffffff", "a list said to be of 2**63 items"),
        ("61ff", "text that is not UTF-8"),
        ("81" * 2000 + "00", "two thousand lists in each other"),
    ],
)
def test_other_spellings_and_other_types_are_rejected(raw: str, what: str) -> None:
    with pytest.raises(Rejected):
        cbor.decode(bytes.fromhex(raw))
    assert what


@pytest.mark.parametrize(
    ("raw", "tag", "item"),
    [
        ("c11a514b67b0", 1, 1363896240),
        ("c0623230", 0, "20"),
        ("c482006161", 4, [0, "a"]),
        ("c5821a3b9aca0001", 5, [1_000_000_000, 1]),
        ("d8236161", 35, "a"),
        ("d9010281f5", 258, [True]),
        ("d81c81d81d00", 28, [cbor2.CBORTag(29, 0)]),
    ],
    ids=["a time", "a date", "a fraction", "a billion digits", "a pattern", "a set", "a list that holds itself"],
)
def test_what_a_tag_asks_for_is_not_carried_out(raw: str, tag: int, item: object) -> None:
    assert cbor.decode(bytes.fromhex(raw)) == cbor2.CBORTag(tag, item)
    assert cbor.encode(cbor2.CBORTag(tag, item)).hex() == raw


@pytest.mark.parametrize(
    ("value", "raw"),
    [(1.0, "f93c00"), (65504.0, "f97bff"), (-32768.0, "f9f800"), (100000.0, "fa47c35000"), (1.1, "fb3ff199999999999a")],
)
def test_floats_are_written_in_the_shortest_form(value: float, raw: str) -> None:
    assert cbor.encode(value).hex() == raw
    assert cbor.decode(bytes.fromhex(raw)) == value


def test_every_half_precision_float_is_of_three_bytes() -> None:
    for bits in range(1 << 16):
        raw = b"\xf9" + bits.to_bytes(2)
        if bits & 0x7C00 != 0x7C00 or not bits & 0x3FF or bits == 0x7E00:
            assert cbor.encode(cbor.decode(raw)) == raw
        else:
            with pytest.raises(Rejected):
                cbor.decode(raw)


@pytest.mark.parametrize("raw", ["fb3ff0000000000000", "fa477fe000", "fb40f86a0000000000", "fa7fc00000", "f97e01"])
def test_a_longer_float_is_rejected(raw: str) -> None:
    with pytest.raises(Rejected):
        cbor.decode(bytes.fromhex(raw))


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ({2**64: 1, "a": 2}, "a2616102c24901000000000000000001"),
        ({2**64: 1, -1: 2}, "a22002c24901000000000000000001"),
        ({-(2**64) - 1: 1, "a": 2}, "a2616102c34901000000000000000001"),
    ],
)
def test_a_key_of_more_than_64_bits_stands_where_its_bytes_put_it(value: dict[object, int], raw: str) -> None:
    assert cbor.encode(value).hex() == raw
    assert cbor.decode(bytes.fromhex(raw)) == value


@pytest.mark.parametrize(
    "raw", ["a2c24901000000000000000001616102", "c243010000", "c2490001000000000000000001", "c201"]
)
def test_a_big_number_in_another_place_or_form_is_rejected(raw: str) -> None:
    with pytest.raises(Rejected):
        cbor.decode(bytes.fromhex(raw))


@given(st.dictionaries(INTEGERS | st.text(max_size=8), VALUES, max_size=5), st.randoms())
def test_keys_in_any_order_are_read_where_that_is_asked_for(value: dict[object, object], rng: random.Random) -> None:
    pairs = [(cbor.encode(key), cbor.encode(item)) for key, item in value.items()]
    rng.shuffle(pairs)
    raw = cbor.head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    assert cbor.decode(raw, strict=False) == value
    if raw != cbor.encode(value):
        with pytest.raises(Rejected):
            cbor.decode(raw)


@pytest.mark.parametrize("raw", ["a201000100", "a2010001f6", "a120f5ff", "a1180100"])
def test_keys_in_any_order_stand_once_and_all_else_is_as_ever(raw: str) -> None:
    with pytest.raises(Rejected):
        cbor.decode(bytes.fromhex(raw), strict=False)


@pytest.mark.parametrize("raw", ["a20100f93c0000", "a20100f500", "a20000f400"])
def test_keys_that_are_equal_as_numbers_are_rejected(raw: str) -> None:
    with pytest.raises(Rejected):
        cbor.decode(bytes.fromhex(raw))


@pytest.mark.parametrize("raw", ["f3", "f820", "82f301", "a101f3", "f7", "a18000", "a1a000", "a1c10100"])
def test_values_that_nothing_here_is_made_of_are_refused(raw: str) -> None:
    with pytest.raises(Rejected):
        cbor.decode(bytes.fromhex(raw))


EDGES = [edge for power in (0, 3, 8, 16, 32, 63, 64) for edge in (2**power - 1, 2**power)] + [0x17, 0x18]


@given((st.sampled_from(EDGES) | st.integers(0, 2**64 - 1)).filter(lambda number: number < 2**64))
def test_a_number_written_by_hand_is_what_the_library_writes(number: int) -> None:
    assert cbor.whole(number) == cbor.encode(number) == cbor2.dumps(number, canonical=True)


@pytest.mark.parametrize("length", [0, 1, 23, 24, 255, 256, 65_535, 65_536])
@pytest.mark.parametrize("letter", ["a", "\u00e9", "\U0001f4e6"])
def test_a_text_or_byte_string_written_by_hand_is_what_the_library_writes(length: int, letter: str) -> None:
    text = letter * length
    assert cbor.encode(text) == cbor2.dumps(text, canonical=True)
    for value in (text.encode(), [text.encode()], [text, text.encode(), length], [[text, b""], [length]]):
        assert cbor.encode(value) == cbor2.dumps(value, canonical=True)


@given(VALUES)
def test_any_value_is_written_as_the_library_writes_it_canonically(value: object) -> None:
    assert cbor.encode([value]) == b"\x81" + cbor.encode(value)
    if not isinstance(value, dict | list):
        assert cbor.encode(value) == cbor2.dumps(value, canonical=True)


def test_a_text_that_is_not_unicode_is_written_by_nobody() -> None:
    with pytest.raises(UnicodeEncodeError):
        cbor.encode("\ud800")
    with pytest.raises(UnicodeEncodeError):
        cbor.encode(["\ud800", 1])


def _numbered(count: int, *, step: int = 1) -> bytes:
    keys = sorted(cbor.encode(key * step) for key in range(100, 100 + count))
    return cbor.head(5, count) + b"".join(key + b"\x00" for key in keys)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("step", [1, -1, 2**61 - 1], ids=["up", "down", "all of one hash"])
def test_a_map_has_at_most_a_hundred_keys_that_are_numbers(step: int, *, strict: bool) -> None:
    assert len(cbor.decode(_numbered(100, step=step), strict=strict)) == 100
    with pytest.raises(Rejected):
        cbor.decode(_numbered(100 + 1, step=step), strict=strict)


def test_a_map_may_have_any_number_of_keys_that_are_texts_or_byte_strings() -> None:
    value = {f"{at:04}": None for at in range(1_000)} | {at.to_bytes(2): None for at in range(1_000)}
    assert cbor.decode(cbor.encode(value)) == value


@pytest.mark.parametrize(
    ("part", "holds"),
    [(b"\x00", 1), (b"\xa1\x00\x00", 3), (b"\xc1\x00", 2), (b"\x81\x81\x00", 3)],
    ids=["numbers", "maps", "tags", "lists in lists"],
)
def test_more_items_than_can_be_read_at_once_are_refused(part: bytes, holds: int) -> None:
    count = 100_000 // holds
    assert len(cbor.decode(cbor.head(4, count) + part * count)) == count
    for more in (count + 1, 2**40):
        with pytest.raises(Rejected):
            cbor.decode(cbor.head(4, more) + part * (count + 1))
    raw = cbor.head(4, count + 1) + part * (count + 1)
    assert len(cbor.decode(raw, most_items=len(raw))) == count + 1


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_that_can_be_read_can_be_written_out(sign: int) -> None:
    longest = sign * (2 ** (8 * 512) - 1)
    assert str(cbor.decode(cbor.encode(longest)))
    with pytest.raises(Rejected):
        cbor.decode(cbor.encode(sign * 2 ** (8 * 512 + 1)))
