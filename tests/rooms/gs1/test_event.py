"""An event exists only if it is right; what is odd about it is said."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.gs1.parse_event import parse_event
from custody.gs1.times import read_instant, write_milliseconds
from custody.kernel.errors import Rejected

Make = Callable[..., dict[str, Any]]
Raw = Callable[..., bytes]
CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
PARCEL = "https://id.gs1.org/00/195214730000088169"
PHONE = "https://id.gs1.org/01/09521473003813/21/001017004829159"
GIVER, TAKER = "https://id.gs1.org/417/9521473000102", "https://id.gs1.org/417/9521886000010"


def test_a_weighing_is_read_in_full(raw: Raw) -> None:
    event = parse_event(raw())
    assert event.raw == raw()
    assert (event.type, event.action, event.biz_step, event.disposition) == (
        "ObjectEvent",
        "OBSERVE",
        "inspecting",
        "conformant",
    )
    assert event.epcs == (PARCEL,)
    assert event.read_point == "https://id.gs1.org/414/9521473000102/254/SCALE12"
    assert event.event_time_ms == 1_778_483_640_000
    assert event.offset == "+01:00"
    assert event.masses_g == (538.0,)
    assert event.readings[0].at_ms == event.event_time_ms - 2000
    assert event.readings[0].device == "https://id.gs1.org/8004/9521473SCALE12"
    assert event.keys() == {PARCEL, "urn:uuid:2f1a3bfa-9f70-4e1e-8f2a-0b53b2a6a001"}
    assert event.warnings == ()


def test_a_packing_is_found_by_parcel_handset_imeis_and_order(event: Make) -> None:
    packing = event(
        type="AggregationEvent",
        action="ADD",
        bizStep="packing",
        disposition="in_progress",
        parentID="urn:epc:id:sscc:9521473.1000008816",
        childEPCs=["https://shop.example/01/9521473003813/21/001017004829159?x=1"],
        bizTransactionList=[
            {"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000102:SO%2F20991"},
            {"type": "inv", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000102:I-1"},
            {"bizTransaction": "https://shop.example/orders/1"},
        ],
        **{"wl:imei": ["urn:gsma:imei:00101700-482915-9", "urn:gsma:imei:35693803-564380-0;svn=01"]},
    )
    del packing["epcList"], packing["sensorElementList"]
    found = parse_event(json.dumps(packing).encode())
    assert found.parent == PARCEL
    assert found.children == (PHONE,)
    assert found.imeis == ("urn:gsma:imei:00101700-482915-0", "urn:gsma:imei:35693803-564380-0")
    assert found.transactions[2] == (None, "https://shop.example/orders/1")
    assert found.keys() == {
        PARCEL,
        PHONE,
        *found.imeis,
        "po:SO/20991",
        "po:urn:epcglobal:cbv:bt:9521473000102:SO%2F20991",
        "urn:uuid:2f1a3bfa-9f70-4e1e-8f2a-0b53b2a6a001",
    }


def test_an_event_of_somebodys_own_type_is_read_and_found_by_the_fields_of_epcis(event: Make) -> None:
    own = event(type="own:SwabEvent", bizStep="cbv:BizStep-inspecting", action="ADD", parentID=PHONE, **{"own:x": 1})
    own["@context"] = [CONTEXT, {"own": "https://own.example/", "cbv": "https://ref.gs1.org/cbv/"}]
    found = parse_event(json.dumps(own).encode())
    assert (found.type, found.biz_step, found.action) == ("https://own.example/SwabEvent", "inspecting", None)
    assert (found.epcs, found.parent, found.masses_g) == ((PARCEL,), PHONE, (538.0,))
    assert {PARCEL, PHONE} < found.keys()
    with pytest.raises(Rejected, match="is not a CBV"):
        parse_event(json.dumps({**own, "bizStep": "cbv:BizStep-swabbing"}).encode())


def test_an_order_whose_text_decodes_to_a_nul_is_found_by_the_text_as_it_stands(raw: Raw) -> None:
    order = "urn:epcglobal:cbv:bt:9521473000102:SO%2F1%00X"
    found = parse_event(raw(bizTransactionList=[{"type": "po", "bizTransaction": order}])).keys()
    assert {f"po:{order}", "po:SO%2F1%00X"} < found
    assert not any("\0" in key for key in found)


@pytest.mark.parametrize("kind", ["po", "rma", "inv"])
@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("https://shop.example/orders/2026/01/20991234", None),
        ("https://id.gs1.org/01/00000020991234", None),
        ("https://id.gs1.org/00/195214730000088160", None),
        ("urn:gsma:imei:00101700-482915-9", None),
        ("urn:epc:id:sgtin:9521473.000381.X1", None),
        ("urn:uuid:5b0f5f5e-3a43-4d0e-9d0b-6f1f0f6f9a31", None),
        ("urn:epc:id:gdti:9521473.00012.SO20991", "https://id.gs1.org/253/9521473000126SO20991"),
        ("https://shop.example/253/9521473000126SO20991?x=1", "https://id.gs1.org/253/9521473000126SO20991"),
        ("https://shop.example/401/9521473SHIPMENT1", "https://id.gs1.org/401/9521473SHIPMENT1"),
        ("urn:epc:id:gsin:9521473.123456789", "https://id.gs1.org/402/95214731234567898"),
    ],
)
def test_of_the_numbers_of_transactions_only_those_of_papers_and_consignments_are_read_as_keys(
    raw: Raw, kind: str, number: str, read: str | None
) -> None:
    event = parse_event(raw(bizTransactionList=[{"type": kind, "bizTransaction": number}]))
    assert event.transactions == ((kind, read or number),)
    assert event.warnings == ()


@pytest.mark.parametrize(
    "event_id",
    [
        "https://carrier.example/events/00/195214730000088169",
        "https://carrier.example/253/9521473000126SO20991?x=1",
        "urn:epc:id:gdti:9521473.00012.SO20991",
        "urn:epc:no-scheme",
    ],
)
def test_the_id_of_an_upstream_event_is_a_name_and_stays_as_it_is(raw: Raw, event_id: str) -> None:
    for kind in ("upevt", "cbv:BTT-upevt"):
        event = parse_event(raw(bizTransactionList=[{"type": kind, "bizTransaction": event_id}]))
        assert event.transactions == (("upevt", event_id),)
        assert event.warnings == ()


def test_givers_and_takers_are_canonical(raw: Raw) -> None:
    event = parse_event(
        raw(
            sourceList=[{"type": "possessing_party", "source": "urn:epc:id:pgln:9521473.00010"}],
            destinationList=[
                {"type": "cbv:SDT-possessing_party", "destination": TAKER},
                {"type": "location", "destination": "urn:epc:id:sgln:9521886.00045.0"},
            ],
        )
    )
    assert event.parties() == (frozenset({GIVER}), frozenset({TAKER}))
    assert event.parties("location") == (frozenset(), frozenset({"https://id.gs1.org/414/9521886000454"}))


@pytest.mark.parametrize("prefix", ["wl", "custody", "x"])
def test_our_terms_are_found_under_any_prefix(raw: Raw, prefix: str) -> None:
    event = parse_event(
        raw(
            **{
                "@context": [CONTEXT, {prefix: "urn:weaklink:"}],
                f"{prefix}:sealNumber": "S-0088213",
                f"{prefix}:recipientCheck": {f"{prefix}:method": "pin6", "tries": [{f"{prefix}:n": 1}]},
                "urn:weaklink:handler": "h-0123",
            }
        )
    )
    assert event.extensions == {
        "wl:sealNumber": "S-0088213",
        "wl:recipientCheck": {"wl:method": "pin6", "tries": [{"wl:n": 1}]},
        "wl:handler": "h-0123",
    }


def test_the_prefix_wl_of_somebody_else_is_not_ours(raw: Raw) -> None:
    event = parse_event(raw(**{"@context": [CONTEXT, {"wl": "https://ns.example.com/"}], "wl:sealNumber": 7}))
    assert event.extensions == {}


def test_one_term_under_two_prefixes_is_refused(raw: Raw) -> None:
    with pytest.raises(Rejected) as caught:
        parse_event(
            raw(
                **{
                    "@context": [CONTEXT, {"a": "urn:weaklink:", "b": "urn:weaklink:"}],
                    "a:handler": "h-1",
                    "b:handler": "h-2",
                }
            )
        )
    assert caught.value.code == "extension"
    with pytest.raises(Rejected):
        parse_event(raw(**{"wl:case": {"wl:id": 1, "urn:weaklink:id": 2}}))


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("wl:imei", "urn:gsma:imei:00101700-482915-0"),
        ("wl:imei", []),
        ("wl:imei", ["001017004829159"]),
        ("wl:imei", [1]),
        ("wl:declaredMassGrams", 538.5),
        ("wl:declaredMassGrams", True),
        ("wl:declaredMassGrams", -1),
        ("wl:declaredMassGrams", "538"),
        ("wl:itemMassGrams", None),
        ("wl:sealNumber", "0088213"),
        ("wl:sealNumber", 88213),
        ("wl:sealNumber", ""),
        ("wl:sealNumber", "S" * 201),
        ("wl:sealState", "fine"),
        ("wl:sealState", ["intact"]),
        ("wl:entryMode", "typed"),
        ("wl:handler", "h\n1"),
        ("wl:prevScan", "ni:///sha-256;abc"),
        ("wl:prevScan", "ni:///sha-256;" + "00" * 32),
        ("wl:upstreamStatement", 5),
    ],
)
def test_our_own_terms_have_their_form(raw: Raw, term: str, value: Any) -> None:
    with pytest.raises(Rejected) as caught:
        parse_event(raw(**{term: value}))
    assert caught.value.code in {"extension", "digest"}


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("wl:imei", ["urn:gsma:imei:00101700-482915-0"]),
        ("wl:declaredMassGrams", 0),
        ("wl:itemMassGrams", 189),
        ("wl:sealNumber", "S-0088213"),
        ("wl:sealKind", "tamper-evident tape"),
        ("wl:sealState", "missing"),
        ("wl:handler", "h-0123"),
        ("wl:entryMode", "keyed"),
        ("wl:photo", "ni:///sha-256;" + "A" * 43),
        ("wl:expected", "https://id.gs1.org/01/09521473003813"),
        ("wl:case", {"wl:id": "case_1"}),
    ],
)
def test_our_own_terms_in_their_form_are_handed_on(raw: Raw, term: str, value: Any) -> None:
    assert parse_event(raw(**{term: value})).extensions == {term: value}


def test_terms_of_ours_that_are_newer_than_we_pass(raw: Raw) -> None:
    assert parse_event(raw(**{"wl:newTerm": [1, {"a": None}]})).extensions == {"wl:newTerm": [1, {"a": None}]}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"bizStep": "https://ref.gs1.org/cbv/BizStep-pakcing"}, "vocabulary"),
        ({"disposition": "cbv:Disp-lost"}, "vocabulary"),
        ({"persistentDisposition": {"set": ["https://ref.gs1.org/cbv/Disp-lost"]}}, "vocabulary"),
        ({"bizTransactionList": [{"type": "cbv:BTT-xx", "bizTransaction": "urn:a:b"}]}, "vocabulary"),
        ({"sensorElementList": [{"sensorReport": [{"type": "gs1:Weight", "value": 1}]}]}, "vocabulary"),
        ({"sensorElementList": [{"sensorReport": [{"type": "Mass", "exception": "gs1:OOPS"}]}]}, "vocabulary"),
        ({"sensorElementList": [{"sensorReport": [{"type": "Mass", "component": "cbv:Comp-w"}]}]}, "vocabulary"),
        ({"foo:x": 1}, "prefix"),
        ({"readPoint": {"id": "urn:a:b", "foo:x": 1}}, "prefix"),
        ({"bizLocation": {"id": "urn:a:b", "foo:x": 1}}, "prefix"),
        ({"action": "ADD", "ilmd": {"foo:x": 1}}, "prefix"),
        ({"sensorElementList": [{"foo:x": 1, "sensorReport": [{"type": "Mass"}]}]}, "prefix"),
        ({"sensorElementList": [{"sensorMetadata": {"foo:x": 1}, "sensorReport": [{"type": "Mass"}]}]}, "prefix"),
        ({"sensorElementList": [{"sensorReport": [{"type": "Mass", "foo:x": 1}]}]}, "prefix"),
        ({"errorDeclaration": {"declarationTime": "2026-05-12T08:00:00Z", "foo:x": 1}}, "prefix"),
        ({"@context": []}, "context"),
        ({"@context": [{"wl": "urn:weaklink:"}]}, "context"),
        ({"@context": "https://example.com/context.jsonld"}, "context"),
        ({"@context": [CONTEXT, 5]}, "context"),
        ({"@context": [CONTEXT, {"epcList": "https://example.com/other"}]}, "context"),
        ({"@context": None}, "context"),
        ({"eventTime": "2026-05-11T23:59:60Z"}, "time"),
        ({"eventTime": "0000-05-11T23:59:00Z"}, "time"),
    ],
)
def test_what_no_schema_can_say_is_refused_by_code(raw: Raw, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_event(raw(**changes))
    assert caught.value.code == code


def test_a_bare_event_needs_a_context_and_one_from_a_document_does_not(event: Make) -> None:
    without = event()
    del without["@context"]
    text = json.dumps(without).encode()
    with pytest.raises(Rejected) as caught:
        parse_event(text)
    assert caught.value.code == "context"
    assert parse_event(text, prefixes={}).epcs == (PARCEL,)


def test_a_document_lends_its_prefixes_and_the_event_may_add_to_them(event: Make) -> None:
    inner = event(**{"@context": {"b": "https://b.example/"}, "a:x": 1, "b:x": 2})
    assert parse_event(json.dumps(inner).encode(), prefixes={"a": "https://a.example/"}).type == "ObjectEvent"
    with pytest.raises(Rejected):
        parse_event(json.dumps(inner).encode(), prefixes={})


@pytest.mark.parametrize(
    "spelling",
    [
        CONTEXT,
        "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        "https://gs1.github.io/EPCIS/epcis-context.jsonld",
    ],
)
def test_the_context_spellings_met_in_practice_are_built_in(raw: Raw, spelling: str) -> None:
    for context in (spelling, ["https://example.com/more.jsonld", spelling]):
        assert parse_event(raw(**{"@context": context})).epcs == (PARCEL,)


def test_an_event_that_did_not_occur_names_no_corrections(raw: Raw) -> None:
    declared = {"declarationTime": "2026-05-12T08:00:00Z", "reason": "did_not_occur"}
    event = parse_event(raw(errorDeclaration=declared))
    assert event.error_declaration is not None
    assert (event.error_declaration.reason, event.error_declaration.corrective_ids) == ("did_not_occur", ())
    corrected = {**declared, "reason": "incorrect_data", "correctiveEventIDs": ["urn:a:b"]}
    other = parse_event(raw(errorDeclaration=corrected)).error_declaration
    assert other is not None
    assert other.corrective_ids == ("urn:a:b",)
    for reason in ("did_not_occur", "cbv:ER-did_not_occur", "https://ref.gs1.org/cbv/ER-did_not_occur"):
        with pytest.raises(Rejected) as caught:
            parse_event(raw(errorDeclaration={**corrected, "reason": reason}))
        assert caught.value.code == "error_declaration"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"epcList": ["https://id.gs1.org/00/195214730000088160"]}, "check digit is 9"),
        ({"epcList": ["urn:epc:id:sscc:9521473.1"]}, "not a well-formed EPC URN"),
        ({"eventTime": "2026-05-11T08:13:00.000+01:00"}, "sensor time is later"),
        ({"sensorElementList": [{"sensorReport": [{"type": "Mass", "value": 1, "uom": "STN"}]}]}, "unit 'STN'"),
        ({"sensorElementList": [{"sensorReport": [{"type": "Mass", "value": 1}]}]}, "unit None"),
    ],
)
def test_what_is_merely_odd_is_a_warning(raw: Raw, changes: dict[str, Any], says: str) -> None:
    warnings = parse_event(raw(**changes)).warnings
    assert len(warnings) == 1
    assert says in warnings[0]


@pytest.mark.parametrize(
    ("value", "unit", "grams"),
    [
        (0.538, "KGM", 538.0),
        (0.57, "KGM", 570.0),
        (538, "GRM", 538.0),
        (538_000, "MGM", 538.0),
        (0.000538, "TNE", 538.0),
        (1, "LBR", 453.59237),
        (1, "ONZ", 28.349523),
        (0, "KGM", 0.0),
    ],
)
def test_masses_are_read_in_grams(raw: Raw, value: float, unit: str, grams: float) -> None:
    event = parse_event(raw(sensorElementList=[{"sensorReport": [{"type": "Mass", "value": value, "uom": unit}]}]))
    assert event.masses_g == (grams,)
    assert event.readings[0].at_ms == event.event_time_ms
    assert event.readings[0].device is None


@pytest.mark.parametrize("value", [1.01e9, -1.01e9, 10**12, 1e306, -1e308])
@pytest.mark.parametrize("unit", ["KGM", "GRM", "TNE"])
def test_a_number_that_no_scale_shows_is_no_weighing(raw: Raw, value: float, unit: str) -> None:
    event = parse_event(raw(sensorElementList=[{"sensorReport": [{"type": "Mass", "value": value, "uom": unit}]}]))
    assert event.masses_g == ()
    assert "is not read" in event.warnings[0]


def test_only_weighings_are_weighings(raw: Raw) -> None:
    reports = [
        {"type": "Temperature", "value": 20, "uom": "CEL"},
        {"type": "Mass", "value": 0.5, "uom": "KGM"},
        {"type": "gs1:Mass", "value": 0.6, "uom": "KGM", "exception": "ALARM_CONDITION"},
        {"type": "Mass", "exception": "ALARM_CONDITION"},
        {"type": "Mass", "value": 9.9, "uom": "KGM", "exception": "ERROR_CONDITION"},
        {"type": "Mass", "minValue": 0.4, "maxValue": 0.7, "uom": "KGM"},
    ]
    assert parse_event(raw(sensorElementList=[{"sensorReport": reports}])).masses_g == (500.0, 600.0)


def test_a_name_that_stands_twice_is_refused_but_for_a_foreign_event_noted(raw: Raw) -> None:
    text = raw().replace(b'"action"', b'"eventID": "urn:a:b", "action"')
    with pytest.raises(Rejected) as caught:
        parse_event(text)
    assert caught.value.code == "json"
    event = parse_event(text, foreign=True)
    assert event.event_id == "urn:a:b"
    assert event.warnings == ("the name 'eventID' stands twice",)
    assert event.raw == text


@given(st.integers(min_value=-(10**13), max_value=10**14))
def test_an_events_time_is_exact_to_the_millisecond(at_ms: int) -> None:
    assert read_instant(write_milliseconds(at_ms)) == at_ms


@pytest.mark.parametrize("text", ["2026-05-11t08:14:00.1239999z", "2026-05-11T09:14:00.123+01:00"])
def test_times_are_read_in_every_rfc_3339_spelling(text: str) -> None:
    assert read_instant(text) == 1_778_487_240_123


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_the_first_and_the_last_instant_come_back(text: str) -> None:
    assert write_milliseconds(read_instant(text)).replace(".000", "") == text


def test_a_time_without_an_offset_or_outside_the_calendar_is_refused() -> None:
    for text in (
        "2026-05-11T08:14:00",
        "2026-05-11",
        "",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:59.9996Z",
    ):
        with pytest.raises(Rejected) as caught:
            read_instant(text)
        assert caught.value.code == "time"


def test_an_extended_event_of_somebody_else_is_taken_by_its_common_fields(event: Make) -> None:
    text = {
        name: value
        for name, value in event().items()
        if name in {"@context", "eventTime", "eventTimeZoneOffset", "eventID"}
    }
    own = parse_event(json.dumps({**text, "type": "wl:PhotoEvent", "wl:handler": "h-1"}).encode())
    assert (own.type, own.action, own.epcs) == ("urn:weaklink:PhotoEvent", None, ())


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_mutated_event_is_rejected_or_an_event_of_those_bytes(raw: Raw, data: st.DataObject) -> None:
    text = bytearray(raw(**{"wl:imei": ["urn:gsma:imei:00101700-482915-0"], "wl:sealNumber": "S-1"}))
    for _ in range(data.draw(st.integers(min_value=1, max_value=3))):
        at = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
        text[at : at + data.draw(st.integers(min_value=0, max_value=2))] = data.draw(st.binary(max_size=3))
    for foreign in (False, True):
        try:
            event = parse_event(bytes(text), foreign=foreign)
        except Rejected:
            continue
        assert event.raw == bytes(text)
        assert event.keys() is not None


JUNK = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_member_of_any_type_is_rejected_or_taken(event: Make, data: st.DataObject) -> None:
    whole = event(**{"wl:imei": ["urn:gsma:imei:00101700-482915-0"], "wl:photo": "ni:///sha-256;" + "A" * 43})
    holder: Any = whole
    while isinstance(holder, dict | list) and holder:
        step = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        if not isinstance(holder[step], dict | list) or data.draw(st.booleans()):
            junk = st.recursive(
                JUNK, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner)
            )
            holder[step] = data.draw(junk)
            break
        holder = holder[step]
    try:
        parse_event(json.dumps(whole).encode())
    except Rejected:
        return
