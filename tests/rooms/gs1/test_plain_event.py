"""What is read at one glance is read as it would be part by part: nothing more is taken, nothing is taken otherwise."""

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.gs1.event import LIMIT_BYTES, Event
from custody.gs1.parse_event import parse_any_event, parse_event
from custody.gs1.plain_event import read_plain_event
from custody.kernel.errors import Rejected
from simulators.history import PastConfig
from simulators.network import NetworkConfig, ThiefConfig, imagine

CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"wl": "urn:weaklink:"}]
PARCEL, OTHER = "https://id.gs1.org/00/195214730000088169", "https://id.gs1.org/00/195214738085815137"
PHONE = "https://id.gs1.org/01/09521473003813/21/001017004829159"
SEAL, CAGE = "https://id.gs1.org/8004/9521473SEAL0088213", "https://id.gs1.org/8003/0952147300001212345"
BENCH, DOOR = "https://id.gs1.org/414/9521473000102/254/BENCH07", "geo:52.20,0.12"
GIVER, TAKER = "https://id.gs1.org/417/9521473000102", "https://id.gs1.org/417/9521886000010"
EVENT_ID = "urn:uuid:2f1a3bfa-9f70-4e1e-8f2a-0b53b2a6a001"
HASH_ID = "ni:///sha-256;8f687e569555f27b0a0fa230ae17c52be50a2d2a899932553248f1fb51fc994f?ver=CBV2.0"
PAPER, WRONG_PAPER = "https://id.gs1.org/253/9521473000126SO20991", "https://id.gs1.org/253/9521473000127SO20991"
DIGEST = "ni:///sha-256;RYRrQVUKjSANWtTSdgNq6RKO1MYYKvWkofgiUFpUZ5k"

URIS = [
    *(PARCEL, OTHER, PHONE, SEAL, CAGE, BENCH, DOOR, GIVER, TAKER, EVENT_ID, HASH_ID, PAPER, WRONG_PAPER, DIGEST),
    "https://id.gs1.org/00/195214730000088160",  # a wrong check digit
    "https://id.gs1.org/00/1952147300000881690",
    "https://id.gs1.org/00/\uff11\uff19\uff15214730000088169",
    "https://id.gs1.org/01/9521473003813",  # GTIN-13, padded in its canonical form
    "https://id.gs1.org/01/09521473003813/10/L1/21/001017004829159",
    "https://id.gs1.org/8004/9521473SEAL%2F1",
    "https://id.gs1.org/414/9521473000102/254/HUB-1-BELT",
    "https://id.gs1.org//00/195214730000088169",
    "https://id.gs1.org/",
    "https://id.gs1.org/x y",
    "https://id.gs1.org:443/00/195214730000088169",
    "http://id.gs1.org/00/195214730000088169",
    "https://shop.example/01/9521473003813/21/001017004829159?x=1",
    "urn:epc:id:sscc:9521473.1000008816",
    "urn:epc:id:sscc:9521473.10000088",
    "urn:epcglobal:cbv:bt:9521473000102:SO-20991",
    "urn:epcglobal:cbv:bt:9521473000102:SO%2F20991",
    "urn:gsma:imei:35693803-564380-1",
    "urn:uuid:2F1A3BFA-9F70-4e1e-8f2a-0b53b2a6a001",
    "urn:uuid:------------------------------------",
    "urn:weaklink://x",
    "urn:uuid:",
    "geo:-52.2,0.1",
    "geo://a:b",
    "ni:////a",
    "ni:///?ver=CBV2.0",
    f"{HASH_ID}#x",
    f"https://id.gs1.org/8004/{'9' * 300}",
    f"urn:uuid:{'a' * 2_100}",
    *("", "x", "x:", ":", "//id.gs1.org/00/1", "wl:x", "a b", "\u00e9", "\x7f", "urn:uuid:\n", "urn:uuid:a\n"),
]
TIMES = [
    *("2026-05-11T08:14:00.000Z", "2026-05-11T08:13:58.000+01:00", "2026-05-11T08:14:00Z", "2026-05-11T08:14:00.1Z"),
    *("2026-05-11T08:14:00.123456-00:00", "2026-05-11T08:14:00.1234567Z", "2026-05-11t08:14:00z", "2026-05-11 08:14Z"),
    *("2026-02-29T08:14:00Z", "2028-02-29T08:14:00Z", "0000-05-11T08:14:00Z", "0001-01-01T00:00:00+01:00"),
    *("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59", "2026-05-11T24:00:00Z", "2026-06-30T23:59:60Z"),
    *("2026-13-11T08:14:00Z", "2026-05-11T08:14:00", "2026-05-11T08:14:00+24:00", "2026-05-11T08:14:00+0100", ""),
    *("2026-05-11T08:14:00.Z", "2026-05-11T08:14:00Z\n", "\u0662026-05-11T08:14:00Z", "2026-W20-1T08:14:00Z"),
]
OFFSETS = ["+00:00", "-00:00", "+01:00", "+13:59", "+14:00", "-14:00", "+14:01", "+15:00", "Z", "+1:00", "+01:60", ""]
STEPS = [
    *("packing", "accepting", "other", "urn:weaklink:BizStep-sorting", "wl:BizStep-sorting", "cbv:BizStep-packing"),
    *(
        "https://ref.gs1.org/cbv/BizStep-packing",
        "urn:epcglobal:cbv:bizstep:packing",
        "delivering",
        "active",
        "x:y",
        "",
    ),
]
DISPOSITIONS = ["active", "in_transit", "packing", "cbv:Disp-active", "urn:x:y", "Active", ""]
KINDS = ["po", "upevt", "inv", "possessing_party", "location", "owning_party", "urn:x:y", "cbv:BTT-po", "", "nobody"]
WORDS = [*OFFSETS, *STEPS, *DISPOSITIONS, *KINDS, "ADD", "Mass", "Temperature", "gs1:Mass", "KGM", "scanned", "intact"]
TEXTS = ["h-0014", "12345", "\u00e9", "a" * 201, "a\x7f", "a\tb", "a\0", "\\", '"', "\ud800", DIGEST[:-1] + "l"]
NUMBERS = [0, 1, -1, 0.538, 1.0, -0.0, 1e300, 1e-7, 5e-324, 2**53, 2**63, -(2**63) - 1, 2**64, 10**30]
ODD = [
    None,
    True,
    False,
    [],
    {},
    [[]],
    [{}],
    [1],
    {"id": BENCH},
    {"wl:a": "b"},
    {"@id": "b"},
    [PARCEL],
    [PARCEL, PARCEL],
]
VALUES: list[Any] = [*URIS, *TIMES, *WORDS, *TEXTS, *NUMBERS, *ODD]
NAMES = [
    *(
        "quantityList",
        "ilmd",
        "recordTime",
        "errorDeclaration",
        "persistentDisposition",
        "certificationInfo",
        "@context",
    ),
    *(
        "epcList",
        "parentID",
        "childEPCs",
        "bizLocation",
        "sourceList",
        "sensorElementList",
        "id",
        "type",
        "time",
        "uom",
    ),
    *("wl:newerTerm", "wl:", "wl:case", "wl:expected", "urn:weaklink:handler", "cbv:x", "x:y", "xy", "", "deviceID"),
]
Place = tuple[str | int, ...]


def one_of(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(values)


KEY = one_of(PARCEL, OTHER, PHONE, SEAL, CAGE, BENCH, DOOR, GIVER, TAKER)
TIME = st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds")) | st.datetimes().map(
    lambda at: at.isoformat()
)
ZONED = st.tuples(TIME, one_of("Z", "+00:00", "-05:30", "+14:00", "-23:59")).map("".join)
PLACE = st.fixed_dictionaries({"id": KEY})
REPORT = st.fixed_dictionaries(
    {"type": one_of("Mass", "Mass", "Length"), "value": st.floats() | st.integers(), "uom": one_of("KGM", "GRM", "XXX")}
)
SENSORS = st.fixed_dictionaries(
    {"sensorReport": st.lists(REPORT, min_size=1, max_size=2)},
    optional={"sensorMetadata": st.fixed_dictionaries({}, optional={"time": ZONED, "deviceID": KEY})},
)
TEXT = st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20), min_size=1, max_size=30)
TERMS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("wl:handler", "wl:sealNumber", "wl:sealKind", "wl:case"), TEXT),
    "wl:entryMode": one_of("scanned", "keyed"),
    "wl:sealState": one_of("intact", "broken", "missing"),
    "wl:imei": st.lists(one_of("urn:gsma:imei:35693803-564380-0", "URN:gsma:imei:00101700-482915-9"), min_size=1),
    **dict.fromkeys(("wl:declaredMassGrams", "wl:itemMassGrams"), st.integers(0, 2**64)),
    **dict.fromkeys(("wl:photo", "wl:prevScan", "wl:witnessedCheckpoint", "wl:upstreamStatement"), st.just(DIGEST)),
    **dict.fromkeys(("wl:expected", "wl:recipientCheck"), KEY | st.dictionaries(one_of("wl:method", "pin"), TEXT)),
}


def ends(field: str) -> st.SearchStrategy[Any]:
    kinds = one_of("po", "upevt") if field == "bizTransaction" else one_of("possessing_party", "location")
    names = KEY | one_of(EVENT_ID, HASH_ID, PAPER, WRONG_PAPER)
    return st.lists(st.fixed_dictionaries({"type": kinds, field: names}), max_size=2)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Events of every kind that stations write, with any of the members that the plain form knows."""
    kind = draw(one_of("ObjectEvent", "AggregationEvent", "AssociationEvent"))
    keys = st.lists(KEY, min_size=1, max_size=3)
    about = {"epcList": keys} if kind == "ObjectEvent" else {"parentID": KEY, "childEPCs": keys}
    head = {"@context": st.just(CONTEXT), "type": st.just(kind), "eventTime": ZONED}
    usual = {"eventTimeZoneOffset": one_of(*OFFSETS[:6]), "eventID": one_of(EVENT_ID, HASH_ID), **about}
    words = {"action": one_of("ADD", "OBSERVE", "DELETE"), "bizStep": one_of(*STEPS[:4])}
    more = {
        "disposition": one_of(*DISPOSITIONS[:2]),
        "readPoint": PLACE,
        "bizLocation": PLACE,
        "bizTransactionList": ends("bizTransaction"),
        "sourceList": ends("source"),
        "destinationList": ends("destination"),
        "sensorElementList": st.lists(SENSORS, max_size=2),
        **TERMS,
    }
    optional = {name: more[name] for name in draw(st.lists(st.sampled_from(list(more)), unique=True, max_size=8))}
    return draw(st.fixed_dictionaries({**head, **usual, **words, **optional}))


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Every place in a JSON value."""
    yield here
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inside:
        yield from places(item, (*here, step))


def put(value: Any, place: Place, change: Callable[[Any], Any]) -> Any:
    """The value with another one at that place."""
    if not place:
        return change(value)
    made = dict(value) if isinstance(value, dict) else list(value)
    made[place[0]] = put(made[place[0]], place[1:], change)
    return made


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """An event with a value put somewhere, a member left out, put in or moved, once or twice."""
    event: Any = draw(events())
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from([place for place in places(event) if place[:1] != ("@context",)]))
        value, name = draw(st.sampled_from(VALUES)), draw(st.sampled_from(NAMES))
        act = draw(one_of("put", "put in", "leave out", "turn round"))
        event = put(event, place, partial(_spoil, act=act, value=value, name=name))
    return event


def _spoil(old: Any, act: str, value: Any, name: str) -> Any:
    if act == "put" or not isinstance(old, dict | list):
        return value
    if isinstance(old, list):
        return {"put in": [*old, value], "leave out": old[1:], "turn round": old[::-1]}[act]
    members = list(old.items())
    return dict({"put in": [*members, (name, value)], "leave out": members[:-1], "turn round": members[::-1]}[act])


def write(event: Any, *, escaped: bool = False) -> bytes:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=escaped).encode("utf-8", "surrogatepass")


def reads_alike(raw: bytes) -> Event | None:
    """Hold that the short way gives nothing, or what the long way gives; what it gave."""
    plain = read_plain_event(raw)
    if plain is not None:
        whole = parse_any_event(raw)
        assert plain == whole
        assert repr(plain) == repr(whole)  # 1 and 1.0 are equal, and so are two objects of another order
    return plain


def written_by_stations() -> list[bytes]:
    past = PastConfig(seed=5, end_ms=1_790_000_000_000, parcels=12)
    world = imagine(NetworkConfig(past=past, thief=ThiefConfig(link="hub-1/hub_sort", shift=None)))
    return [scan.opening[32:] for scan in world.scans]


@pytest.fixture(scope="module")
def written() -> list[bytes]:
    """Lend what the stations of a small world write."""
    return written_by_stations()


def test_what_stations_write_has_the_plain_form_and_is_read_alike(written: list[bytes]) -> None:
    assert len(written) > 100
    assert all(reads_alike(raw) is not None for raw in written)
    assert {json.loads(raw)["type"] for raw in written} == {"ObjectEvent", "AggregationEvent", "AssociationEvent"}


@given(events())
@settings(max_examples=60, deadline=None)
def test_any_event_is_read_as_it_is_part_by_part(event: dict[str, Any]) -> None:
    reads_alike(write(event))


@given(spoilt())
@settings(max_examples=60, deadline=None)
def test_a_spoilt_event_is_read_as_it_is_part_by_part(event: Any) -> None:
    reads_alike(write(event))


@pytest.mark.parametrize("step", ["accepting", "inspecting", "packing", "installing"])
def test_every_odd_value_at_every_place_is_read_as_it_is_part_by_part(written: list[bytes], step: str) -> None:
    event = max((json.loads(raw) for raw in written if f'"bizStep":"{step}"'.encode() in raw), key=len)
    tried = [
        write(put(event, place, partial(_spoil, act="put", value=value, name="")))
        for place in places(event)
        for value in VALUES
    ]
    taken = sum(reads_alike(raw) is not None for raw in tried)
    assert 100 < taken < len(tried) / 4


def test_every_member_put_in_anywhere_is_read_as_it_is_part_by_part(written: list[bytes]) -> None:
    for step in ("accepting", "inspecting", "packing"):
        event = max((json.loads(raw) for raw in written if f'"bizStep":"{step}"'.encode() in raw), key=len)
        for place in places(event):
            for name in NAMES:
                for value in (PARCEL, TIMES[0], [PARCEL], {"wl:x": "y"}, 1):
                    reads_alike(write(put(event, place, partial(_spoil, act="put in", value=value, name=name))))


@given(events(), st.booleans())
@settings(max_examples=20, deadline=None)
def test_an_event_spelt_with_escapes_or_spaces_is_left_to_the_long_way(event: dict[str, Any], ascii_only: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
    reads_alike(write(event, escaped=ascii_only))
    assert read_plain_event(json.dumps(event, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")) is None


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_an_event_with_changed_bytes_is_read_as_it_is_part_by_part(written: list[bytes], data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(written)))
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(raw) - 1))
        cut = data.draw(st.integers(0, 2))
        raw[at : at + cut] = data.draw(
            st.binary(max_size=2) | st.sampled_from([b'"', b",", b"}", b"{", b"[", b"\\", b"0"])
        )
    reads_alike(bytes(raw))


def test_single_bytes_flipped_dropped_or_put_in_are_read_as_part_by_part(written: list[bytes]) -> None:
    rng = random.Random(7)  # noqa: S311 - a seed that names the tried bytes
    taken = 0
    for raw in rng.sample(written, 12):
        for at in range(len(raw)):
            byte = bytes([rng.choice(rb"\"{}[],:0123456789abzAZ .-+eE/%\x00\x7f\xc3\xed")])
            for changed in (raw[:at] + byte + raw[at + 1 :], raw[:at] + raw[at + 1 :], raw[:at] + byte + raw[at:]):
                taken += reads_alike(changed) is not None
    assert taken > 300  # a letter of a handler's key may be another


def test_a_member_that_stands_twice_or_elsewhere_is_read_as_part_by_part(written: list[bytes]) -> None:
    seen: set[str] = set()
    for raw in written:
        event = json.loads(raw)
        fresh = [name for name in event if name not in seen]
        seen.update(event)
        for name in fresh:
            member = write({name: event[name]})[1:-1]
            for doubled in (raw[:-1] + b"," + member + b"}", b"{" + member + b"," + raw[1:]):
                assert reads_alike(doubled) is None
                with pytest.raises(Rejected):
                    parse_event(doubled)
            moved = {key: value for key, value in event.items() if key != name} | {name: event[name]}
            assert (reads_alike(write(moved)) is None) == (name == "@context")
            assert parse_event(write(moved)).keys() == parse_event(raw).keys()


@pytest.mark.parametrize("within", ["readPoint", "sourceList", "bizTransactionList", "sensorElementList"])
def test_a_name_that_stands_twice_inside_a_member_is_refused(written: list[bytes], within: str) -> None:
    raw = next(raw for raw in written if f'"{within}"'.encode() in raw)
    inner = raw[raw.index(f'"{within}"'.encode()) :]
    first = inner[inner.index(b"{") + 1 :]
    member = first[: first.index(b'"', first.index(b'":"') + 3) + 1] if b'":"' in first[:20] else b'"sensorReport":[]'
    doubled = raw.replace(inner, inner.replace(b"{", b"{" + member + b",", 1))
    assert doubled != raw
    assert reads_alike(doubled) is None
    with pytest.raises(Rejected):
        parse_event(doubled)


@pytest.mark.parametrize(
    "spelling", ["0.5380", "5.38e-1", "0.538E0", "+0.538", ".538", "00.538", "-0", "-0.0", "1e400", "1E2"]
)
def test_a_number_spelt_otherwise_is_read_as_part_by_part(written: list[bytes], spelling: str) -> None:
    raw = next(raw for raw in written if b'"value":' in raw)
    before, value = raw.split(b'"value":')
    changed = before + b'"value":' + spelling.encode() + value[value.index(b",") :]
    assert (reads_alike(changed) is not None) == (spelling == "-0.0")


@pytest.mark.parametrize("letter", ["\\u0041", "\\/", "\\u0000", "\\ud800", "\\n", "\\u00e9"])
def test_an_escape_is_left_to_the_long_way(written: list[bytes], letter: str) -> None:
    raw = written[0].replace(b'"wl:handler":"h', f'"wl:handler":"{letter}h'.encode())
    assert raw != written[0]
    assert reads_alike(raw) is None
    named = written[0].replace(b'"wl:handler"', b'"wl:\\u0068andler"')
    assert reads_alike(named) is None
    assert parse_event(named).extensions == parse_event(written[0]).extensions


@pytest.mark.parametrize(
    "bytes_", [b"\0", b"\x1f", b"\x7f", b"\xc3", b"\xc3\xa9", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\n"]
)
def test_a_byte_that_no_station_writes_is_read_as_part_by_part(written: list[bytes], bytes_: bytes) -> None:
    assert reads_alike(written[0].replace(b'"wl:handler":"h', b'"wl:handler":"h' + bytes_)) is None
    assert reads_alike(bytes_ + written[0]) is None


def test_what_is_too_long_or_too_deep_is_refused_and_never_raises(written: list[bytes]) -> None:
    long = written[0].replace(b"{", b'{"wl:case":"' + b"x" * LIMIT_BYTES + b'",', 1)
    deep = written[0][:-1] + b',"wl:case":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    longer = written[0][:-1] + b',"wl:case":"' + b"x" * LIMIT_BYTES + b'"}'
    for raw, code in ((long, "too_large"), (longer, "too_large"), (deep, "json")):
        with pytest.raises(Rejected) as caught:
            parse_event(raw)
        assert caught.value.code == code
    assert read_plain_event(deep) is None


def test_of_a_document_or_of_others_it_is_read_part_by_part(written: list[bytes]) -> None:
    doubled = written[0][:-1] + b',"bizStep":"packing"}'
    assert parse_event(doubled, foreign=True).warnings
    inside = written[0].replace(write(CONTEXT)[1:-1], b"", 1)
    assert parse_event(written[0], prefixes={"wl": "urn:other:"}).event_id == parse_event(written[0]).event_id
    assert read_plain_event(inside) is None
