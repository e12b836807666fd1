"""Strict JSON, and the exact bytes of its parts."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.gs1.json_text import MAX_DEPTH, item_spans, read_json
from custody.kernel.errors import Rejected

LIMIT = 1 << 20
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)
SPACE = st.text(alphabet=" \t\r\n", max_size=3)


def spaced(value: Any, draw: st.DrawFn) -> str:
    """The value's JSON with space anywhere JSON allows it and escapes at random."""
    if isinstance(value, dict):
        parts = [f"{pad(draw)}{quoted(name, draw)}{pad(draw)}:{spaced(item, draw)}" for name, item in value.items()]
        return pad(draw) + "{" + ",".join(parts) + pad(draw) + "}" + pad(draw)
    if isinstance(value, list):
        return pad(draw) + "[" + (",".join(spaced(item, draw) for item in value) or pad(draw)) + "]" + pad(draw)
    return pad(draw) + (quoted(value, draw) if isinstance(value, str) else json.dumps(value)) + pad(draw)


def pad(draw: st.DrawFn) -> str:
    """Some white space."""
    return draw(SPACE)


def quoted(text: str, draw: st.DrawFn) -> str:
    """The text, with or without escapes."""
    return json.dumps(text, ensure_ascii=draw(st.booleans()))


@st.composite
def documents(draw: st.DrawFn) -> tuple[bytes, list[Any]]:
    """A text with a list of items behind a path, and the items."""
    items = draw(st.lists(VALUES, max_size=5))
    around = draw(st.dictionaries(TEXTS.filter(lambda name: name not in {"body", "items"}), VALUES, max_size=3))
    body = {**around, "items": items} if draw(st.booleans()) else {"items": items, **around}
    return spaced({"body": body, **around}, draw).encode(), items


@given(VALUES)
def test_what_json_wrote_is_read_back(value: Any) -> None:
    for ascii_only in (True, False):
        assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode(), limit_bytes=LIMIT) == value


@given(documents())
@settings(max_examples=100)
def test_the_spans_are_exactly_the_items_and_between_them_only_space_and_commas(
    document: tuple[bytes, list[Any]],
) -> None:
    raw, items = document
    read_json(raw, limit_bytes=LIMIT)
    spans = item_spans(raw, ("body", "items"))
    assert [json.loads(raw[start:end].decode()) for start, end in spans] == items
    assert all(raw[start:end].strip() == raw[start:end] for start, end in spans)
    between = b"".join(raw[left[1] : right[0]] for left, right in itertools.pairwise(spans))
    assert set(between) <= set(b", \t\r\n")


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "nothing"),
        (b"\xef\xbb\xbf{}", "a byte order mark"),
        (b"\xff\xfe{\x00}\x00", "UTF-16"),
        (b'"\xff"', "bytes that are not UTF-8"),
        (b'"\xed\xa0\x80"', "a surrogate in UTF-8"),
        (b'"\\ud800"', "half a surrogate pair"),
        (b'{"\\udc00": 1}', "half a surrogate pair in a name"),
        (b'"\\u0000"', "NUL"),
        (b'{"a": 1, "a": 1}', "a name twice"),
        (b'{"a": 1, "\\u0061": 1}', "a name twice, once escaped"),
        (b'[{"b": {"a": 1, "a": 2}}]', "a name twice further down"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "minus Infinity"),
        (b"1e999", "a number beyond a double"),
        (b"9223372036854775808", "an integer beyond 64 bits"),
        (b"1" * 5000, "an integer of 5000 digits"),
        (b"01", "a leading zero"),
        (b"[1,]", "a trailing comma"),
        (b"{'a': 1}", "single quotes"),
        (b'"a\nb"', "a raw line end in a text"),
        (b"{} {}", "two values"),
        (b"[" * 65 + b"]" * 65, "65 levels"),
        (b"[" * 5000 + b"]" * 5000, "5000 levels"),
        (b'{"a":' * 200_000, "200,000 open objects"),
        (b"//x\n1", "a comment"),
    ],
)
def test_what_is_not_strict_json_is_refused(raw: bytes, what: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_json(raw, limit_bytes=1 << 21)
    assert caught.value.code == "json"
    assert what


def test_the_deepest_allowed_level_is_allowed_and_a_pair_of_surrogates_is_one_letter() -> None:
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, limit_bytes=LIMIT)
    assert read_json(b'"\\ud83d\\ude00"', limit_bytes=LIMIT) == "\U0001f600"
    assert read_json(b'"' + b"[{" * 100 + b'"', limit_bytes=LIMIT) == "[{" * 100


@pytest.mark.parametrize("size", [10, 11])
def test_the_size_limit_is_the_last_size_taken(size: int) -> None:
    raw = b'"' + b"a" * (size - 2) + b'"'
    if size == 10:
        assert read_json(raw, limit_bytes=10)
        return
    with pytest.raises(Rejected) as caught:
        read_json(raw, limit_bytes=10)
    assert caught.value.code == "too_large"


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_arbitrary_bytes_are_json_or_rejected(raw: bytes) -> None:
    try:
        value = read_json(raw, limit_bytes=LIMIT)
    except Rejected:
        return
    assert json.loads(raw.decode()) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"1",
        b"{}",
        b'{"body": []}',
        b'{"body": {"items": {}}}',
        b'{"body": {"items": 1, "\\u0069tems": []}}',
        b'{"body": {"items": [1, {"a": 2',
        b'{"body": {"items": ',
    ],
)
def test_a_path_that_leads_to_no_list_is_refused(raw: bytes) -> None:
    with pytest.raises(Rejected):
        item_spans(raw, ("body", "items"))


def test_names_that_stand_twice_are_noted_when_asked_and_the_last_counts() -> None:
    noted: list[str] = []
    assert read_json(b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}', limit_bytes=LIMIT, repeated=noted) == {
        "a": 3,
        "b": {"c": 2},
    }
    assert noted == ["c", "a"]
