"""The CBV event hash: the same for the same event however written, and what it cannot tell apart."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.gs1.context import BUILT_IN
from custody.gs1.event_hash import event_hash, hash_event_bytes, pre_hash
from custody.kernel.errors import Rejected

Make = Callable[..., dict[str, Any]]
Raw = Callable[..., bytes]
PREFIXES = {**BUILT_IN, "wl": "urn:weaklink:", "own": "https://own.example/ns/"}

# Made with the reference implementation (RalphTro/epcis-event-hash-generator at 5d2f1c3).
SEALED = {
    "@context": [
        "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        {"cust": "https://ns.example.com/custody/"},
    ],
    "type": "AssociationEvent",
    "eventTime": "2026-05-11T08:13:05.000+01:00",
    "eventTimeZoneOffset": "+01:00",
    "eventID": "ni:///sha-256;41dd37e8a45eca7470dbe5fd88d7a344f29c45b99189e9f202467f3b846693b1?ver=CBV2.0",
    "action": "ADD",
    "bizStep": "installing",
    "disposition": "container_closed",
    "parentID": "https://id.gs1.org/00/195214730000088169",
    "childEPCs": ["https://id.gs1.org/8004/9521473SEAL0088213"],
    "readPoint": {"id": "https://id.gs1.org/414/9521473000102/254/BENCH07"},
    "cust:sealNumber": "S-0088213",
    "cust:sealKind": "tamper-evident tape",
}


def test_a_hash_of_the_reference_implementation_is_met() -> None:
    assert hash_event_bytes(json.dumps(SEALED).encode()) == SEALED["eventID"]


@pytest.mark.parametrize(
    "uri",
    [
        "https://shop.example/8013/1987654Ad4X4bL5ttr2310c2K",
        "https://shop.example/414/9521473000102/7040/1ABC",
        "https://shop.example/415/9521473000102/8020/REF123",
    ],
)
def test_what_cbv_does_not_list_is_hashed_as_it_stands(event: Make, uri: str) -> None:
    assert f"readPointid={uri}sensor" in pre_hash(event(readPoint={"id": uri}), prefixes=PREFIXES)


@pytest.mark.parametrize(
    ("uri", "key"),
    [
        ("urn:epc:id:upui:1234567.098765.51qIgY)%3C%26Jp3*j7'SDB", "01/01234567987651/235/51qIgY%29%3C%26Jp3%2Aj7'SDB"),
        ("urn:epc:id:sgtin:4012345.011111.98%22;a=b", "01/04012345111118/21/98%22;a=b"),
        ("urn:epc:id:giai:4012345.a%27b%2527", "8004/4012345a'b%2527"),
        ("urn:epc:id:sgtin:0614141.812345.6789%2F%26%25%22!%3F()", "01/80614141123458/21/6789%2F%26%25%22%21%3F%28%29"),
        ("https://shop.example/01/04012345111118/10/a'b%3Bc%3Dd", "01/04012345111118/10/a'b;c=d"),
    ],
)
def test_a_key_is_percent_encoded_as_digital_links_are_and_no_further(event: Make, uri: str, key: str) -> None:
    """GS1 Digital Link, table 7-1; the first line is of the reference implementation's epclist_normalisation."""
    assert f"epcListepc=https://id.gs1.org/{key}action" in pre_hash(event(epcList=[uri]), prefixes=PREFIXES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bizstep:packing", "BizStep-packing"),
        ("disp:damaged", "Disp-damaged"),
        ("btt:po", "BTT-po"),
        ("sdt:location", "SDT-location"),
        ("er:incorrect_data", "ER-incorrect_data"),
    ],
)
def test_words_of_older_vocabularies_are_hashed_as_those_of_today(event: Make, old: str, new: str) -> None:
    made = pre_hash(event(**{"own:word": f"urn:epcglobal:cbv:{old}"}), prefixes=PREFIXES)
    assert made.endswith(f"{{https://own.example/ns/}}word=https://ref.gs1.org/cbv/{new}")


def test_the_pre_hash_string_is_in_canonical_order(event: Make) -> None:
    whole = event(
        **{
            "own:b": ["2", {"own:d": "x", "own:c": True}],
            "own:a": " 1.0 ",
            "rdfs:comment": "left out",
            "sourceList": [{"source": "urn:epc:id:pgln:9521473.00010", "type": "possessing_party"}],
            "recordTime": "2026-05-11T09:00:00Z",
        }
    )
    assert pre_hash(whole, prefixes=PREFIXES) == (
        "eventType=ObjectEventeventTime=2026-05-11T07:14:00.000ZeventTimeZoneOffset=+01:00"
        "epcListepc=https://id.gs1.org/00/195214730000088169action=OBSERVE"
        "bizStep=https://ref.gs1.org/cbv/BizStep-inspectingdisposition=https://ref.gs1.org/cbv/Disp-conformant"
        "readPointid=https://id.gs1.org/414/9521473000102/254/SCALE12"
        "sensorElementListsensorElementsensorMetadatatime=2026-05-11T07:13:58.000Z"
        "deviceID=https://id.gs1.org/8004/9521473SCALE12"
        "sensorReporttype=https://gs1.org/voc/Massvalue=0.538uom=KGM"
        "sourceListtype=https://ref.gs1.org/cbv/SDT-possessing_partysource=https://id.gs1.org/417/9521473000102"
        "{https://own.example/ns/}a=1"
        "{https://own.example/ns/}b=2"
        "{https://own.example/ns/}b{https://own.example/ns/}c=True{https://own.example/ns/}d=x"
    )


def test_quantities_lists_and_persistent_dispositions_are_sorted() -> None:
    event = {
        "type": "TransformationEvent",
        "eventTime": "2026-05-11T08:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "outputQuantityList": [{"uom": "KGM", "quantity": 2.50, "epcClass": "urn:epc:class:lgtin:9521473.000381.B"}],
        "inputEPCList": ["urn:b:1", "urn:a:1"],
        "inputQuantityList": [{"epcClass": "urn:z:1"}, {"epcClass": "urn:epc:idpat:sgtin:9521473.000381.*"}],
        "persistentDisposition": {"unset": ["available"], "set": ["stolen", "damaged"]},
        "own:nested": [[2, [1]], 3],
    }
    assert pre_hash(event, prefixes=PREFIXES) == (
        "eventType=TransformationEventeventTime=2026-05-11T08:00:00.000ZeventTimeZoneOffset=+00:00"
        "inputEPCListepc=urn:a:1epc=urn:b:1"
        "inputQuantityListquantityElementepcClass=https://id.gs1.org/01/09521473003813"
        "quantityElementepcClass=urn:z:1"
        "outputQuantityListquantityElementepcClass=https://id.gs1.org/01/09521473003813/10/Bquantity=2.5uom=KGM"
        "persistentDispositionset=https://ref.gs1.org/cbv/Disp-damagedset=https://ref.gs1.org/cbv/Disp-stolen"
        "unset=https://ref.gs1.org/cbv/Disp-available"
        "{https://own.example/ns/}nested=1=2{https://own.example/ns/}nested=3"
    )


@given(st.permutations(list(SEALED)))
def test_the_order_of_members_does_not_matter(names: list[str]) -> None:
    assert hash_event_bytes(json.dumps({name: SEALED[name] for name in names}).encode()) == SEALED["eventID"]


@pytest.mark.parametrize(
    "changes",
    [
        {"eventTime": "2026-05-11T07:13:05Z"},
        {"bizStep": "https://ref.gs1.org/cbv/BizStep-installing"},
        {"bizStep": "cbv:BizStep-installing"},
        {"parentID": "urn:epc:id:sscc:9521473.1000008816"},
        {"parentID": "https://elsewhere.example/a/00/195214730000088169?x=1"},
        {"eventID": "urn:a:b"},
        {"recordTime": "2026-05-11T09:00:00Z"},
        {"errorDeclaration": {"declarationTime": "2026-05-11T09:00:00Z"}},
        {"cust:sealNumber": " S-0088213 "},
        {"rdfs:comment": "x"},
    ],
)
def test_another_spelling_of_the_same_event_has_the_same_hash(changes: dict[str, Any]) -> None:
    assert hash_event_bytes(json.dumps({**SEALED, **changes}).encode()) == SEALED["eventID"]


@pytest.mark.parametrize(
    "changes",
    [
        {"eventTime": "2026-05-11T08:13:05.001+01:00"},
        {"eventTimeZoneOffset": "+00:00"},
        {"action": "OBSERVE"},
        {"bizStep": "packing"},
        {"childEPCs": ["https://id.gs1.org/8004/9521473SEAL0088214"]},
        {"cust:sealNumber": "S-0088214"},
        {"cust:sealColour": "red"},
    ],
)
def test_another_event_has_another_hash(changes: dict[str, Any]) -> None:
    assert hash_event_bytes(json.dumps({**SEALED, **changes}).encode()) != SEALED["eventID"]


def test_it_is_no_digest_to_sign_because_different_events_share_it(event: Make) -> None:
    swallowed = event(**{"own:a": "1{https://own.example/ns/}b=2"})
    apart = event(**{"own:a": "1", "own:b": "2"})
    assert event_hash(swallowed, prefixes=PREFIXES) == event_hash(apart, prefixes=PREFIXES)
    digits, fewer = event(**{"own:a": "0088213"}), event(**{"own:a": "88213"})
    assert event_hash(digits, prefixes=PREFIXES) == event_hash(fewer, prefixes=PREFIXES)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        ("2026-05-11T08:00:00.1414Z", "08:00:00.141Z"),
        ("2026-05-11T08:00:00.1415Z", "08:00:00.142Z"),
        ("2026-05-11T08:00:00.1425Z", "08:00:00.143Z"),
        ("2026-05-11T07:59:59.9996Z", "08:00:00.000Z"),
    ],
)
def test_times_are_rounded_half_up_to_the_millisecond(event: Make, at: str, written: str) -> None:
    assert f"eventTime=2026-05-11T{written}" in pre_hash(event(eventTime=at), prefixes=PREFIXES)


@pytest.mark.parametrize(
    ("text", "written"),
    [("1.0", "1"), ("+1", "1"), ("1e3", "1000"), (".50", "0.5"), ("1_0", "1_0"), ("1e999", "1e999"), ("nan", "nan")],
)
def test_numbers_lose_their_zeros_and_what_is_no_number_stays(event: Make, text: str, written: str) -> None:
    assert pre_hash(event(**{"own:a": text}), prefixes=PREFIXES).endswith(f"a={written}")


def test_a_long_row_of_digits_that_is_no_number_takes_no_longer_than_another_text(event: Make) -> None:
    begin_s = time.perf_counter()
    assert pre_hash(event(**{"own:a": "1" * 60_000 + "x"}), prefixes=PREFIXES).endswith("1x")
    assert time.perf_counter() - begin_s < 5.0, "it is read once for each of its digits"


def test_fields_can_be_left_out_by_name(event: Make) -> None:
    with_own = event(**{"own:captureID": "7"})
    assert event_hash(with_own, prefixes=PREFIXES, ignore=["own:captureID"]) == event_hash(event(), prefixes=PREFIXES)


def test_bytes_that_are_no_event_have_no_hash(raw: Raw) -> None:
    for bad in (b"{}", raw(bizStep="pakcing"), raw(eventTime="2026-05-11T23:59:60Z")):
        with pytest.raises(Rejected):
            hash_event_bytes(bad)
