"""What is known of a parcel after a scan."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from custody.gs1.event import Event
from custody.gs1.parse_event import parse_event
from custody.scans.advance import UNSEEN, advance, parcels_of

CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"wl": "urn:weaklink:"}]
PARCEL = "https://id.gs1.org/00/195214730000088169"
OTHER = "https://id.gs1.org/00/195214730000088176"
HANDSET = "https://id.gs1.org/01/09521473003813/21/001017004829159"
GIVER, TAKER = "https://id.gs1.org/417/9521473000102", "https://id.gs1.org/417/9521886000010"
HOUR = 3_600_000


def event(kind: str = "ObjectEvent", *, hour: int = 8, **more: Any) -> Event:
    body = {"@context": CONTEXT, "type": kind, "eventTime": f"2026-05-11T{hour:02d}:00:00.000Z"}
    body |= {"eventTimeZoneOffset": "+00:00", "action": "OBSERVE"}
    if kind == "ObjectEvent":
        body["epcList"] = [PARCEL]
    return parse_event(json.dumps(body | more).encode())


def parties(giver: str, taker: str) -> dict[str, Any]:
    return {
        "sourceList": [{"type": "possessing_party", "source": giver}],
        "destinationList": [{"type": "possessing_party", "destination": taker}],
    }


def weighing(kilograms: float, *, hour: int = 8) -> Event:
    time = f"2026-05-11T{hour:02d}:00:00.000Z"
    report = {"sensorMetadata": {"time": time}, "sensorReport": [{"type": "Mass", "value": kilograms, "uom": "KGM"}]}
    return event(hour=hour, bizStep="inspecting", sensorElementList=[report])


def packed(**more: Any) -> Event:
    body = {"action": "ADD", "bizStep": "packing", "parentID": PARCEL, "childEPCs": [HANDSET], **more}
    return event("AggregationEvent", **body)


def test_any_scan_makes_a_parcel_known() -> None:
    assert not UNSEEN.known
    assert advance(UNSEEN, event(bizStep="arriving")).known


def test_packing_says_what_is_inside_with_every_name_of_the_handset() -> None:
    view = advance(UNSEEN, packed(**{"wl:declaredMassGrams": 540}))
    assert view.expected_serials == {HANDSET, "urn:gsma:imei:00101700-482915-0"}
    assert view.declared_g == 540


def test_unpacking_takes_it_out_again() -> None:
    view = advance(UNSEEN, packed())
    body = {"action": "DELETE", "bizStep": "unpacking", "parentID": PARCEL, "childEPCs": [HANDSET]}
    assert not advance(view, event("AggregationEvent", hour=9, **body)).expected_serials


def test_a_release_names_the_takers_and_an_acceptance_ends_it() -> None:
    released = advance(UNSEEN, event(bizStep="departing", **parties(GIVER, TAKER)))
    assert released.released_to == {TAKER}
    accepted = advance(released, event(hour=9, bizStep="accepting", **parties(GIVER, TAKER)))
    assert accepted.custodian == TAKER
    assert not accepted.released_to


def test_weights_are_remembered_and_bounded() -> None:
    view = UNSEEN
    for number in range(12):
        view = advance(view, weighing(0.5 + number / 1000, hour=number))
    assert len(view.weights) == 8
    assert view.weights[-1].mass_g == 511


def test_a_broken_seal_stays_broken_until_another_is_applied() -> None:
    applied = event(
        "AssociationEvent",
        action="ADD",
        bizStep="installing",
        parentID=PARCEL,
        childEPCs=["https://id.gs1.org/8004/9521473SEAL0088213"],
        **{"wl:sealNumber": "S-0088213"},
    )
    sealed = advance(UNSEEN, applied)
    broken = advance(sealed, event(hour=9, bizStep="inspecting", **{"wl:sealState": "broken"}))
    assert sealed.seal is not None
    assert broken.seal is not None
    assert (sealed.seal.state, broken.seal.state) == ("intact", "broken")
    assert advance(broken, event(hour=10, bizStep="arriving")).seal == broken.seal


def test_an_error_declaration_moves_nothing_but_that_it_is_known() -> None:
    view = advance(UNSEEN, event(bizStep="departing", **parties(GIVER, TAKER)))
    declared = event(
        hour=9,
        bizStep="departing",
        errorDeclaration={"declarationTime": "2026-05-11T10:00:00Z", "reason": "did_not_occur"},
        **parties(GIVER, TAKER),
    )
    assert advance(view, declared) == view


def test_a_parcel_event_is_about_its_parcels_and_an_item_event_about_its_items() -> None:
    assert parcels_of(packed()) == (PARCEL,)
    assert parcels_of(event(epcList=[PARCEL, OTHER])) == (PARCEL, OTHER)
    assert parcels_of(event(epcList=[HANDSET])) == (HANDSET,)


@given(st.permutations(range(5)))
def test_the_newest_moment_does_not_depend_on_the_order_of_arrival(hours: list[int]) -> None:
    view = UNSEEN
    for hour in hours:
        view = advance(view, event(hour=hour, bizStep="arriving"))
    assert view.last_event_ms == event(hour=4).event_time_ms
