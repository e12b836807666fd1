"""A leaf commits to one scan, is written in one way only, and tells nothing of the event."""

import hashlib
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.scans.content import read_content
from custody.scans.cwt_claims import read_subject
from custody.scans.leaf import LEAF_LIMIT_BYTES, Leaf, make_captured_leaf, make_leaf, name_leaf, read_leaf, wrong_leaf
from custody.scans.scan import CAPTURED, CONTENT_TYPE, SALT_BYTES

Bytes = Callable[..., bytes]
SUBJECT = "urn:uuid:00000000-0000-4000-8000-000000000001"
FACTS: dict[str, Any] = {"station": "bench-07", "subject": SUBJECT, "seq": 5, "salt": b"\5" * 32}
MEMBERS: list[Any] = ["urn:weaklink:station:bench-07", SUBJECT, 5, CONTENT_TYPE, b"\7" * 32]


def leaf_of(event: bytes, **changes: Any) -> Leaf:
    return make_leaf(event, **{**FACTS, **changes})[0]


def test_a_leaf_is_these_five_members_and_its_digest_is_its_hash_in_the_tree(event_bytes: Bytes) -> None:
    leaf, opening = make_leaf(event_bytes(), **FACTS)
    assert opening == b"\5" * 32 + event_bytes()
    assert cbor.decode(leaf.raw) == [*MEMBERS[:4], hashlib.sha256(opening).digest()]
    assert leaf.digest == hashlib.sha256(b"\0" + leaf.raw).digest()
    assert read_leaf(leaf.raw) == leaf


def test_a_captured_leaf_says_so_and_its_opening_holds_the_prefixes(event_bytes: Bytes) -> None:
    event = event_bytes()
    leaf, opening = make_captured_leaf(event, {"ex": "https://ns.example.com/"}, **FACTS)
    assert leaf.content_type == CAPTURED
    assert cbor.decode(opening[SALT_BYTES:]) == [{"ex": "https://ns.example.com/"}, event]
    assert read_content(opening[SALT_BYTES:], captured=True).raw == event


@pytest.mark.parametrize("content", [b"\x80", b"\x81\x40", b"\x82\x01\x40", b"\x82\xf6\x01", b"\x82\xa1\x01\x01\x40"])
def test_a_captured_content_of_another_form_is_refused(content: bytes) -> None:
    with pytest.raises(Rejected):
        read_content(content, captured=True)


def test_the_leaf_tells_nothing_of_the_event(event_bytes: Bytes) -> None:
    leaf = leaf_of(event_bytes())
    for secret in (b"195214730000088169", b"0010170048", b"35693803", b"S-0088213", b"\5" * 32):
        assert secret not in leaf.raw


@pytest.mark.parametrize(
    "changes", [{"station": "bench-08"}, {"subject": "other"}, {"seq": 6}, {"salt": b"\6" * 32}, {"event": {}}]
)
def test_whatever_differs_gives_another_digest(event_bytes: Bytes, changes: dict[str, Any]) -> None:
    event = event_bytes(action="ADD") if changes.pop("event", None) is not None else event_bytes()
    assert leaf_of(event, **changes).digest != leaf_of(event_bytes()).digest


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "urn:weaklink:operator:bench-07"),
        (0, "urn:weaklink:station:"),
        (0, "urn:weaklink:station:a b"),
        (0, 5),
        (1, ""),
        (1, "s" * 201),
        (1, "urn:gsma:imei:35693803-564380-0"),
        (1, "https://id.gs1.org/00/195214730000088169"),
        (1, b"s"),
        (2, 0),
        (2, -1),
        (2, True),
        (2, 5.0),
        (2, "5"),
        (2, 2**63),
        (3, "application/json"),
        (3, None),
        (4, b""),
        (4, b"\7" * 31),
        (4, "\7" * 32),
    ],
)
def test_a_leaf_of_another_form_is_refused(place: int, value: Any) -> None:
    assert read_leaf(cbor.encode(MEMBERS)).seq == 5
    with pytest.raises(Rejected) as caught:
        read_leaf(cbor.encode([*MEMBERS[:place], value, *MEMBERS[place + 1 :]]))
    assert caught.value.code == "leaf"


@pytest.mark.parametrize("members", [[], MEMBERS[:4], [*MEMBERS, 1], {1: 2}, 5, b"leaf"])
def test_what_is_no_array_of_five_is_no_leaf(members: Any) -> None:
    with pytest.raises(Rejected) as caught:
        read_leaf(cbor.encode(members))
    assert caught.value.code == "leaf"


def test_bytes_after_a_leaf_and_long_forms_are_refused() -> None:
    raw = cbor.encode(MEMBERS)
    long = raw.replace(b"\x05\x78", b"\x18\x05\x78", 1)
    assert long != raw
    for wrong in (raw + b"\0", long, raw[:-1], b""):
        with pytest.raises(Rejected) as caught:
            read_leaf(wrong)
        assert caught.value.code == "cbor"


def test_the_longest_leaf_that_can_be_made_can_be_read_and_a_longer_one_cannot(event_bytes: Bytes) -> None:
    longest = leaf_of(event_bytes(), station="a" * 100, subject="\U0001f4e6" * 200, seq=2**63 - 1)
    assert read_leaf(longest.raw) == longest
    with pytest.raises(Rejected) as caught:
        read_leaf(b"\0" * (LEAF_LIMIT_BYTES + 1))
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    "changes",
    [{"station": ""}, {"station": "a b"}, {"subject": ""}, {"seq": 0}, {"seq": True}, {"salt": b"\0" * 31}],
)
def test_no_leaf_is_made_that_would_not_be_taken(event_bytes: Bytes, changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        leaf_of(event_bytes(), **changes)
    with pytest.raises(Rejected):
        make_leaf(b"{}", **FACTS)
    with pytest.raises(Rejected):
        make_captured_leaf(b"{}", {}, **FACTS)


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", fullmatch=True),
    st.uuids().map(lambda name: f"urn:uuid:{name}") | st.text(st.characters(codec="utf-8"), max_size=200),
    st.integers(1, 2**63 - 1) | st.sampled_from([1, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1]),
    st.sampled_from([CONTENT_TYPE, CAPTURED]),
)
@settings(max_examples=60)
def test_a_leaf_written_by_hand_is_what_the_library_writes(station: str, subject: str, seq: int, kind: str) -> None:
    members: Any = ["urn:weaklink:station:" + station, subject, seq, kind, b"\7" * 32]
    try:
        leaf = name_leaf(station=station, subject=subject, seq=seq, content_type=kind, commitment=b"\7" * 32)
    except Rejected:
        assert not subject.isprintable() or not subject or any(map(str.isdigit, subject)) or "imei" in subject.lower()
        return
    assert leaf.raw == cbor2.dumps(members, canonical=True)


@given(st.from_regex(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", fullmatch=True))
@example("urn:uuid:00000000-0000-0000-0000-000000000000")
@settings(max_examples=60)
def test_a_reference_in_the_usual_form_tells_as_little_as_any_other(subject: str) -> None:
    assert read_subject(subject, wrong_leaf) == read_subject(subject + " ", wrong_leaf).removesuffix(" ")


@pytest.mark.parametrize("tail", ["00000000000000", "-00000000000000", "\n", "-urn:gsma:imei:1"])
def test_a_reference_in_nearly_the_usual_form_is_read_as_any_other(tail: str) -> None:
    with pytest.raises(Rejected):
        read_subject("urn:uuid:00000000-0000-4000-8000-000000000001" + tail, wrong_leaf)
